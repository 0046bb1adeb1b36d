import {
  allTasks,
  CancelledError,
  createTask,
  currentTask,
  Future,
  getRunningLoop,
  sleep,
  TimeoutError,
  waitFor,
} from 'asyncio-ts';
import { expect, test } from 'vitest';
import { failure, iterations, program, thrownBy } from '../../support/programs.ts';
import { describeBoth } from '../../support/spellings.ts';

describeBoth('waitFor', (s) => {
  test(
    'gives the result of what is done in time',
    program(s, function* () {
      expect(yield* s.wait(waitFor(sleep(1, 'value'), 2))).toBe('value');
      expect(yield* s.wait(waitFor(sleep(1, 'value'), { minutes: 1 }))).toBe('value');
      expect(getRunningLoop().time()).toBe(2);
    }),
  );

  test(
    'refuses a generator that a task runs, or that was awaited',
    program(s, function* () {
      function* body() {
        yield* sleep(1);
        return 'value';
      }
      const reused = { code: 'COROUTINE_REUSED' };
      const run = body();
      const task = createTask(run);
      expect(yield* failure(s, waitFor(run, 5))).toMatchObject(reused);
      expect(yield* s.wait(task)).toBe('value');
      const awaited = body();
      expect(yield* s.wait(waitFor(awaited, 5))).toBe('value');
      expect(yield* failure(s, waitFor(awaited, 5))).toMatchObject(reused);
      expect(thrownBy(() => createTask(awaited))).toMatchObject(reused);
    }),
  );

  test(
    'has no limit without a timeout',
    program(s, function* () {
      expect(yield* s.wait(waitFor(sleep(3600, 'value')))).toBe('value');
      expect(yield* s.wait(waitFor(sleep(3600, 'value'), null))).toBe('value');
    }),
  );

  test(
    'runs a coroutine inside the task that waits, without a new one',
    program(s, function* () {
      const body = s.fn(function* () {
        yield* s.wait(sleep(1));
        return [currentTask(), allTasks().size] as const;
      });
      const [task, taskCount] = yield* s.wait(waitFor(body, 2));
      expect(task).toBe(currentTask());
      expect(taskCount).toBe(1);
    }),
  );

  test(
    'cancels at the deadline, and raises a TimeoutError that the CancelledError caused',
    program(s, function* () {
      const inner = createTask(sleep(60));
      const error = yield* failure(s, waitFor(inner, 1));
      expect(error).toBeInstanceOf(TimeoutError);
      expect(error).toMatchObject({ name: 'TimeoutError', code: 'TIMED_OUT', cause: expect.any(CancelledError) });
      expect(inner.cancelled()).toBe(true);
      expect(getRunningLoop().time()).toBe(1);
      expect(currentTask()!.cancelling()).toBe(0);
    }),
  );

  test(
    'waits for the clean-up of what it has cancelled, however long',
    program(s, function* () {
      const slow = s.fn(function* () {
        try {
          yield* s.wait(sleep(60));
        } finally {
          yield* s.wait(sleep(7));
        }
      });
      expect(yield* failure(s, waitFor(slow, 1))).toBeInstanceOf(TimeoutError);
      expect(getRunningLoop().time()).toBe(8);
    }),
  );

  test(
    'gives the result of what refuses to be cancelled',
    program(s, function* () {
      const stubborn = s.fn(function* () {
        try {
          yield* s.wait(sleep(60));
        } catch {
          return 'refused';
        }
        return 'finished';
      });
      expect(yield* s.wait(waitFor(stubborn, 1))).toBe('refused');
      expect(yield* s.wait(waitFor(createTask(stubborn), 1))).toBe('refused');
    }),
  );

  test(
    'raises what the cancelled one raises instead',
    program(s, function* () {
      const error = new Error('instead');
      const failing = s.fn(function* () {
        try {
          yield* s.wait(sleep(60));
        } catch {
          throw error;
        }
      });
      expect(yield* failure(s, waitFor(failing, 1))).toBe(error);
    }),
  );

  test(
    'raises a CancelledError for an awaitable that other code cancels before the deadline',
    program(s, function* () {
      const inner = createTask(sleep(60));
      getRunningLoop().callLater(1, () => inner.cancel('by somebody else'));
      const error = yield* failure(s, waitFor(inner, 2));
      expect(error).toBeInstanceOf(CancelledError);
      expect(error).toMatchObject({ message: 'by somebody else' });
    }),
  );

  test(
    'cancels what it waits for when it is cancelled itself',
    program(s, function* () {
      const inner = createTask(sleep(60));
      const waiter = createTask(waitFor(inner, 30));
      yield* iterations(s, 2);
      waiter.cancel();
      expect(yield* failure(s, waiter)).toBeInstanceOf(CancelledError);
      expect(inner.cancelled()).toBe(true);
    }),
  );

  test(
    'counts the time from when it is awaited',
    program(s, function* () {
      const lazy = waitFor(sleep(2, 'value'), 3);
      yield* s.wait(sleep(10));
      expect(yield* s.wait(lazy)).toBe('value');
    }),
  );
});

describeBoth('waitFor without any time', (s) => {
  for (const timeout of [0, -1]) {
    test(
      `gives the result of what is done (timeout ${timeout})`,
      program(s, function* () {
        const done = new Future<string>();
        done.setResult('value');
        expect(yield* s.wait(waitFor(done, timeout))).toBe('value');
      }),
    );

    test(
      `cancels a coroutine before it ever starts (timeout ${timeout})`,
      program(s, function* () {
        let started = false;
        const body = s.fn(function* () {
          started = true;
          yield* s.wait(sleep(0));
        });
        const error = yield* failure(s, waitFor(body, timeout));
        expect(error).toBeInstanceOf(TimeoutError);
        expect(error).toMatchObject({ cause: expect.any(CancelledError) });
        expect(started).toBe(false);
      }),
    );
  }

  test(
    'waits for the clean-up of a task that runs already',
    program(s, function* () {
      const slow = createTask(
        s.fn(function* () {
          try {
            yield* s.wait(sleep(60));
          } finally {
            yield* s.wait(sleep(7));
          }
        }),
      );
      yield* iterations(s, 1);
      expect(yield* failure(s, waitFor(slow, 0))).toBeInstanceOf(TimeoutError);
      expect(slow.cancelled()).toBe(true);
      expect(getRunningLoop().time()).toBe(7);
    }),
  );
});

describeBoth('a tie in waitFor', (s) => {
  test(
    'of the result and the deadline is a timeout; the future keeps its value',
    program(s, function* () {
      const loop = getRunningLoop();
      const future = new Future<string>();
      loop.callLater(1, () => future.setResult('value'));
      expect(yield* failure(s, waitFor(future, 1))).toBeInstanceOf(TimeoutError);
      expect(future.result()).toBe('value');
    }),
  );

  test(
    'of the result and an outer cancellation is a cancellation',
    program(s, function* () {
      const future = new Future<string>();
      const waiter = createTask(waitFor(future, 10));
      yield* iterations(s, 1);
      future.setResult('value');
      waiter.cancel();
      expect(yield* failure(s, waiter)).toBeInstanceOf(CancelledError);
      expect(future.result()).toBe('value');
    }),
  );

  test(
    'of the deadline and an outer cancellation is a cancellation',
    program(s, function* () {
      const waiter = createTask(waitFor(new Future(), 1));
      getRunningLoop().callLater(1, () => waiter.cancel());
      expect(yield* failure(s, waiter)).toBeInstanceOf(CancelledError);
      expect(waiter.cancelled()).toBe(true);
    }),
  );
});

describeBoth('waitFor with bad arguments', (s) => {
  test(
    'throws at once, before it is awaited',
    program(s, function* () {
      expect(thrownBy(() => waitFor(42 as never, 1))).toBeInstanceOf(TypeError);
      const pending = new Future();
      expect(thrownBy(() => waitFor(pending, Number.NaN))).toMatchObject({ name: 'ValueError', code: 'INVALID_DELAY' });
      expect(pending.done()).toBe(false);
    }),
  );
});
