import {
  CancelledError,
  createTask,
  currentTask,
  ExceptionGroup,
  Future,
  getRunningLoop,
  sleep,
  type TaskGroup,
  type Timeout,
  TimeoutError,
  taskGroup,
  timeout,
  timeoutAt,
} from 'asyncio-ts';
import { expect, test } from 'vitest';
import { failure, iterations, program, thrownBy } from '../../support/programs.ts';
import { describeBoth, type Spelling } from '../../support/spellings.ts';

/** The body of a timeout that takes so long, and keeps the `Timeout` it was given. */
function sleeping(s: Spelling, seconds: number) {
  const kept: { timeout?: Timeout } = {};
  const body = s.fn(function* (timeout: Timeout) {
    kept.timeout = timeout;
    return yield* s.wait(sleep(seconds, 'slept'));
  });
  return { body, expired: () => kept.timeout!.expired() };
}

describeBoth('timeout', (s) => {
  test(
    'gives what its body returns, when that is in time',
    program(s, function* () {
      const { body, expired } = sleeping(s, 1);
      expect(yield* s.wait(timeout(2, body))).toBe('slept');
      expect(expired()).toBe(false);
      expect(yield* s.wait(timeout({ milliseconds: 1500 }, body))).toBe('slept');
      expect(getRunningLoop().time()).toBe(2);
    }),
  );

  test(
    'runs its body in the present task',
    program(s, function* () {
      const task = currentTask();
      const body = s.fn(function* () {
        yield* s.wait(sleep(1));
        return currentTask() === task;
      });
      expect(yield* s.wait(timeout(2, body))).toBe(true);
    }),
  );

  test(
    'counts from the call, not from the await',
    program(s, function* () {
      const late = timeout(2, sleeping(s, 1.5).body);
      yield* s.wait(sleep(1));
      expect(yield* failure(s, late)).toBeInstanceOf(TimeoutError);
      expect(getRunningLoop().time()).toBe(2);
    }),
  );

  test(
    'at a time of the clock is timeoutAt',
    program(s, function* () {
      yield* s.wait(sleep(10));
      expect(yield* failure(s, timeoutAt(12, sleeping(s, 60).body))).toBeInstanceOf(TimeoutError);
      expect(getRunningLoop().time()).toBe(12);
    }),
  );

  test(
    'passes on what its body throws in time',
    program(s, function* () {
      const error = new Error('of the body');
      const body = s.fn(function* () {
        throw error;
      });
      expect(yield* failure(s, timeout(2, body))).toBe(error);
    }),
  );

  test(
    'can be entered and left by hand',
    program(s, function* () {
      const limit = yield* s.wait(timeout(1).enter());
      const cancelled = yield* failure(s, sleep(60));
      expect(yield* failure(s, limit.exit(cancelled))).toMatchObject({ name: 'TimeoutError', cause: cancelled });

      const other = yield* s.wait(timeout(1).enter());
      yield* s.wait(other.exit());
      expect(other.expired()).toBe(false);
      yield* s.wait(sleep(2));
    }),
  );
});

describeBoth('a timeout and other cancellations', (s) => {
  test(
    'the deadline ends the body with a TimeoutError caused by the CancelledError, and the count goes back',
    program(s, function* () {
      const { body, expired } = sleeping(s, 60);
      const error = yield* failure(s, timeout(1, body));
      expect(error).toBeInstanceOf(TimeoutError);
      expect(error).toMatchObject({ code: 'TIMED_OUT', cause: expect.any(CancelledError) });
      expect(expired()).toBe(true);
      expect(currentTask()!.cancelling()).toBe(0);
      expect(getRunningLoop().time()).toBe(1);
    }),
  );

  test(
    'an outer cancellation at the same instant wins: expired, one request left',
    program(s, function* () {
      const { body, expired } = sleeping(s, 60);
      const task = createTask(timeout(1, body));
      getRunningLoop().callLater(1, () => task.cancel());
      expect(yield* failure(s, task)).toBeInstanceOf(CancelledError);
      expect(expired()).toBe(true);
      expect(task.cancelling()).toBe(1);
    }),
  );

  test(
    'an outer cancellation before the deadline stays a cancellation',
    program(s, function* () {
      const { body, expired } = sleeping(s, 60);
      const task = createTask(timeout(2, body));
      getRunningLoop().callLater(1, () => task.cancel());
      expect(yield* failure(s, task)).toBeInstanceOf(CancelledError);
      expect(expired()).toBe(false);
    }),
  );

  test(
    'a body that swallows the cancellation returns its value although the time is up',
    program(s, function* () {
      const body = s.fn(function* (limit: Timeout) {
        yield* failure(s, sleep(60));
        return limit.expired();
      });
      expect(yield* s.wait(timeout(1, body))).toBe(true);
      expect(currentTask()!.cancelling()).toBe(0);
      yield* s.wait(sleep(1));
    }),
  );

  test(
    'a request that was swallowed before is no outer cancellation',
    program(s, function* () {
      const task = createTask(
        s.fn(function* () {
          yield* failure(s, sleep(60));
          return yield* failure(s, timeout(1, sleeping(s, 60).body));
        }),
      );
      yield* iterations(s, 1);
      task.cancel();
      expect(yield* s.wait(task)).toBeInstanceOf(TimeoutError);
      expect(task.cancelling()).toBe(1);
    }),
  );
});

describeBoth('nested timeouts', (s) => {
  /** Runs two timeouts around a long sleep: which of them raised, and which have expired. */
  function* nested(outerDelay: number, innerDelay: number) {
    const { body, expired } = sleeping(s, 60);
    let raisedByInner = false;
    let outer: Timeout | undefined;
    const outerBody = s.fn(function* (limit: Timeout) {
      outer = limit;
      const error = yield* failure(s, timeout(innerDelay, body));
      raisedByInner = error instanceof TimeoutError;
      throw error;
    });
    const error = yield* failure(s, timeout(outerDelay, outerBody));
    expect(error).toBeInstanceOf(TimeoutError);
    expect(currentTask()!.cancelling()).toBe(0);
    return { raisedBy: raisedByInner ? 'inner' : 'outer', outer: outer!.expired(), inner: expired() };
  }

  test(
    'with one deadline: the outer one raises, the inner one has expired too',
    program(s, function* () {
      expect(yield* nested(1, 1)).toEqual({ raisedBy: 'outer', outer: true, inner: true });
    }),
  );

  test(
    'with a later inner deadline: the outer one raises',
    program(s, function* () {
      expect(yield* nested(1, 2)).toEqual({ raisedBy: 'outer', outer: true, inner: false });
    }),
  );

  test(
    'with an earlier inner deadline: the inner one raises',
    program(s, function* () {
      expect(yield* nested(2, 1)).toEqual({ raisedBy: 'inner', outer: false, inner: true });
    }),
  );
});

describeBoth('the deadline of a timeout', (s) => {
  test(
    'in the past never ends a body that does not suspend',
    program(s, function* () {
      const body = s.fn(function* (limit: Timeout) {
        return limit;
      });
      for (const delay of [0, -1]) {
        const limit = yield* s.wait(timeout(delay, body));
        expect(limit.expired()).toBe(false);
      }
      yield* iterations(s, 3);
      expect(currentTask()!.cancelling()).toBe(0);
    }),
  );

  test(
    'in the past ends a body where it first suspends',
    program(s, function* () {
      const seen: string[] = [];
      const body = s.fn(function* () {
        seen.push('began');
        yield* s.wait(sleep(60));
        seen.push('went on');
      });
      expect(yield* failure(s, timeout(-1, body))).toBeInstanceOf(TimeoutError);
      expect(seen).toEqual(['began']);
      expect(getRunningLoop().time()).toBe(0);
    }),
  );

  test(
    'of null never comes, until it is rescheduled',
    program(s, function* () {
      const { body } = sleeping(s, 3600);
      expect(yield* s.wait(timeout(null, body))).toBe('slept');
      const rescheduling = s.fn(function* (limit: Timeout) {
        expect(limit.when()).toBe(null);
        limit.reschedule(getRunningLoop().time() + 1);
        yield* s.wait(sleep(60));
      });
      expect(yield* failure(s, timeout(null, rescheduling))).toBeInstanceOf(TimeoutError);
      expect(getRunningLoop().time()).toBe(3601);
    }),
  );

  test(
    'can be moved later, earlier, and away while the body runs',
    program(s, function* () {
      const moving = (to: number | null) =>
        s.fn(function* (limit: Timeout) {
          limit.reschedule(to);
          expect(limit.when()).toBe(to);
          return yield* s.wait(sleep(4, 'slept'));
        });
      expect(yield* s.wait(timeout(1, moving(5)))).toBe('slept');
      expect(yield* s.wait(timeout(1, moving(null)))).toBe('slept');
      expect(yield* failure(s, timeout(60, moving(9)))).toBeInstanceOf(TimeoutError);
      expect(getRunningLoop().time()).toBe(9);
    }),
  );

  test(
    'can be moved into the past: the body ends where it next suspends',
    program(s, function* () {
      const body = s.fn(function* (limit: Timeout) {
        yield* s.wait(sleep(1));
        limit.reschedule(0.5);
        yield* s.wait(sleep(60));
      });
      expect(yield* failure(s, timeout(60, body))).toBeInstanceOf(TimeoutError);
      expect(getRunningLoop().time()).toBe(1);
    }),
  );

  test(
    'cannot be moved before the timeout is entered, once it has expired, or when it is over',
    program(s, function* () {
      const limit = timeout(60);
      expect(thrownBy(() => limit.reschedule(1))).toMatchObject({
        name: 'RuntimeError',
        code: 'TIMEOUT_NOT_ENTERED',
        message: 'Timeout has not been entered',
      });
      const expiring = s.fn(function* (inner: Timeout) {
        yield* failure(s, sleep(60));
        return thrownBy(() => inner.reschedule(100));
      });
      expect(yield* s.wait(timeout(1, expiring))).toMatchObject({
        name: 'RuntimeError',
        code: 'TIMEOUT_OVER',
        message: 'Cannot change state of expiring Timeout',
      });
      yield* s.wait(limit.enter());
      yield* s.wait(limit.exit());
      expect(thrownBy(() => limit.reschedule(1))).toMatchObject({
        code: 'TIMEOUT_OVER',
        message: 'Cannot change state of finished Timeout',
      });
    }),
  );

  test(
    'belongs to a timeout that is entered once',
    program(s, function* () {
      const limit = timeout(60);
      yield* s.wait(limit.enter());
      expect(yield* failure(s, limit.enter())).toMatchObject({ name: 'RuntimeError', code: 'TIMEOUT_REENTERED' });
      yield* s.wait(limit.exit());
      expect(yield* failure(s, limit.enter())).toMatchObject({ name: 'RuntimeError', code: 'TIMEOUT_REENTERED' });
    }),
  );

  test(
    'needs a task to cancel',
    program(s, function* () {
      const thrown = new Future();
      getRunningLoop().callSoon(() => thrown.setResult(thrownBy(() => timeout(1).enterNow())));
      expect(yield* s.wait(thrown)).toMatchObject({
        name: 'RuntimeError',
        code: 'NO_TASK',
        message: expect.stringContaining('Timeout should be used inside a task'),
      });
    }),
  );
});

describeBoth('a body that makes something else of the cancellation', (s) => {
  test(
    'passes its own error on, with a TimeoutError in the chain of causes and the count restored',
    program(s, function* () {
      const body = s.fn(function* () {
        try {
          yield* s.wait(sleep(60));
        } catch (cause) {
          throw new RangeError('of the body', { cause });
        }
      });
      const error = yield* failure(s, timeout(1, body));
      expect(error).toBeInstanceOf(RangeError);
      expect(error).toMatchObject({ cause: expect.any(TimeoutError) });
      expect(error).toMatchObject({ cause: { cause: expect.any(CancelledError) } });
      expect(currentTask()!.cancelling()).toBe(0);
    }),
  );

  test(
    'around a task group is a plain TimeoutError',
    program(s, function* () {
      const grouped = s.fn(function* () {
        const body = s.fn(function* (group: TaskGroup) {
          group.createTask(sleep(60));
          yield* s.wait(sleep(60));
        });
        yield* s.wait(taskGroup(body));
      });
      expect(yield* failure(s, timeout(1, grouped))).toBeInstanceOf(TimeoutError);
      expect(currentTask()!.cancelling()).toBe(0);
    }),
  );

  test(
    'in a task of a group is an error of the group',
    program(s, function* () {
      const child = s.fn(function* () {
        yield* s.wait(timeout(1, sleeping(s, 60).body));
      });
      const body = s.fn(function* (group: TaskGroup) {
        group.createTask(child);
      });
      const error = yield* failure(s, taskGroup(body));
      expect(error).toBeInstanceOf(ExceptionGroup);
      expect(error).toMatchObject({ errors: [expect.any(TimeoutError)] });
    }),
  );
});
