import { rethrowIfCancelled, sleep } from 'asyncio-ts';
import { asyncTest } from 'asyncio-ts/vitest';
import { expect } from 'vitest';

/** What is tested: tries again after a second, until it succeeds. */
async function persist<T>(call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call();
    } catch (error) {
      rethrowIfCancelled(error);
      await sleep(1);
    }
  }
}

asyncTest('tries again a second after a failure', async ({ group, clock }) => {
  let calls = 0;
  const task = group.createTask(() =>
    persist(async () => {
      if (++calls === 1) throw new Error('busy');
      return 'done';
    }),
  );
  await clock.advance(0.9);
  expect(calls).toBe(1);
  expect(await task).toBe('done'); // when all tasks of a test sleep, its clock jumps
  expect(clock.time()).toBe(1);
});
