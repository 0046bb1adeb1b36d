import { deepStrictEqual, match, ok, strictEqual } from 'node:assert/strict';
import { setTimeout } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import type pg from 'pg';
import { load, visitToShop } from './load.ts';
import type { Service, Status } from './service.ts';

/** What the checks look at from outside. */
export interface World {
  readonly database: pg.Pool;
  readonly cache: Redis;
  /** How many requests the check makes that is about many. */
  readonly requests: number;
}

export type Check = (service: Service, world: World) => Promise<void>;

const ATTEMPTS = 200;
const PAUSE = 20;

/** Waits until it is so: a process that is told something needs a moment. */
async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  for (let attempt = 0; !(await isSo()); attempt++) {
    if (attempt === ATTEMPTS) throw new Error(`not so after ${(ATTEMPTS * PAUSE) / 1_000} s: ${what}`);
    await setTimeout(PAUSE);
  }
}

/** The statements that run in PostgreSQL, without the one that asks. */
async function running({ database }: World): Promise<string[]> {
  const { rows } = await database.query<{ query: string }>(
    `SELECT query FROM pg_stat_activity
     WHERE backend_type = 'client backend' AND state <> 'idle' AND pid <> pg_backend_pid()`,
  );
  return rows.map(({ query }) => query);
}

/** Nothing is under way but the request that asks. */
async function untilQuiet(service: Service, world: World): Promise<Status> {
  let status = await service.status();
  await until('no task, and no connection in use', async () => {
    status = await service.status();
    const { tasks, connections } = status;
    return tasks.length === 1 && connections.idle === connections.all && connections.waiting === 0;
  });
  deepStrictEqual(status.tasks, ['GET /status']);
  deepStrictEqual(await running(world), []);
  return status;
}

const post = (service: Service, product: number, quantity: number): Promise<Response> =>
  fetch(`${service.base}/orders`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ product, quantity }),
  });

async function stock({ database }: World, product: number): Promise<number> {
  const { rows } = await database.query<{ stock: number }>('SELECT stock FROM products WHERE id = $1', [product]);
  return rows[0]!.stock;
}

export const CHECKS: Readonly<Record<string, Check>> = {
  async 'requests side by side have tasks and context variables of their own'(service) {
    const ids = Array.from({ length: 20 }, (_, i) => `request-${i}`);
    const reports = await Promise.all(
      ids.map(async (id) => {
        const response = await fetch(`${service.base}/report?seconds=0.01`, { headers: { 'x-request-id': id } });
        return (await response.json()) as { id: string; task: string };
      }),
    );
    deepStrictEqual(
      reports.map(({ id }) => id),
      ids,
    );
    deepStrictEqual(new Set(reports.map(({ task }) => task)), new Set(['GET /report']));
  },

  async 'a product comes from the cache, until an order has changed it'(service, world) {
    const url = `${service.base}/products/1`;
    await world.cache.del('product:1');
    const before = (await (await fetch(url)).json()) as { stock: number };
    ok(await world.cache.get('product:1'));
    const answer = await post(service, 1, 3);
    strictEqual(answer.status, 201);
    strictEqual(await world.cache.get('product:1'), null);
    const after = (await (await fetch(url)).json()) as { stock: number };
    strictEqual(before.stock - after.stock, 3);
    strictEqual((await fetch(`${service.base}/products/99`)).status, 404);
  },

  async 'an order that cannot be met leaves everything as it was'(service, world) {
    const before = await stock(world, 2);
    const answer = await post(service, 2, before + 1);
    strictEqual(answer.status, 409);
    strictEqual(await stock(world, 2), before);
    await untilQuiet(service, world);
  },

  async 'the query of a client that leaves is gone from the server, and its connection is handed back'(service, world) {
    const client = new AbortController();
    const answer = fetch(`${service.base}/report?seconds=30`, { signal: client.signal }).catch(
      (error: Error) => error.name,
    );
    await until('the query runs', async () => (await running(world)).length > 0);
    client.abort();
    strictEqual(await answer, 'AbortError');
    await until('no query runs', async () => (await running(world)).length === 0);
    await untilQuiet(service, world);
  },

  async 'clients that leave while they wait for a connection leave none behind'(service, world) {
    const clients = Array.from({ length: 30 }, () => new AbortController());
    const answers = clients.map(({ signal }) =>
      fetch(`${service.base}/report?seconds=30`, { signal }).catch((error: Error) => error.name),
    );
    await until('all connections are in use', async () => (await service.status()).connections.waiting >= 20);
    for (const client of clients) client.abort();
    deepStrictEqual(new Set(await Promise.all(answers)), new Set(['AbortError']));
    await untilQuiet(service, world);
  },

  async 'a deadline is answered with 504, and ends the query'(service, world) {
    const began = performance.now();
    const { status } = await fetch(`${service.base}/report?seconds=30`, { headers: { 'x-request-timeout-ms': '100' } });
    strictEqual(status, 504);
    ok(performance.now() - began < 3_000);
    await untilQuiet(service, world);
  },

  async 'a deadline travels on to another service'(service) {
    const response = await fetch(`${service.base}/remote`, { headers: { 'x-request-timeout-ms': '4000' } });
    const { remote } = (await response.json()) as { remote: { timeout: string } };
    const left = Number(remote.timeout);
    ok(left > 2_000 && left <= 4_000, `the other service was given ${remote.timeout}`);
  },

  async 'beyond the limit and the queue the answer is 503 with Retry-After, at once'(service, world) {
    const clients = new AbortController();
    const refused: (string | null)[] = [];
    const others: unknown[] = [];
    // 50 run and 100 wait, and none of them ends before its deadline.
    const answers = Array.from({ length: 170 }, async () => {
      try {
        const { status, headers } = await fetch(`${service.base}/report?seconds=30`, { signal: clients.signal });
        if (status === 503) refused.push(headers.get('retry-after'));
        else others.push(status);
      } catch (error) {
        others.push((error as Error).name);
      }
    });
    await until('20 were refused', async () => refused.length === 20);
    clients.abort();
    await Promise.all(answers);
    deepStrictEqual(new Set(refused), new Set(['1']));
    deepStrictEqual(others, Array(150).fill('AbortError'));
    await untilQuiet(service, world);
    strictEqual((await fetch(`${service.base}/products/1`)).status, 200);
  },

  async 'a stream ends when its client leaves'(service, world) {
    const response = await fetch(`${service.base}/events`);
    const reader = response.body!.getReader();
    const { value } = await reader.read();
    match(new TextDecoder().decode(value), /^data: {"orders":\d+}\n\n/);
    ok((await service.status()).tasks.includes('GET /events'));
    await reader.cancel();
    await untilQuiet(service, world);
  },

  async 'a bug is answered with 500'(service) {
    strictEqual((await fetch(`${service.base}/fails`)).status, 500);
  },

  async 'thousands of requests with random disconnects, deadlines and failures leave no task, query, socket or timer'(
    service,
    world,
  ) {
    const stockBefore = await stock(world, 1);
    const before = await untilQuiet(service, world);
    const answers = await load(service.base, world.requests, 40, visitToShop);
    console.log(`        ${JSON.stringify(answers)}`);
    const sum = Object.values(answers).reduce((total, count) => total + count);
    strictEqual(sum, world.requests);
    for (const kind of ['200', '201', '500', '504', 'left']) ok(answers[kind]! > 0, `none with ${kind}`);
    const after = await untilQuiet(service, world);
    // The pools may have opened more connections, of which each is a socket.
    const ownSockets = ({ resources, connections }: Status): number =>
      (resources['TCPSocketWrap'] ?? 0) - connections.all;
    await until('as many sockets as before', async () => {
      const now = await service.status();
      return ownSockets(now) <= ownSockets(before) + 2; // those of the pool that cancels
    });
    deepStrictEqual(after.resources['Timeout'] ?? 0, before.resources['Timeout'] ?? 0);
    deepStrictEqual(after.resources['Immediate'] ?? 0, before.resources['Immediate'] ?? 0);
    // An order whose client was told of it was written; each is written once or not at all.
    const { rows } = await world.database.query<{ sum: number }>('SELECT sum(quantity)::int AS sum FROM orders');
    ok(rows[0]!.sum > 0);
    ok(stockBefore - (await stock(world, 1)) >= answers['201']!);
  },

  async 'SIGTERM: the work is cut by name, the queries end, the exit code is 0'(service, world) {
    const unfinished = 'content-type: application/json\r\ncontent-length: 99\r\n\r\n{';
    const clients = [
      service.deafClient('GET /events HTTP/1.1\r\nhost: x\r\n\r\n'),
      service.deafClient('GET /report?seconds=30 HTTP/1.1\r\nhost: x\r\n\r\n'),
      service.deafClient(`POST /orders HTTP/1.1\r\nhost: x\r\n${unfinished}`),
    ];
    const names = ['GET /events', 'GET /report', 'POST /orders'];
    await until('all are under way', async () => {
      const { tasks } = await service.status();
      return names.every((name) => tasks.includes(name));
    });
    const began = performance.now();
    const code = await service.terminate();
    const took = performance.now() - began;
    for (const socket of clients) socket.destroy();
    deepStrictEqual({ code, errors: service.errors }, { code: 0, errors: '' });
    const cut = service.lines.filter((line) => line.startsWith('cut: ')).sort();
    deepStrictEqual(
      cut.map((line) => line.replace(/ \(\d+\.\d s\)$/, '')),
      names.map((name) => `cut: ${name}`),
    );
    ok(took < 3_000, `it took ${took.toFixed(0)} ms`);
    deepStrictEqual(await running(world), []);
  },
};
