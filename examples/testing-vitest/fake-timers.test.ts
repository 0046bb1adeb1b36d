import { run, sleep } from 'asyncio-ts';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

// The fake timers of Vitest work as well, for programs that also have timers of their own.

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test('a program sleeps by the fake clock', async () => {
  const ended = run(async () => {
    await sleep(3_600);
    await new Promise((resolve) => setTimeout(resolve, 1_000)); // a timer that is not of the library
    return 'done';
  });
  await vi.advanceTimersByTimeAsync(3_601_000);
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
  await vi.advanceTimersByTimeAsync(1_500);
  expect(seen).toEqual([0]);
  await vi.advanceTimersByTimeAsync(1_500);
  expect(seen).toEqual([0, 1, 2]);
  await ended;
});
