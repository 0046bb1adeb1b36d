import {
  CancelledError,
  createTask,
  type Future,
  getRunningLoop,
  shared,
  sleep,
  TimeoutError,
  timeout,
} from 'asyncio-ts';
import { expect, test } from 'vitest';
import { thrownBy } from '../../support/programs.ts';
import { describeBoth, runVirtually, type Spelling } from '../../support/spellings.ts';

describeBoth('shared()', (s) => {
  test('runs the work once for all calls during the run', async () => {
    let runs = 0;
    const ask = shared(work(s, () => ++runs));
    const main = s.fn(function* () {
      const first = ask();
      yield* s.wait(sleep(1));
      const second = ask();
      return [yield* s.wait(first), yield* s.wait(second), yield* s.wait(ask())];
    });
    expect((await runVirtually(main)).result).toEqual([1, 1, 2]);
  });

  test('keeps the result for later callers with the option, until it is forgotten', async () => {
    let runs = 0;
    const ask = shared(
      work(s, () => ++runs),
      { keep: true },
    );
    const main = s.fn(function* () {
      const kept = [yield* s.wait(ask()), yield* s.wait(ask())];
      ask.forget();
      return [...kept, yield* s.wait(ask())];
    });
    expect((await runVirtually(main)).result).toEqual([1, 1, 2]);
  });

  test('gives a kept result to callers of a later run, and to those outside of any', async () => {
    let runs = 0;
    const ask = shared(
      work(s, (key: unknown) => `${key} of run ${++runs}`),
      { keep: true },
    );
    const main = s.fn(function* () {
      return yield* s.wait(ask('config'));
    });
    const results = [(await runVirtually(main)).result, (await runVirtually(main)).result, await ask('config')];
    expect(results).toEqual(Array(3).fill('config of run 1'));
    ask.forget();
    expect((await runVirtually(main)).result).toBe('config of run 2');
  });

  test('begins anew in a later run when the run before has ended before the work', async () => {
    let begun = 0;
    const ask = shared(
      s.fn(function* () {
        const run = ++begun;
        yield* s.wait(sleep(2));
        return run;
      }),
      { keep: true },
    );
    const leaving = s.fn(function* () {
      ask();
      yield* s.wait(sleep(1));
    });
    const waiting = s.fn(function* () {
      return yield* s.wait(ask());
    });
    await runVirtually(leaving);
    expect((await runVirtually(waiting)).result).toBe(2);
    expect((await runVirtually(waiting)).result).toBe(2);
  });

  test('does not keep the result of a run that was forgotten while it was under way', async () => {
    let runs = 0;
    const ask = shared(
      work(s, () => ++runs),
      { keep: true },
    );
    const main = s.fn(function* () {
      const first = ask();
      yield* s.wait(sleep(1));
      ask.forget();
      const second = ask();
      return [yield* s.wait(first), yield* s.wait(ask()), yield* s.wait(second), yield* s.wait(ask())];
    });
    expect((await runVirtually(main)).result).toEqual([1, 2, 2, 2]);
  });

  test('distinguishes calls by all of their arguments, and by their number', async () => {
    const calls: unknown[][] = [];
    const ask = shared(work(s, (...args: unknown[]) => calls.push(args)));
    const lists = [[], [undefined], ['a'], ['a', 'b'], ['a', 'c'], ['a', 'b', 'c'], [Number.NaN, -0], ['a', undefined]];
    const main = s.fn(function* () {
      const waits: Future<number>[] = [...lists, ...lists].map((args) => ask(...args));
      waits.push(ask(Number.NaN, 0));
      for (const wait of waits) yield* s.wait(wait);
      const again = ask('a', 'b');
      yield* s.wait(again);
    });
    await runVirtually(main);
    expect(calls).toEqual([...lists, ['a', 'b']]);
  });

  test('lets a deadline end one wait and nothing else', async () => {
    const ask = shared(work(s, () => 'done'));
    const main = s.fn(function* () {
      const other = createTask(
        s.fn(function* () {
          return yield* s.wait(ask());
        }),
      );
      try {
        yield* s.wait(timeout(1, () => ask()));
      } catch (error) {
        return [error instanceof TimeoutError, yield* s.wait(other)];
      }
      return 'no timeout';
    });
    expect((await runVirtually(main)).result).toEqual([true, 'done']);
  });

  test('cancels the work when the last waiter is cancelled, and begins again for the next call', async () => {
    const log: string[] = [];
    let runs = 0;
    const ask = shared(
      s.fn(function* () {
        const run = ++runs;
        try {
          yield* s.wait(sleep(10));
          return run;
        } catch (error) {
          log.push(`${(error as Error).name} in run ${run}`);
          yield* s.wait(sleep(5));
          throw error;
        }
      }),
    );
    const main = s.fn(function* () {
      const waits = [ask(), ask()];
      yield* s.wait(sleep(1));
      waits[0]!.cancel();
      yield* s.wait(sleep(1));
      log.push('one has left');
      waits[1]!.cancel();
      yield* s.wait(sleep(1));
      return yield* s.wait(ask());
    });
    expect((await runVirtually(main)).result).toBe(2);
    expect(log).toEqual(['one has left', 'CancelledError in run 1']);
  });

  test('gives an error to all waiting callers, and does not keep it', async () => {
    let runs = 0;
    const ask = shared(
      s.fn(function* () {
        yield* s.wait(sleep(1));
        if (++runs === 1) throw new RangeError('first');
        return runs;
      }),
      { keep: true },
    );
    const main = s.fn(function* () {
      const waits = [ask(), ask()];
      const errors: unknown[] = [];
      for (const wait of waits) {
        try {
          yield* s.wait(wait);
        } catch (error) {
          errors.push((error as Error).message);
        }
      }
      return [errors, yield* s.wait(ask())];
    });
    expect((await runVirtually(main)).result).toEqual([['first', 'first'], 2]);
  });

  test('takes calls with other arguments for other work', async () => {
    const calls: unknown[][] = [];
    const ask = shared((...args: [number, string?]) => {
      calls.push(args);
      return work(s, () => args.join())();
    });
    const main = s.fn(function* () {
      const waits = [ask(1), ask(2), ask(1), ask(1, 'a'), ask(Number.NaN), ask(Number.NaN)];
      const results: string[] = [];
      for (const wait of waits) results.push(yield* s.wait(wait));
      return results;
    });
    expect((await runVirtually(main)).result).toEqual(['1', '2', '1', '1,a', 'NaN', 'NaN']);
    expect(calls).toEqual([[1], [2], [1, 'a'], [Number.NaN]]);
  });

  test('reports an error to the exception handler when no caller waits any more', async () => {
    const ask = shared(
      s.fn(function* () {
        try {
          yield* s.wait(sleep(10));
        } catch {
          throw new RangeError('in the clean-up');
        }
      }),
    );
    const told: unknown[] = [];
    const main = s.fn(function* () {
      getRunningLoop().setExceptionHandler((_, { exception }) => told.push(exception));
      const wait = ask();
      yield* s.wait(sleep(1));
      wait.cancel();
      yield* s.wait(sleep(1));
      try {
        yield* s.wait(wait);
      } catch (error) {
        return error;
      }
      return null;
    });
    expect((await runVirtually(main)).result).toBeInstanceOf(CancelledError);
    expect(told).toMatchObject([{ name: 'RangeError', message: 'in the clean-up' }]);
  });
});

test('shared() refuses a value that is not a function, and says what to write', () => {
  expect(thrownBy(() => shared(Promise.resolve() as never))).toMatchObject({
    name: 'TypeError',
    message: expect.stringContaining('write shared(f), not shared(f())'),
  });
});

function work<T, A extends unknown[]>(s: Spelling, result: (...args: A) => T) {
  return s.fn(function* (...args: A) {
    yield* s.wait(sleep(2));
    return result(...args);
  });
}
