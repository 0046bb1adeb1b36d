import { createTask, currentTask, getRunningLoop, sleep, type Task, taskGroup, timeout, timeoutAt } from 'asyncio-ts';
import { describe, expect, test } from 'vitest';
import { failure, iterations, program } from '../../support/programs.ts';
import { outcome, simulated } from '../../support/simulated-runtime.ts';
import { describeBoth } from '../../support/spellings.ts';

/** R2: a request is counted where it was made; code that asks for the count gets that of its own scopes and those around them. */

describeBoth('with one line, the count', (s) => {
  const cleaningUp = (counts: number[], seconds: number) =>
    s.fn(function* () {
      try {
        yield* s.wait(sleep(60));
      } finally {
        counts.push(currentTask()!.cancelling());
        yield* s.wait(sleep(seconds));
        counts.push(currentTask()!.cancelling());
      }
    });

  test(
    'is one more with each cancel(), one less with each uncancel(), and never below zero',
    program(s, function* () {
      const task = createTask(cleaningUp([], 5));
      yield* iterations(s, 2);
      expect([task.cancelling(), task.uncancel()]).toEqual([0, 0]);
      task.cancel();
      task.cancel();
      expect(task.cancelling()).toBe(2);
      expect([task.uncancel(), task.uncancel(), task.uncancel()]).toEqual([1, 0, 0]);
      yield* failure(s, task);
      expect(task.cancelling()).toBe(0);
    }),
  );

  test(
    'is 1 while a body cleans up after its deadline, and 0 when the deadline has been handled',
    program(s, function* () {
      const counts: number[] = [];
      expect(yield* failure(s, timeout(1, cleaningUp(counts, 1)))).toMatchObject({ name: 'TimeoutError' });
      expect(counts).toEqual([1, 1]);
      expect(currentTask()!.cancelling()).toBe(0);
    }),
  );

  test(
    'is the sum of the deadlines that have passed around the line',
    program(s, function* () {
      const counts: number[] = [];
      const inner = s.fn(function* () {
        yield* s.wait(timeout(1, cleaningUp(counts, 5)));
      });
      expect(yield* failure(s, timeout(2, inner))).toMatchObject({ name: 'TimeoutError' });
      expect(counts).toEqual([1]); // the clean-up was cancelled by the outer one
      expect(currentTask()!.cancelling()).toBe(0);
    }),
  );

  test(
    'is 2 where two deadlines with one time pass, and the outer one reports',
    program(s, function* () {
      const counts: number[] = [];
      let inside: unknown;
      const inner = s.fn(function* () {
        inside = yield* failure(s, timeoutAt(1, cleaningUp(counts, 0)));
        throw inside;
      });
      expect(yield* failure(s, timeoutAt(1, inner))).toMatchObject({ name: 'TimeoutError' });
      expect(inside).toMatchObject({ name: 'CancelledError' });
      expect(counts[0]).toBe(2);
      expect(currentTask()!.cancelling()).toBe(0);
    }),
  );

  test(
    'keeps a request from outside when a deadline takes its own back: the cancellation wins',
    program(s, function* () {
      const counts: number[] = [];
      const limited = cleaningUp(counts, 5);
      const task: Task<unknown> = createTask(
        s.fn(function* () {
          return yield* s.wait(timeout(1, limited));
        }),
      );
      yield* s.wait(sleep(2));
      task.cancel();
      expect(task.cancelling()).toBe(2);
      expect(yield* failure(s, task)).toMatchObject({ name: 'CancelledError' });
      expect([task.cancelled(), task.cancelling()]).toEqual([true, 1]);
      expect(counts).toEqual([1]);
    }),
  );

  test(
    'at the entry of a deadline is the number to compare with: a deadline that is entered while the task is cancelled still counts',
    program(s, function* () {
      const task: Task<unknown> = createTask(
        s.fn(function* () {
          yield* failure(s, sleep(60));
          const limited = s.fn(function* () {
            yield* s.wait(sleep(60));
          });
          const error = yield* failure(s, timeout(1, limited));
          return [(error as Error).name, currentTask()!.cancelling()];
        }),
      );
      yield* s.wait(sleep(1));
      task.cancel();
      expect(yield* s.wait(task)).toEqual(['TimeoutError', 1]);
    }),
  );

  test(
    'of a group that has failed is taken back when it is left',
    program(s, function* () {
      const counts: number[] = [];
      const failing = s.fn(function* (): Generator<unknown, void, unknown> {
        yield* s.wait(sleep(1));
        throw new RangeError('of a child');
      });
      const body = cleaningUp(counts, 1);
      const group = taskGroup(
        s.fn(function* (g) {
          g.createTask(failing);
          yield* s.wait(timeout(null, body));
        }),
      );
      expect(yield* failure(s, group)).toMatchObject({ name: 'ExceptionGroup' });
      expect(counts).toEqual([1, 1]);
      expect(currentTask()!.cancelling()).toBe(0);
    }),
  );

  test(
    'of a group that ends as cancelled from outside stays',
    program(s, function* () {
      const task: Task<unknown> = createTask(
        s.fn(function* () {
          yield* s.wait(
            taskGroup(
              s.fn(function* (g) {
                g.createTask(() => sleep(50));
                yield* s.wait(sleep(60));
              }),
            ),
          );
        }),
      );
      yield* s.wait(sleep(1));
      task.cancel();
      yield* failure(s, task);
      expect([task.cancelled(), task.cancelling()]).toEqual([true, 1]);
    }),
  );
});

describe('with several lines, the count', () => {
  const untilCancelled = async (note: () => unknown, seconds = 0) => {
    try {
      await sleep(60);
    } finally {
      note();
      await sleep(seconds);
    }
  };

  test(
    'that a line has received is the sum of the scopes around it, and of no others',
    simulated(async () => {
      const heard: Record<string, number> = {};
      const count = (name: string) => () => {
        heard[name] = currentTask()!.cancelling();
      };
      const limited = (name: string, seconds: number) =>
        outcome(timeout(seconds, () => untilCancelled(count(name), 5)));
      const watching = async () => {
        await sleep(2);
        count('beside')();
      };
      await Promise.all([limited('a', 1), limited('b', 1), watching()]);
      expect(heard).toEqual({ a: 1, b: 1, beside: 0 });
    }),
  );

  test(
    'that others hear is the sum of all scopes of the task',
    simulated(async () => {
      const task = createTask(
        async () =>
          await Promise.all([1, 1, 3].map((seconds) => outcome(timeout(seconds, () => untilCancelled(() => {}, 5))))),
      );
      const heard: number[] = [];
      for (let i = 0; i < 4; i++) {
        await sleep(i === 0 ? 0.5 : 1.5);
        heard.push(task.cancelling());
      }
      expect(heard).toEqual([0, 2, 3, 3]);
      expect(await task).toEqual(['TimeoutError', 'TimeoutError', 'TimeoutError']);
      expect(task.cancelling()).toBe(0);
    }),
  );

  test(
    'of cancel() is heard by all of them',
    simulated(async () => {
      const heard: number[] = [];
      const branch = () => untilCancelled(() => heard.push(currentTask()!.cancelling()));
      const task = createTask(() => Promise.allSettled([branch(), timeout(50, branch), branch()]));
      await sleep(1);
      task.cancel();
      await outcome(task);
      expect(heard).toEqual([1, 1, 1]);
    }),
  );

  test(
    'is taken back by each of two deadlines that fire side by side: both are a TimeoutError',
    simulated(async () => {
      const limited = () => timeout(1, () => sleep(60));
      const ends = await Promise.allSettled([limited(), limited()]);
      expect(ends).toMatchObject([{ reason: { name: 'TimeoutError' } }, { reason: { name: 'TimeoutError' } }]);
      expect(currentTask()!.cancelling()).toBe(0);
    }),
  );

  test(
    'keeps deadlines of several branches apart that clean up for different times',
    simulated(async () => {
      const limited = (clean: number) => outcome(timeout(1, () => untilCancelled(() => {}, clean)));
      expect(await Promise.all([limited(1), limited(3), limited(2)])).toEqual(Array(3).fill('TimeoutError'));
      expect([currentTask()!.cancelling(), getRunningLoop().time()]).toEqual([0, 4]);
    }),
  );

  test(
    'lets a cancellation of the task win in each branch in which a deadline has passed',
    simulated(async () => {
      const limited = () => timeout(1, () => untilCancelled(() => {}, 5));
      let ends: unknown;
      const task = createTask(async () => {
        ends = await Promise.all([outcome(limited()), outcome(limited())]);
      });
      await sleep(2);
      task.cancel();
      await outcome(task);
      expect(ends).toEqual(['CancelledError', 'CancelledError']);
      expect(task.cancelling()).toBe(1);
    }),
  );

  test(
    'of a deadline does not concern a group in a sibling branch',
    simulated(async () => {
      const group = () =>
        taskGroup(async (g) => {
          g.createTask(async () => {
            await sleep(1);
            throw new RangeError('of a child');
          });
          await untilCancelled(() => {}, 2);
        });
      const limited = () => timeout(1, () => untilCancelled(() => {}, 2));
      expect(await Promise.all([outcome(group()), outcome(limited())])).toEqual(['ExceptionGroup', 'TimeoutError']);
      expect(currentTask()!.cancelling()).toBe(0);
    }),
  );

  test(
    'is zero, and not minus zero, when a body has taken the request of its own deadline back',
    simulated(async () => {
      const body = async () => {
        await outcome(sleep(60));
        currentTask()!.uncancel();
      };
      await timeout(1, body);
      expect(currentTask()!.cancelling()).toBe(0);
    }),
  );

  test(
    'is taken back by uncancel() from what cancel() has asked for, by whichever line',
    simulated(async () => {
      const lefts: number[] = [];
      const task = createTask(async () => {
        await outcome(sleep(60));
        const inside = async () => {
          lefts.push(currentTask()!.uncancel());
          return await sleep(1, 'went on');
        };
        return await timeout(10, inside);
      });
      await sleep(1);
      task.cancel();
      expect(await task).toBe('went on');
      expect(lefts).toEqual([0]);
      expect(task.cancelling()).toBe(0);
    }),
  );
});
