import { createTask, gather, getRunningLoop, run, sleep, TimeoutError, timeout } from 'asyncio-ts';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { TokenBucket } from '../../../examples/recipes/rate-limits/token-bucket.ts';
import { describeBoth, runVirtually } from '../../support/spellings.ts';

describeBoth('a token bucket', (s) => {
  const take = (bucket: TokenBucket, units?: number) =>
    s.name === 'generator' ? bucket.takeAsGenerator(units) : bucket.take(units);

  /** Takes, and tells when it could. */
  const taken = (bucket: TokenBucket, units = 1) =>
    createTask(async () => {
      await createTask(() => take(bucket, units));
      return Math.round(getRunningLoop().time() * 1_000) / 1_000;
    });

  test('lets a burst through, and then its rate, to whom asked first', async () => {
    const main = async (): Promise<number[]> => {
      const bucket = new TokenBucket(2, 3);
      return await gather([...Array(6).keys()].map(() => taken(bucket)));
    };
    expect((await runVirtually(main)).result).toEqual([0, 0, 0, 0.5, 1, 1.5]);
  });

  test('fills up in a pause, to the burst and no further', async () => {
    const main = async (): Promise<number[]> => {
      const bucket = new TokenBucket(1, 2);
      await gather([taken(bucket), taken(bucket)]);
      await sleep(60);
      return await gather([...Array(4).keys()].map(() => taken(bucket)));
    };
    expect((await runVirtually(main)).result).toEqual([60, 60, 61, 62]);
  });

  test('lets many units at once not be overtaken by few', async () => {
    const main = async (): Promise<number[]> => {
      const bucket = new TokenBucket(1, 4);
      await taken(bucket, 4);
      return await gather([taken(bucket, 3), taken(bucket, 1)]);
    };
    expect((await runVirtually(main)).result).toEqual([3, 4]);
  });

  test('takes nothing for a wait that was cancelled, first in the line or behind', async () => {
    const main = async (): Promise<number[]> => {
      const bucket = new TokenBucket(1, 1);
      await taken(bucket);
      const first = taken(bucket);
      const second = taken(bucket);
      const third = taken(bucket);
      const fourth = taken(bucket);
      await sleep(0.4);
      first.cancel();
      third.cancel();
      return await gather([second, fourth]);
    };
    expect((await runVirtually(main)).result).toEqual([1, 2]);
  });

  test('is given up at a deadline', async () => {
    const main = async (): Promise<number> => {
      const bucket = new TokenBucket(0.1, 1);
      await taken(bucket);
      await expect(Promise.resolve(timeout(1, () => take(bucket)))).rejects.toBeInstanceOf(TimeoutError);
      return await taken(bucket);
    };
    expect((await runVirtually(main)).result).toBe(10);
  });

  test('refuses what it could never let through', async () => {
    const bucket = new TokenBucket(1, 2);
    for (const units of [3, 0, -1, Number.NaN]) {
      await expect(run(() => take(bucket, units))).rejects.toThrow(RangeError);
    }
  });

  test('never lets more through than its burst and its rate, whoever asks and gives up when', async () => {
    const asks = fc.array(fc.record({ at: fc.nat(40), units: fc.integer({ min: 1, max: 5 }), patience: fc.nat(20) }));
    await fc.assert(
      fc.asyncProperty(asks, async (all) => {
        const main = async (): Promise<[number, number][]> => {
          const bucket = new TokenBucket(2, 5);
          const got: [number, number][] = [];
          await gather(
            all.map(({ at, units, patience }) => async () => {
              await sleep(at / 4);
              try {
                await timeout(patience / 2, () => take(bucket, units));
                got.push([getRunningLoop().time(), units]);
              } catch (error) {
                if (!(error instanceof TimeoutError)) throw error;
              }
            }),
          );
          return got;
        };
        const { result } = await runVirtually(main);
        for (const [from] of result) {
          for (const [to] of result) {
            const between = result.filter(([time]) => time >= from && time <= to).reduce((sum, [, n]) => sum + n, 0);
            if (to >= from) expect(between).toBeLessThanOrEqual(5 + 2 * (to - from) + 1e-6);
          }
        }
      }),
      { numRuns: 50 },
    );
  });
});
