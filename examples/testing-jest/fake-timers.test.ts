import { afterEach, beforeEach, expect, jest, test } from '@jest/globals';
import { run, sleep } from 'asyncio-ts';

// The fake timers of Jest work as well, for programs that also have timers of their own.

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

test('a program sleeps by the fake clock', async () => {
  const ended = run(async () => {
    await sleep(3_600);
    await new Promise((resolve) => setTimeout(resolve, 1_000)); // a timer that is not of the library
    return 'done';
  });
  await jest.advanceTimersByTimeAsync(3_601_000);
  expect(await ended).toBe('done');
});

test('the fake clock can be moved in steps', async () => {
  const seen: number[] = [];
  const ended = run(async () => {
    for (let i = 0; i < 3; i++) {
      await sleep(1);
      seen.push(i);
    }
  });
  await jest.advanceTimersByTimeAsync(1_500);
  expect(seen).toEqual([0]);
  await jest.advanceTimersByTimeAsync(1_500);
  expect(seen).toEqual([0, 1, 2]);
  await ended;
});
