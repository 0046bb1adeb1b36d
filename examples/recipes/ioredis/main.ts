import { createTask, run, sleep, TimeoutError, timeout, wrapPromise } from 'asyncio-ts';
import { Redis } from 'ioredis';
import { take } from './take.ts';

const redis = new Redis({ port: Number(process.env['REDIS_PORT'] ?? 6379) });
const blocking = redis.duplicate();

await run(async () => {
  // An ordinary command: only the wait for it ends, and the connection is as good as before.
  await wrapPromise(redis.set('name', 'Ada'));
  console.log(await timeout(1, async () => await wrapPromise(redis.get('name')))); // Ada

  // A command that blocks: the wait in the server ends too.
  try {
    await timeout(0.2, () => take(redis, blocking, 'jobs'));
  } catch (error) {
    console.log(error instanceof TimeoutError); // true
  }
  await redis.rpush('jobs', 'first');
  console.log(await redis.llen('jobs')); // 1
  const job = createTask(() => take(redis, blocking, 'jobs'));
  console.log(await job); // first

  const idle = createTask(() => take(redis, blocking, 'jobs'));
  await sleep(0.1);
  idle.cancel();
  await Promise.allSettled([idle]);
  console.log(idle.cancelled()); // true
});
redis.disconnect();
blocking.disconnect();
