// The recipe for ioredis: a command that blocks in the server ends there too, and nothing that it was sending is lost.
import { deepStrictEqual, ok, rejects, strictEqual } from 'node:assert/strict';
import { CancelledError, createTask, sleep, TimeoutError, timeout, wrapPromise } from 'asyncio-ts';
import { Redis } from 'ioredis';
import { take } from '../../../examples/recipes/ioredis/take.ts';
import type { Checks } from '../../peers/lib/checks.ts';
import { runExample } from '../lib/examples.ts';
import type { Servers } from '../lib/servers.ts';
import { until } from '../lib/until.ts';

export default async function checkIoredis({ check }: Checks, servers: Servers): Promise<void> {
  const server = await servers.redis();
  const redis = new Redis({ port: server.port });
  const blocking = redis.duplicate();
  /** How many clients are blocked in the server. */
  const blocked = async (): Promise<number> => Number(/blocked_clients:(\d+)/.exec(await redis.info('clients'))?.[1]);
  try {
    await check('the program of the page', () => runExample('ioredis', server.env));
    await check('an abandoned BLPOP blocks nobody in the server, and its connection is kept', async () => {
      const id = await blocking.client('ID');
      for (let round = 0; round < 20; round++) {
        const task = createTask(() => take(redis, blocking, 'jobs'));
        await until('it blocks', async () => (await blocked()) === 1);
        task.cancel();
        await rejects(async () => await task, CancelledError);
        strictEqual(await blocked(), 0);
      }
      strictEqual(await blocking.client('ID'), id);
    });
    await check('after an abandoned BLPOP the next element is for the next one who asks', async () => {
      await rejects(async () => await timeout(0.05, () => take(redis, blocking, 'jobs')), TimeoutError);
      await redis.rpush('jobs', 'a', 'b');
      await sleep(0.05);
      deepStrictEqual(await redis.lrange('jobs', 0, -1), ['a', 'b']);
      strictEqual(await take(redis, blocking, 'jobs'), 'a');
      strictEqual(await take(redis, blocking, 'jobs'), 'b');
    });
    await check('with wrapPromise alone the element would be lost', async () => {
      await rejects(
        async () => await timeout(0.05, async () => await wrapPromise(blocking.blpop('lost', 5))),
        TimeoutError,
      );
      await redis.rpush('lost', 'a');
      strictEqual(await redis.llen('lost'), 0);
    });
    await check('elements that come in the moment of the cancellation are not lost, and stay in order', async () => {
      const got: string[] = [];
      let cancelled = 0;
      for (let number = 0; number < 500; number++) {
        const task = createTask(() => take(redis, blocking, 'race'));
        // Both at once: the push is on its way before the cancellation, or after it.
        const isLate = number % 2 === 0;
        if (isLate) await sleep(0);
        const pushed = redis.rpush('race', String(number));
        if (!isLate) await sleep((number % 5) / 10_000);
        task.cancel();
        await pushed;
        await Promise.allSettled([task]);
        if (task.cancelled()) cancelled++;
        else got.push(task.result());
      }
      got.push(...(await redis.lrange('race', 0, -1)));
      deepStrictEqual(
        got,
        Array.from({ length: 500 }, (_, number) => String(number)),
      );
      ok(cancelled > 0, 'no cancellation came in time');
    });
    await check('a wait goes on when the connection was lost and made again', async () => {
      const task = createTask(() => take(redis, blocking, 'jobs'));
      await until('it blocks', async () => (await blocked()) === 1);
      blocking.disconnect(true);
      await until('it blocks once more', async () => (await blocked()) === 1);
      await redis.rpush('jobs', 'still there');
      strictEqual(await task, 'still there');
    });
    await check('a cancelled command leaves the replies to others as they are', async () => {
      await redis.set('name', 'Ada');
      const tasks = Array.from({ length: 100 }, (_, number) =>
        createTask(async () => await wrapPromise(redis.echo(String(number)))),
      );
      await sleep(0);
      for (const [number, task] of tasks.entries()) if (number % 2 === 0) task.cancel();
      const outcomes = await Promise.allSettled(tasks);
      deepStrictEqual(
        outcomes.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value : null)),
        Array.from({ length: 100 }, (_, number) => (number % 2 === 0 ? null : String(number))),
      );
      strictEqual(await redis.get('name'), 'Ada');
    });
  } finally {
    redis.disconnect();
    blocking.disconnect();
  }
}
