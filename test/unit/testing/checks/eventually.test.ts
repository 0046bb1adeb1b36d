import { createTask, getRunningLoop, sleep } from 'asyncio-ts';
import { CheckError, DeadlockError, eventually, runVirtual } from 'asyncio-ts/testing';
import { describe, expect, test } from 'vitest';
import { failure } from '../../../support/programs.ts';
import { describeBoth } from '../../../support/spellings.ts';

describeBoth('eventually', (s) => {
  test('waits until the condition holds, and gives what it gave', async () => {
    const main = s.fn(function* () {
      let found: { id: number } | null = null;
      getRunningLoop().callLater(3, () => {
        found = { id: 7 };
      });
      const value = yield* s.wait(eventually(() => found));
      return [value, getRunningLoop().time()];
    });
    expect(await runVirtual(main, { failOnLeaks: true })).toEqual([{ id: 7 }, 3]);
  });

  test('takes no time when the condition holds already', async () => {
    const main = s.fn(function* () {
      let ran = false;
      getRunningLoop().callSoon(() => {
        ran = true;
      });
      yield* s.wait(eventually(() => true, { within: 0 }));
      return ran;
    });
    // An await of an async function lets the loop run on, at the earliest; the condition itself is looked at before that.
    expect(await runVirtual(main)).toBe(false);
  });

  test('sees a condition that holds for a moment only', async () => {
    const main = s.fn(function* () {
      let isOpen = false;
      const door = s.fn(function* () {
        yield* s.wait(sleep(2));
        isOpen = true;
        yield* s.wait(sleep(0));
        isOpen = false;
      });
      createTask(door);
      yield* s.wait(eventually(() => isOpen, { within: 10 }));
      return getRunningLoop().time();
    });
    expect(await runVirtual(main)).toBe(2);
  });

  test('fails after the time, in seconds of the simulation, with what was seen last', async () => {
    const main = s.fn(function* () {
      let count = 0;
      const counting = s.fn(function* () {
        for (;;) {
          yield* s.wait(sleep(1));
          count++;
        }
      });
      const task = createTask(counting);
      const error = yield* failure(
        s,
        eventually(() => expect(count).toBe(100), { within: 5.5, message: 'all counted' }),
      );
      const seconds = getRunningLoop().time();
      task.cancel();
      return { error: error as CheckError, seconds };
    });
    const { error, seconds } = await runVirtual(main);
    expect(seconds).toBe(5.5);
    expect(error).toBeInstanceOf(CheckError);
    expect(error).toMatchObject({ code: 'EVENTUALLY', cause: { name: 'AssertionError' } });
    expect(error.message).toMatch(
      /^what must hold within 5\.5 s has not come to hold: all counted; when it was looked at last, it threw AssertionError: expected 5 to be 100/,
    );
    const false_ = s.fn(function* () {
      return yield* failure(
        s,
        eventually(() => false, { within: { milliseconds: 1 } }),
      );
    });
    expect(String(await runVirtual(false_))).toContain('when it was looked at last, it gave false');
  });

  test('is a standstill when it has no limit and nothing is left that could make it hold', async () => {
    const main = s.fn(function* () {
      yield* s.wait(eventually(() => false));
    });
    const error = await runVirtual(main).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(DeadlockError);
    expect(String(error)).toContain('eventually()');
  });

  test('ends with the task that waits, and leaves no timer behind', async () => {
    const main = s.fn(function* () {
      let looked = 0;
      const waiter = s.fn(function* () {
        yield* s.wait(eventually(() => ++looked < 0, { within: 1_000 }));
      });
      const task = createTask(waiter);
      yield* s.wait(sleep(1));
      task.cancel();
      yield* failure(s, task);
      const before = looked;
      yield* s.wait(sleep(1));
      return looked - before;
    });
    expect(await runVirtual(main, { failOnLeaks: true })).toBe(0);
  });
});

describe('eventually()', () => {
  test('refuses what is no condition', async () => {
    await runVirtual(async () => {
      expect(() => eventually(true as never)).toThrow('write eventually(() => …)');
      expect(() => eventually(() => true, 5 as never)).toThrow('write { within: 5 }');
      await expect(eventually(async () => true)).rejects.toThrow('must not wait');
    });
  });
});
