// The recipe for WebSockets: a connection is a task, on both sides.
import { deepStrictEqual, match, ok, rejects, strictEqual } from 'node:assert/strict';
import { type AddressInfo, createServer } from 'node:net';
import { allTasks, CancelledError, createTask, gather, once, sleep, TimeoutError, timeout } from 'asyncio-ts';
import { type CloseEvent, WebSocket, WebSocketServer } from 'ws';
import {
  closeSockets,
  type Handler,
  send,
  serveSockets,
  withSocket,
} from '../../../examples/recipes/websockets/sockets.ts';
import type { Checks } from '../../peers/lib/checks.ts';
import { runExample } from '../lib/examples.ts';
import { until } from '../lib/until.ts';

export default async function checkWebSockets(checks: Checks): Promise<void> {
  const { check } = checks;
  await check('the program of the page', () => runExample('websockets'));
  await check('a message that comes with the connection is not lost, and messages keep their order', async () => {
    await using server = await Served.of(async (socket, messages) => {
      await sleep(0.02);
      for await (const { data } of messages) await send(socket, `${data}!`);
    });
    const numbers = [...Array(200).keys()].map(String);
    const answers = await withSocket(server.url, async (socket, messages) => {
      for (const number of numbers) socket.send(number);
      const got: string[] = [];
      for await (const { data } of messages) if (got.push(String(data)) === numbers.length) break;
      return got;
    });
    deepStrictEqual(
      answers,
      numbers.map((number) => `${number}!`),
    );
  });
  await check('a client that leaves, politely or not, cancels the task, whose clean-up runs', async () => {
    const seen: string[] = [];
    await using server = await Served.of(async () => {
      try {
        await sleep(60);
      } catch (error) {
        seen.push((error as Error).message);
        throw error;
      } finally {
        await sleep(0.1);
        seen.push('cleaned up');
      }
    });
    // The end of the server must not interrupt the clean-up that the client has begun, nor the other way round.
    const interrupted = new WebSocket(server.url);
    await once(interrupted, 'open');
    await until('it is served', () => server.tasks.size === 1);
    await sleep(0.01);
    interrupted.terminate();
    await until('it cleans up', () => seen.length === 1);
    const other = new WebSocketServer({ noServer: true });
    await closeSockets(other, server.tasks, 1);
    deepStrictEqual(seen.splice(0), ['the client has left', 'cleaned up']);
    for (const leave of [(socket: WebSocket) => socket.close(), (socket: WebSocket) => socket.terminate()]) {
      const socket = new WebSocket(server.url);
      await once(socket, 'open');
      await until('it is served', () => server.tasks.size === 1);
      const [task] = server.tasks;
      match(String(task?.getName()), /^WebSocket \/$/);
      await sleep(0.01);
      leave(socket);
      await until('the task is over', () => server.tasks.size === 0);
    }
    deepStrictEqual(seen, ['the client has left', 'cleaned up', 'the client has left', 'cleaned up']);
  });
  await check('a handler that fails closes with 1011', async () => {
    await using server = await Served.of(async () => {
      throw new RangeError('not possible');
    });
    const socket = new WebSocket(server.url);
    const { code } = await once<CloseEvent>(socket, 'close');
    strictEqual(code, 1011);
    await until('the task is over', () => server.tasks.size === 0);
  });
  await check('a deadline and a cancellation of the client close the connection', async () => {
    await using server = await Served.of(async (_socket, messages) => {
      for await (const _ of messages) void _;
    });
    const listen = () => withSocket(server.url, (_socket, messages) => messages.next());
    await rejects(async () => await timeout(0.1, listen), TimeoutError);
    const task = createTask(listen);
    await until('it is served', () => server.tasks.size === 1);
    task.cancel();
    await rejects(async () => await task, CancelledError);
    await until('the server has noticed', () => server.tasks.size === 0 && server.server.clients.size === 0);
  });
  await check('a connection that is never made is given up', async () => {
    await using mute = createServer((socket) => socket.resume()).listen(0, '127.0.0.1');
    await once(mute, 'listening');
    const { port } = mute.address() as AddressInfo;
    const connect = (): Promise<void> => withSocket(`ws://127.0.0.1:${port}`, async () => {});
    await rejects(async () => await timeout(0.1, connect), TimeoutError);
    await rejects(async () => await withSocket('ws://127.0.0.1:1', async () => {}), { code: 'ECONNREFUSED' });
  });
  await check('a client that does not read makes the sender wait', async () => {
    let sent = 0;
    await using server = await Served.of(async (socket) => {
      for (;;) {
        await send(socket, 'x'.repeat(100_000));
        sent += 100_000;
      }
    });
    const socket = new WebSocket(server.url);
    await once(socket, 'open');
    socket.pause();
    let before = -1;
    await until('the server waits', async () => {
      const isSame = sent === before;
      before = sent;
      await sleep(0.1);
      return isSame;
    });
    ok(sent < 50_000_000, `${sent} bytes were sent to nobody`);
    socket.terminate();
    await until('the task is over', () => server.tasks.size === 0);
  });
  await check('the end of the server: tasks clean up, and clients that do not answer are cut off', async () => {
    const server = await Served.of(async (_socket, messages) => {
      for await (const _ of messages) void _;
    });
    const polite = new WebSocket(server.url);
    const rude = new WebSocket(server.url);
    await gather(once(polite, 'open'), once(rude, 'open'));
    await until('they are served', () => server.tasks.size === 2);
    rude.pause(); // answers no close
    const closed = once<CloseEvent>(polite, 'close');
    await closeSockets(server.server, server.tasks, 0.2);
    const { code } = await closed;
    strictEqual(code, 1001);
    strictEqual(server.tasks.size, 0);
    rude.terminate();
  });
  await check('200 clients that leave at any moment leave no task', async () => {
    await using server = await Served.of(async (socket, messages) => {
      for await (const { data } of messages) await send(socket, String(data));
    });
    const one = async (number: number): Promise<void> => {
      const task = createTask(() =>
        withSocket(server.url, async (socket, messages) => {
          for (;;) {
            await send(socket, 'x');
            await messages.next();
          }
        }),
      );
      await sleep((number % 40) / 1_000);
      task.cancel();
      await Promise.allSettled([task]);
    };
    await gather([...Array(200).keys()].map((number) => () => one(number)));
    await until('the server has nothing to do', () => server.tasks.size === 0 && server.server.clients.size === 0);
    deepStrictEqual(
      [...allTasks()].filter((task) => task.getName().startsWith('WebSocket')),
      [],
    );
  });
}

/** A server whose connections are tasks. */
class Served implements AsyncDisposable {
  readonly server: WebSocketServer;
  readonly tasks: ReturnType<typeof serveSockets>;
  readonly url: string;

  private constructor(server: WebSocketServer, handler: Handler) {
    this.server = server;
    this.tasks = serveSockets(server, handler);
    this.url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/`;
  }

  static async of(handler: Handler): Promise<Served> {
    const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
    await once(server, 'listening');
    return new Served(server, handler);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await closeSockets(this.server, this.tasks, 1);
  }
}
