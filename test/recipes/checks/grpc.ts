// The recipe for gRPC: deadlines and cancellations travel in both directions, and through a server that asks another one.
import { deepStrictEqual, match, ok, rejects, strictEqual } from 'node:assert/strict';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { promisify } from 'node:util';
import { credentials, Server, ServerCredentials, status } from '@grpc/grpc-js';
import { CancelledError, createTask, currentTask, gather, once, sleep, TimeoutError, timeout } from 'asyncio-ts';
import { answer, call } from '../../../examples/recipes/grpc/calls.ts';
import { PricesClient, prices } from '../../../examples/recipes/grpc/prices.ts';
import type { Checks } from '../../peers/lib/checks.ts';
import { runExample } from '../lib/examples.ts';
import { until } from '../lib/until.ts';

const { price } = prices;

export default async function checkGrpc({ check }: Checks): Promise<void> {
  const seen = { atWork: 0, why: [] as string[], names: [] as string[] };
  const back = await Served.of(async (name) => {
    seen.names.push(String(currentTask()?.getName()));
    seen.atWork++;
    try {
      await sleep(name === 'slow' ? 60 : 0.005);
      if (name === 'wrong') throw Object.assign(new Error('no such thing'), { code: status.NOT_FOUND });
      if (name === 'broken') throw new RangeError('a fault');
      return 42;
    } catch (error) {
      seen.why.push((error as Error).message);
      throw error;
    } finally {
      seen.atWork--;
    }
  });
  const front = await Served.of(async (name) => (await call(back.client, price, { name })).cents + 1);
  const quiet = () => until('no server works', () => seen.atWork === 0);
  try {
    await check('the program of the page', () => runExample('grpc'));
    await check('an answer, and an error with its code', async () => {
      deepStrictEqual(await call(back.client, price, { name: 'tea' }), { cents: 42 });
      strictEqual(seen.names.at(-1), '/shop.Prices/Price');
      await rejects(call(back.client, price, { name: 'wrong' }), { code: status.NOT_FOUND });
      await rejects(call(back.client, price, { name: 'broken' }), { code: status.UNKNOWN });
    });
    await check('the deadline of a call is a TimeoutError here, and ends the work there', async () => {
      await rejects(call(back.client, price, { name: 'slow' }, 0.1), TimeoutError);
      await quiet();
      match(seen.why.at(-1)!, /timeout\(0\.\d+ s\)|the client has left/);
    });
    await check('a cancellation here, or a deadline around the call, ends the work there', async () => {
      const task = createTask(() => call(back.client, price, { name: 'slow' }));
      await until('the server works', () => seen.atWork === 1);
      task.cancel();
      await rejects(async () => await task, CancelledError);
      await quiet();
      strictEqual(seen.why.at(-1), 'the client has left');
      await rejects(async () => await timeout(0.1, () => call(back.client, price, { name: 'slow' })), TimeoutError);
      await quiet();
      strictEqual(seen.why.at(-1), 'the client has left');
    });
    await check('a client that is gone ends the work there', async () => {
      const lines: Socket[] = [];
      const proxy = createServer((line) => {
        const onward = connect(back.port, '127.0.0.1');
        lines.push(line, onward);
        for (const end of [line, onward]) end.on('error', () => {});
        line.pipe(onward).pipe(line);
      }).listen(0, '127.0.0.1');
      await once(proxy, 'listening');
      const { port } = proxy.address() as AddressInfo;
      const other = new PricesClient(`127.0.0.1:${port}`, credentials.createInsecure());
      const asked = call(other, price, { name: 'slow' }).catch((error: unknown) => error);
      await until('the server works', () => seen.atWork === 1);
      for (const line of lines) line.destroy();
      await quiet();
      ok((await asked) instanceof Error);
      strictEqual(seen.why.at(-1), 'the client has left');
      other.close();
      proxy.close();
    });
    await check('through a server in between: deadline and cancellation reach the last one', async () => {
      deepStrictEqual(await call(front.client, price, { name: 'tea' }, 5), { cents: 43 });
      await rejects(call(front.client, price, { name: 'slow' }, 0.1), TimeoutError);
      await quiet();
      const task = createTask(() => call(front.client, price, { name: 'slow' }));
      await until('the last server works', () => seen.atWork === 1);
      task.cancel();
      await quiet();
      await rejects(async () => await task, CancelledError);
    });
    await check('a call whose time is over before it begins does no work', async () => {
      const before = seen.names.length;
      await rejects(call(back.client, price, { name: 'tea' }, 0), TimeoutError);
      strictEqual(seen.names.length, before);
    });
    await check('300 calls that are cancelled at any moment leave no work', async () => {
      const one = async (number: number): Promise<void> => {
        const task = createTask(() => call(front.client, price, { name: 'tea' }, 5));
        await sleep((number % 25) / 1_000);
        task.cancel();
        await Promise.allSettled([task]);
      };
      for (let round = 0; round < 6; round++)
        await gather([...Array(50).keys()].map((lane) => () => one(round + lane)));
      await quiet();
      deepStrictEqual(await call(front.client, price, { name: 'tea' }), { cents: 43 });
    });
  } finally {
    front.close();
    back.close();
  }
}

/** A server of prices, and a client of it. */
class Served {
  readonly port: number;
  readonly client: InstanceType<typeof PricesClient>;
  readonly #server: Server;

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.port = port;
    this.client = new PricesClient(`127.0.0.1:${port}`, credentials.createInsecure());
  }

  static async of(centsOf: (name: string) => Promise<number>): Promise<Served> {
    const server = new Server();
    server.addService(prices, {
      price: answer(async ({ name }: { name: string }) => ({ cents: await centsOf(name) })),
    });
    const bind = promisify(server.bindAsync.bind(server));
    return new Served(server, await bind('127.0.0.1:0', ServerCredentials.createInsecure()));
  }

  close(): void {
    this.client.close();
    this.#server.forceShutdown();
  }
}
