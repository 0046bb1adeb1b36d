import {
  createTask,
  currentTask,
  Event,
  Future,
  getRunningLoop,
  sleep,
  type Task,
  taskGroup,
  timeout,
} from 'asyncio-ts';
import { describe, expect, test } from 'vitest';
import { failure, iterations, program } from '../../support/programs.ts';
import { outcome, simulated } from '../../support/simulated-runtime.ts';
import { type Body, describeBoth } from '../../support/spellings.ts';

/** A request of a task to itself, from any place in it: it is thrown once, at the next await that has to wait. */

describeBoth('a task that is cancelled', (s) => {
  const run = function* (body: Body<[], unknown>): Generator<unknown, Task<unknown>, unknown> {
    const task = createTask(s.fn(body));
    yield* failure(s, task);
    return task;
  };

  test(
    'from its own finally gets the error at the next await there, once',
    program(s, function* () {
      const log: string[] = [];
      const task = createTask(
        s.fn(function* () {
          try {
            return yield* s.wait(sleep(1, 'a result'));
          } finally {
            currentTask()!.cancel();
            log.push(((yield* failure(s, sleep(1))) as Error).name);
            yield* s.wait(sleep(1));
            log.push('cleaned up');
          }
        }),
      );
      expect(yield* s.wait(task)).toBe('a result'); // it has caught the error, and so refused
      expect([log, task.cancelling()]).toEqual([['CancelledError', 'cleaned up'], 1]);
    }),
  );

  test(
    'from its own finally that awaits nothing has no result',
    program(s, function* () {
      const task = yield* run(function* () {
        try {
          yield* s.wait(sleep(1));
          return 'dropped';
        } finally {
          currentTask()!.cancel();
        }
      });
      expect([task.cancelled(), task.cancelling()]).toEqual([true, 1]);
    }),
  );

  test(
    'from its own finally while it ends with an error keeps the error',
    program(s, function* () {
      const task = yield* run(function* (): Generator<unknown, void, unknown> {
        try {
          yield* s.wait(sleep(1));
          throw new RangeError('its own');
        } finally {
          currentTask()!.cancel();
        }
      });
      expect(task.exception()).toMatchObject({ name: 'RangeError' });
    }),
  );

  test(
    'again from the finally of its cancellation gets the error once more',
    program(s, function* () {
      const log: string[] = [];
      const task = createTask(
        s.fn(function* () {
          try {
            yield* s.wait(sleep(60));
          } finally {
            currentTask()!.cancel('again');
            log.push(((yield* failure(s, sleep(1))) as Error).message);
            yield* s.wait(sleep(1));
            log.push('cleaned up');
          }
        }),
      );
      yield* s.wait(sleep(1));
      task.cancel('first');
      yield* failure(s, task);
      expect([log, task.cancelled(), task.cancelling()]).toEqual([['again', 'cleaned up'], true, 2]);
    }),
  );

  test(
    'from a callback that it has registered is cancelled where it waits then',
    program(s, function* () {
      const task = yield* run(function* () {
        const self = currentTask()!;
        const future = new Future<void>();
        future.addDoneCallback(() => self.cancel());
        getRunningLoop().callLater(1, () => future.setResult());
        yield* s.wait(future);
        yield* s.wait(sleep(60));
      });
      expect([task.cancelled(), getRunningLoop().time()]).toEqual([true, 1]);
    }),
  );

  test(
    'from a callback of the loop, of a signal and of another task is cancelled once for all of them',
    program(s, function* () {
      const log: string[] = [];
      const task = yield* run(function* () {
        const self = currentTask()!;
        getRunningLoop().callSoon(() => self.cancel());
        const other = createTask(async () => self.cancel());
        self.signal.addEventListener('abort', () => self.cancel());
        try {
          yield* s.wait(sleep(60));
        } catch (error) {
          log.push((error as Error).name);
          yield* s.wait(other);
          yield* s.wait(sleep(1));
          log.push('cleaned up');
          throw error;
        }
      });
      expect(task.cancelled()).toBe(true);
      expect(log).toEqual(['CancelledError', 'cleaned up']);
    }),
  );

  test(
    'during its eager start gets the error at its first await',
    program(s, function* () {
      const log: string[] = [];
      const task = createTask(
        s.fn(function* () {
          currentTask()!.cancel();
          log.push('began');
          try {
            yield* s.wait(sleep(60));
          } catch (error) {
            log.push((error as Error).name);
            throw error;
          }
        }),
        { eagerStart: true },
      );
      expect(log).toEqual(['began']);
      yield* failure(s, task);
      expect([task.cancelled(), log]).toEqual([true, ['began', 'CancelledError']]);
    }),
  );

  test(
    'by a child that it starts eagerly gets the error at its next await, and the child continues',
    program(s, function* () {
      let child: Task<string> | undefined;
      const task = yield* run(function* () {
        const self = currentTask()!;
        child = createTask(
          s.fn(function* () {
            self.cancel();
            return yield* s.wait(sleep(5, 'child'));
          }),
          { eagerStart: true },
        );
        yield* s.wait(sleep(60));
      });
      expect(task.cancelled()).toBe(true);
      expect(yield* s.wait(child!)).toBe('child');
    }),
  );

  test(
    'that ends in its eager start is cancelled at once',
    program(s, function* () {
      const task = createTask(
        s.fn(function* () {
          currentTask()!.cancel();
          return 'dropped';
        }),
        { eagerStart: true },
      );
      yield* iterations(s, 2);
      expect(task.cancelled()).toBe(true);
    }),
  );

  test(
    'before its first step never begins',
    program(s, function* () {
      const log: string[] = [];
      const task = createTask(
        s.fn(function* () {
          log.push('began');
          yield* s.wait(sleep(1));
        }),
      );
      task.cancel();
      yield* failure(s, task);
      expect([task.cancelled(), log]).toEqual([true, []]);
    }),
  );

  test(
    'inside a deadline cancels the task and not the deadline',
    program(s, function* () {
      const task = yield* run(function* () {
        yield* s.wait(
          timeout(
            5,
            s.fn(function* () {
              currentTask()!.cancel();
              yield* s.wait(sleep(60));
            }),
          ),
        );
      });
      expect([task.cancelled(), task.cancelling(), getRunningLoop().time()]).toEqual([true, 1, 0]);
    }),
  );

  test(
    'in the synchronous body of a deadline has no result',
    program(s, function* () {
      const task = yield* run(function* () {
        const limit = timeout(5);
        limit.enterNow();
        currentTask()!.cancel();
        limit.exitNow();
        return 'dropped';
      });
      expect(task.cancelled()).toBe(true);
    }),
  );

  test(
    'inside a group cancels the group, its body and its children',
    program(s, function* () {
      const ended: string[] = [];
      const task = yield* run(function* () {
        yield* s.wait(
          taskGroup(
            s.fn(function* (group) {
              const child = group.createTask(() => sleep(60));
              child.addDoneCallback(() => ended.push(child.cancelled() ? 'cancelled' : 'done'));
              yield* s.wait(sleep(1));
              currentTask()!.cancel();
              yield* s.wait(sleep(60));
            }),
          ),
        );
      });
      expect([task.cancelled(), ended]).toEqual([true, ['cancelled']]);
    }),
  );
});

describe('a scope', () => {
  test(
    'left by an error thrown from [Symbol.dispose] is over anyway',
    simulated(async () => {
      const throwing = () => ({
        [Symbol.dispose]() {
          throw new RangeError('of dispose');
        },
      });
      const body = async () => {
        using _ = throwing();
        await sleep(1);
      };
      expect(await outcome(timeout(5, body))).toBe('RangeError');
      expect(await outcome(taskGroup(body))).toBe('ExceptionGroup');
      expect(await sleep(10, 'went on')).toBe('went on');
      expect(currentTask()!.cancelling()).toBe(0);
    }),
  );

  test(
    'that is cancelled and left by an error thrown from [Symbol.dispose] ends with a SuppressedError, and is over',
    simulated(async () => {
      const body = async () => {
        using _ = {
          [Symbol.dispose]() {
            throw new RangeError('of dispose');
          },
        };
        await sleep(60);
      };
      const error = await timeout(1, body).then(String, (thrown: unknown) => thrown);
      expect(error).toMatchObject({ name: 'SuppressedError', error: { name: 'RangeError' } });
      expect(await sleep(10, 'went on')).toBe('went on');
      expect(currentTask()!.cancelling()).toBe(0);
    }),
  );

  test(
    'that was entered and left by hand around a throwing [Symbol.dispose] is over',
    simulated(async () => {
      const limit = timeout(5);
      await limit.enter();
      let thrown: unknown;
      try {
        using _ = {
          [Symbol.dispose]() {
            throw new RangeError('of dispose');
          },
        };
        await sleep(1);
      } catch (error) {
        thrown = error;
        await limit.exit(error);
      }
      expect(thrown).toMatchObject({ name: 'RangeError' });
      expect(limit.expired()).toBe(false);
      expect(await sleep(10, 'went on')).toBe('went on');
    }),
  );

  test(
    'cancelled from [Symbol.asyncDispose] gets the error at the next await of the clean-up, once',
    simulated(async () => {
      const log: string[] = [];
      const task = createTask(async () => {
        await using _ = {
          async [Symbol.asyncDispose]() {
            currentTask()!.cancel();
            log.push(String(await outcome(sleep(1))));
            await sleep(1);
            log.push('cleaned up');
          },
        };
        await sleep(1);
        return 'a result';
      });
      expect(await outcome(task)).toBe('a result'); // the clean-up has caught it, as a refusal
      expect([log, task.cancelling()]).toEqual([['CancelledError', 'cleaned up'], 1]);
    }),
  );

  test(
    'cancelled from [Symbol.asyncDispose] that lets the error out is cancelled',
    simulated(async () => {
      const event = new Event();
      const task = createTask(async () => {
        await using _ = {
          async [Symbol.asyncDispose]() {
            currentTask()!.cancel();
            await event.wait();
          },
        };
        await sleep(1);
      });
      expect(await outcome(task)).toBe('CancelledError');
      expect(task.cancelled()).toBe(true);
    }),
  );

  test(
    'whose deadline passes in [Symbol.asyncDispose] waits for the rest of the clean-up',
    simulated(async () => {
      const log: string[] = [];
      const body = async () => {
        await using _ = {
          async [Symbol.asyncDispose]() {
            try {
              await sleep(60);
            } finally {
              await sleep(2);
              log.push('cleaned up');
            }
          },
        };
        await sleep(1);
      };
      expect(await outcome(timeout(3, body))).toBe('TimeoutError');
      expect([log, getRunningLoop().time()]).toEqual([['cleaned up'], 5]);
    }),
  );
});
