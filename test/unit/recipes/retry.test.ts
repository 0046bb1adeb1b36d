import { CancelledError, createTask, getRunningLoop, sleep, TimeoutError, timeout } from 'asyncio-ts';
import { describe, expect, test } from 'vitest';
import { type RetryOptions, retry, retryAsGenerator } from '../../../examples/recipes/retries/retry.ts';
import { describeBoth, runVirtually } from '../../support/spellings.ts';

/** The longest pauses, so that times are known. */
const LONGEST: RetryOptions = { random: () => 1 };

describeBoth('retry', (s) => {
  const again = s.name === 'generator' ? retryAsGenerator : retry;

  /** Fails so many times. Tells when it was called. */
  function failing(times: number) {
    const calls: number[] = [];
    const fn = async (): Promise<string> => {
      calls.push(getRunningLoop().time());
      if (calls.length <= times) throw new RangeError(`failure ${calls.length}`);
      return 'done';
    };
    return { calls, fn };
  }

  test('gives the first result, after pauses that double up to the longest', async () => {
    const { calls, fn } = failing(4);
    const main = s.fn(function* () {
      return yield* s.wait(createTask(() => again(fn, { ...LONGEST, first: 1, longest: 3 })));
    });
    expect((await runVirtually(main)).result).toBe('done');
    expect(calls).toEqual([0, 1, 3, 6, 9]);
  });

  test('makes a pause anywhere between nothing and the longest', async () => {
    const { calls, fn } = failing(2);
    const randoms = [0, 0.5];
    await runVirtually(() => again(fn, { first: 1, random: () => randoms.shift() ?? 1 }));
    expect(calls).toEqual([0, 0, 1]);
  });

  test('throws the error of the last attempt', async () => {
    const { calls, fn } = failing(9);
    await expect(runVirtually(() => again(fn, { ...LONGEST, attempts: 3 }))).rejects.toThrow('failure 3');
    expect(calls.length).toBe(3);
  });

  test('does not try again what is not worth it', async () => {
    const { calls, fn } = failing(9);
    const retryIf = (error: unknown): boolean => !(error instanceof RangeError);
    await expect(runVirtually(() => again(fn, { retryIf }))).rejects.toThrow('failure 1');
    expect(calls.length).toBe(1);
  });

  test('tries again what was too late, and ends with the deadline of all attempts', async () => {
    let calls = 0;
    const slow = (): PromiseLike<void> => {
      calls++;
      return timeout(2, () => sleep(60));
    };
    const main = async (): Promise<unknown> => {
      const begun = getRunningLoop().time();
      const error = await timeout(8, () => again(slow, { ...LONGEST, first: 1 })).catch((reason: unknown) => reason);
      return [error instanceof TimeoutError, getRunningLoop().time() - begun];
    };
    expect((await runVirtually(main)).result).toEqual([true, 8]);
    expect(calls).toBe(3);
  });

  test.each([
    ['an attempt', 0.5],
    ['a pause', 1.5],
  ])('is cancelled in %s, and tries nothing more', async (_where, when) => {
    let calls = 0;
    const fn = async (): Promise<void> => {
      calls++;
      await sleep(1);
      throw new RangeError('no');
    };
    const main = async (): Promise<boolean> => {
      const task = createTask(() => again(fn, { ...LONGEST, first: 1 }));
      await sleep(when);
      task.cancel();
      await expect(Promise.resolve(task)).rejects.toBeInstanceOf(CancelledError);
      await sleep(60);
      return task.cancelled();
    };
    expect((await runVirtually(main)).result).toBe(true);
    expect(calls).toBe(1);
  });
});

describe('retry', () => {
  test('as a generator takes a generator function too', async () => {
    let calls = 0;
    const main = function* () {
      return yield* retryAsGenerator(function* () {
        calls++;
        yield* sleep(1);
        if (calls < 3) throw new RangeError('no');
        return calls;
      }, LONGEST);
    };
    expect((await runVirtually(main)).result).toBe(3);
  });
});
