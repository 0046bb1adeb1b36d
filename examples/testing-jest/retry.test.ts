import { expect } from '@jest/globals';
import { createTask, Event, sleep } from 'asyncio-ts';
import { asyncTest } from 'asyncio-ts/jest';
import { retry } from './retry.ts';

/** Fails so many times. */
function flaky(failures: number) {
  const calls: number[] = [];
  const call = async (): Promise<string> => {
    calls.push(calls.length + 1);
    await sleep(0.1);
    if (calls.length <= failures) throw new Error(`failure ${calls.length}`);
    return 'done';
  };
  return { call, calls };
}

asyncTest('goes on until the function succeeds', async ({ clock }) => {
  const { call, calls } = flaky(4);
  expect(await retry(call)).toBe('done');
  expect(calls).toHaveLength(5);
  expect(clock.time()).toBeCloseTo(1 + 2 + 4 + 8 + 5 * 0.1); // fifteen seconds, in a millisecond
});

asyncTest('waits a second after the first failure', async ({ group, clock }) => {
  const { call, calls } = flaky(1);
  group.createTask(() => retry(call));
  await clock.advance(1);
  expect(calls).toEqual([1]);
  await clock.advance(0.2);
  expect(calls).toEqual([1, 2]);
});

asyncTest('gives each attempt its time', async ({ clock }) => {
  const stuck = async () => await new Event().wait();
  await expect(retry(stuck, { attempts: 2, limit: 30 })).rejects.toThrow('timed out');
  expect(clock.time()).toBe(30 + 1 + 30);
});

asyncTest('ends when it is cancelled', async ({ group, clock }) => {
  const { call, calls } = flaky(100);
  const task = group.createTask(() => retry(call, { attempts: 1_000 }));
  await clock.advance(10);
  task.cancel();
  await clock.settle();
  expect(task.cancelled()).toBe(true);
  expect(calls).toHaveLength(4);
});

asyncTest('is awaited in generators as well', function* ({ clock }) {
  const { call } = flaky(1);
  expect(yield* createTask(() => retry(call))).toBe('done');
  expect(clock.time()).toBeCloseTo(1.2);
});
