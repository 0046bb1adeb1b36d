import { describe, expect, test } from 'vitest';
import { SameThreadExecutor } from '../../../src/kernel/executor.ts';

describe('the executor of a loop that was given none', () => {
  test('calls functions behind what is under way, each in a turn of its own', async () => {
    const executor = new SameThreadExecutor();
    const trace: string[] = [];
    const work = (name: string) => {
      trace.push(name);
      Promise.resolve().then(() => trace.push(`microtask of ${name}`));
      return name;
    };
    const results = [executor.submit(work, 'first'), executor.submit(work, 'second')];
    Promise.resolve().then(() => trace.push('microtask'));
    expect(await Promise.all(results)).toEqual(['first', 'second']);
    expect(trace).toEqual(['microtask', 'first', 'microtask of first', 'second', 'microtask of second']);
  });

  test('passes arguments, results of promises and errors on', async () => {
    const executor = new SameThreadExecutor();
    const error = new Error('no');
    expect(await executor.submit((a: number, b: number) => a + b, 1, 2)).toBe(3);
    expect(await executor.submit(async () => 'later')).toBe('later');
    await expect(
      executor.submit(() => {
        throw error;
      }),
    ).rejects.toBe(error);
  });

  test('is shut down when all that was submitted is done, failed or not', async () => {
    const executor = new SameThreadExecutor();
    const trace: string[] = [];
    executor.submit(() => trace.push('done'));
    const failed = executor.submit(() => {
      trace.push('failed');
      throw new Error('no');
    });
    await executor.shutdown();
    expect(trace).toEqual(['done', 'failed']);
    await expect(failed).rejects.toThrow('no');
  });
});
