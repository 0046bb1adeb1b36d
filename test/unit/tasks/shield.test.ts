import {
  CancelledError,
  createTask,
  type ExceptionContext,
  Future,
  getRunningLoop,
  shield,
  sleep,
  type Task,
  TimeoutError,
  timeout,
} from 'asyncio-ts';
import { expect, test } from 'vitest';
import { virtualLoop } from '../../support/loops.ts';
import { failure, iterations, program } from '../../support/programs.ts';
import { describeBoth, runVirtually } from '../../support/spellings.ts';

describeBoth('shield', (s) => {
  const failingAfter = (seconds: number, error: unknown) =>
    s.fn(function* () {
      yield* s.wait(sleep(seconds));
      throw error;
    });

  test(
    'is what it was given when that is done',
    program(s, function* () {
      const done = new Future<string>();
      done.setResult('value');
      expect(shield(done)).toBe(done);
      expect(yield* s.wait(shield(done))).toBe('value');
    }),
  );

  test(
    'gives the result, or the error, of what it protects',
    program(s, function* () {
      const error = new Error('inner');
      const failing = s.fn(function* () {
        yield* s.wait(sleep(1));
        throw error;
      });
      expect(yield* s.wait(shield(sleep(1, 'value')))).toBe('value');
      expect(yield* failure(s, shield(failing))).toBe(error);
    }),
  );

  test(
    'lets the inner task go on when the waiter is cancelled',
    program(s, function* () {
      const inner = createTask(sleep(5, 'value'));
      const waiter = createTask(
        s.fn(function* () {
          try {
            yield* s.wait(shield(inner));
          } catch (error) {
            expect(error).toBeInstanceOf(CancelledError);
            return yield* s.wait(inner);
          }
          return 'not cancelled';
        }),
      );
      yield* iterations(s, 2);
      waiter.cancel();
      expect(yield* s.wait(waiter)).toBe('value');
      expect(getRunningLoop().time()).toBe(5);
    }),
  );

  test(
    'is cancelled at once, and the inner task is not',
    program(s, function* () {
      const inner = createTask(sleep(5, 'value'));
      const outer = shield(inner);
      expect(outer.cancel()).toBe(true);
      expect([outer.cancelled(), inner.done()]).toEqual([true, false]);
      expect(yield* s.wait(inner)).toBe('value');
    }),
  );

  test(
    'is cancelled when the inner task is',
    program(s, function* () {
      const inner = createTask(sleep(5));
      const outer = shield(inner);
      yield* iterations(s, 1);
      inner.cancel();
      expect(yield* failure(s, outer)).toBeInstanceOf(CancelledError);
      expect([outer.cancelled(), inner.cancelled()]).toEqual([true, true]);
    }),
  );

  test('reports an error after its own cancellation when the error is not retrieved', async () => {
    const { loop } = virtualLoop();
    const reports: ExceptionContext[] = [];
    loop.setExceptionHandler((_loop, context) => reports.push(context));
    const exception = new TypeError('too late to tell anybody');
    let inner: Task<unknown> | undefined;
    const main = s.fn(function* () {
      inner = createTask(failingAfter(1, exception));
      for (let i = 0; i < 3; i++) shield(inner).cancel();
      yield* s.wait(sleep(2));
    });
    await loop.runUntilComplete(main);
    expect(inner!.done()).toBe(true);
    expect(reports).toEqual([]);
    loop.close();
    expect(reports).toHaveLength(1);
    expect(reports[0]).toMatchObject({ message: 'TypeError exception in shielded future', exception });
    expect(reports[0]?.future === inner).toBe(true);
  });

  test(
    'says nothing of an error that comes after its own cancellation when somebody asks for it, however late',
    program(s, function* () {
      getRunningLoop().unretrievedAfter = null;
      const error = new Error('late');
      const inner = createTask(failingAfter(2, error));
      expect(
        yield* failure(
          s,
          timeout(1, () => shield(inner)),
        ),
      ).toBeInstanceOf(TimeoutError);
      yield* s.wait(sleep(5));
      expect(yield* failure(s, inner)).toBe(error);
      const another = createTask(failingAfter(1, error));
      shield(another).cancel();
      expect(yield* failure(s, shield(another))).toBe(error);
    }),
  );

  test(
    'says nothing of an inner task that succeeds or is cancelled after its own cancellation',
    program(s, function* () {
      const [succeeding, cancelled] = [createTask(sleep(1)), createTask(sleep(1))];
      shield(succeeding).cancel();
      shield(cancelled).cancel();
      yield* iterations(s, 2);
      cancelled.cancel();
      yield* s.wait(sleep(2));
      expect(cancelled.cancelled()).toBe(true);
    }),
  );

  test('does not protect from the shutdown of the loop', async () => {
    const ended: unknown[] = [];
    const inner = s.fn(function* () {
      try {
        yield* s.wait(sleep(60));
      } catch (error) {
        ended.push(error);
        throw error;
      }
    });
    const main = s.fn(function* () {
      shield(inner);
      yield* s.wait(sleep(1));
    });
    expect(await runVirtually(main)).toMatchObject({ seconds: 1 });
    expect(ended).toEqual([expect.any(CancelledError)]);
  });
});
