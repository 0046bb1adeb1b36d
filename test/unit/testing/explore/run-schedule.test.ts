import { createTask, gather, Lock, sleep } from 'asyncio-ts';
import { runSchedule } from 'asyncio-ts/testing';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { describeBoth } from '../../../support/spellings.ts';

describeBoth('runSchedule', (s) => {
  const order = s.fn(function* () {
    const log: string[] = [];
    const note = (name: string) =>
      s.fn(function* () {
        yield* s.wait(sleep(0));
        log.push(name);
      });
    const tasks = ['a', 'b', 'c'].map((name) => createTask(note(name)));
    for (const task of tasks) yield* s.wait(task);
    return log.join('');
  });

  test('takes the usual way at each choice for an empty list', async () => {
    expect(await runSchedule(order, [], { level: 'any' })).toBe('abc');
  });

  test('takes the ways that the numbers say', async () => {
    const seen = new Set<string>();
    for (let first = 0; first < 3; first++) {
      for (let second = 0; second < 3; second++) {
        for (let third = 0; third < 3; third++) {
          seen.add(await runSchedule(order, [0, 0, 0, first, second, third], { level: 'any' }));
        }
      }
    }
    expect(seen.size).toBeGreaterThan(2);
  });

  test('gives the same result for the same list', async () => {
    const ways = [2, 1, 0, 2, 1, 1];
    const once = await runSchedule(order, ways, { level: 'any' });
    expect(await runSchedule(order, ways, { level: 'any' })).toBe(once);
  });

  test('rejects with what the program fails with, or its check', async () => {
    const fails = s.fn(function* () {
      yield* s.wait(sleep(1));
      throw new RangeError('of main');
    });
    await expect(runSchedule(fails, [])).rejects.toThrow('of main');
    const check = (value: string) => {
      throw new RangeError(`not ${value}`);
    };
    await expect(runSchedule(order, [], { check })).rejects.toThrow('not abc');
  });

  test('lets inputs and schedule be shrunk together', async () => {
    // Two withdrawals that read before they wait lose one of them, where the second begins before the first has ended.
    const withdraw = (amounts: readonly number[], isLocked: boolean) =>
      s.fn(function* () {
        const lock = new Lock();
        let balance = 1_000;
        const take = (amount: number) =>
          s.fn(function* () {
            if (isLocked) yield* s.wait(lock.acquire());
            const before = balance;
            yield* s.wait(sleep(0));
            balance = before - amount;
            if (isLocked) lock.release();
          })();
        yield* s.wait(gather(...amounts.map((amount) => take(amount))));
        const right = 1_000 - amounts.reduce((sum, amount) => sum + amount, 0);
        if (balance !== right) throw new Error(`${balance} instead of ${right}`);
      });
    const property = (isLocked: boolean) =>
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 50 })),
        fc.array(fc.nat(3), { maxLength: 40 }),
        async (amounts, ways) => {
          await runSchedule(withdraw(amounts, isLocked), ways, { level: 'any' });
        },
      );
    const found = await fc.check(property(false), { numRuns: 100 });
    expect(found.failed).toBe(true);
    const [amounts, ways] = found.counterexample!;
    expect(amounts).toHaveLength(2);
    expect(ways.every((way) => way === 0)).toBe(true);
    await fc.assert(property(true), { numRuns: 30 });
  });
});

describe('the arguments of runSchedule', () => {
  test('are a function and a list of whole numbers', async () => {
    await expect(runSchedule(sleep(0) as never, [])).rejects.toMatchObject({ code: 'NOT_A_COROUTINE' });
    await expect(runSchedule(async () => {}, [-1])).rejects.toThrow('the ways are a list of whole numbers from 0');
    await expect(runSchedule(async () => {}, 3 as never)).rejects.toThrow(
      'the ways are a list of whole numbers from 0',
    );
  });
});
