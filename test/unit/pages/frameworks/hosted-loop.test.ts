import { allTasks, sleep } from 'asyncio-ts';
import { useTask } from 'asyncio-ts/vue';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { muteLog } from '../../../support/loops.ts';

// The loop that a page has by itself, which the other files replace. Its clock does not go back, so the timers are faked once.

beforeAll(() => {
  vi.useFakeTimers();
});

afterAll(() => {
  vi.useRealTimers();
});

it('useTask() needs no run(), and follows the fake timers of a test runner', async () => {
  const { run, status, value } = useTask(async (text: string) => {
    await sleep(3600);
    return text;
  });
  run('a');
  await vi.advanceTimersByTimeAsync(3_599_000);
  expect(status.value).toBe('running');
  await vi.advanceTimersByTimeAsync(1_001);
  expect([status.value, value.value]).toEqual(['done', 'a']);
  expect(allTasks().size).toBe(0);
});

it('useTask() logs an error that nobody looks at for half a second, and not one that the page shows', async () => {
  const logged = muteLog('error');
  const { run, error } = useTask(async (text: string) => {
    await sleep(1);
    throw new RangeError(text);
  });
  run('unseen');
  await vi.advanceTimersByTimeAsync(1_400);
  expect(logged).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(200);
  expect(String(logged.mock.calls)).toContain('RangeError: unseen');
  run('seen');
  await vi.advanceTimersByTimeAsync(1_400);
  expect(String(error.value)).toBe('RangeError: seen');
  await vi.advanceTimersByTimeAsync(2_000);
  expect(logged).toHaveBeenCalledOnce();
});
