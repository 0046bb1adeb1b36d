import {
  CancelledError,
  coroutine,
  createTask,
  currentTask,
  ExceptionGroup,
  eagerTaskFactory,
  Future,
  getRunningLoop,
  KeyboardInterrupt,
  type RuntimeError,
  SystemExit,
  sleep,
  TaskGroup,
  taskGroup,
} from 'asyncio-ts';
import { expect, test } from 'vitest';
import { muteLog } from '../../support/loops.ts';
import { failure, iterations, names, program, thrownBy } from '../../support/programs.ts';
import { describeBoth, runVirtually, type Spelling } from '../../support/spellings.ts';

/** A coroutine function that takes a while and then fails. */
function failing(s: Spelling, message: string, seconds = 0) {
  return s.fn(function* () {
    yield* s.wait(sleep(seconds));
    throw new Error(message);
  });
}

/** A coroutine function that sleeps until it is cancelled, and fails then. */
function failingWhenCancelled(s: Spelling, message: string) {
  return s.fn(function* () {
    try {
      yield* s.wait(sleep(60));
    } catch {
      throw new Error(message);
    }
  });
}

/** The messages of a group's errors. */
function messages(error: unknown): string[] {
  expect(error).toBeInstanceOf(ExceptionGroup);
  return (error as ExceptionGroup<Error>).errors.map((part) => part.message);
}

describeBoth('a task group', (s) => {
  test(
    'gives what its body returns once all its tasks are done',
    program(s, function* () {
      const results: string[] = [];
      const body = s.fn(function* (group: TaskGroup) {
        const note = coroutine(
          s.fn(function* (seconds: number) {
            results.push(yield* s.wait(sleep(seconds, `after ${seconds}`)));
          }),
        );
        group.createTask(note(2));
        group.createTask(note(1), { name: 'named' });
        expect(names(group.tasks)).toContain('named');
        return 'of the body';
      });
      expect(yield* s.wait(taskGroup(body))).toBe('of the body');
      expect(results).toEqual(['after 1', 'after 2']);
      expect(getRunningLoop().time()).toBe(2);
    }),
  );

  test(
    'without tasks costs nothing',
    program(s, function* () {
      let turns = 0;
      getRunningLoop().callSoon(() => turns++);
      expect(yield* s.wait(taskGroup(s.fn(function* () {})))).toBe(undefined);
      expect(turns).toBe(0);
      yield* iterations(s, 1);
    }),
  );
});

describeBoth('a failure in a task group', (s) => {
  test(
    'cancels the other tasks and the body, waits for all, and raises one ExceptionGroup',
    program(s, function* () {
      let cleanedUp = false;
      let cancelledBody = false;
      const body = s.fn(function* (group: TaskGroup) {
        group.createTask(
          s.fn(function* () {
            try {
              yield* s.wait(sleep(60));
            } finally {
              yield* s.wait(sleep(4));
              cleanedUp = true;
            }
          }),
        );
        group.createTask(failing(s, 'failed', 1));
        cancelledBody = (yield* failure(s, sleep(60))) instanceof CancelledError;
      });
      const error = yield* failure(s, taskGroup(body));
      expect(error).toMatchObject({
        name: 'ExceptionGroup',
        message: 'unhandled errors in a TaskGroup (1 of 2 tasks failed: Error: failed)',
      });
      expect(messages(error)).toEqual(['failed']);
      expect([cleanedUp, cancelledBody]).toEqual([true, true]);
      expect(getRunningLoop().time()).toBe(5);
    }),
  );

  test(
    'lists errors in the order in which they came, the one of the body last, and no cancellations',
    program(s, function* () {
      const body = s.fn(function* (group: TaskGroup) {
        group.createTask(failingWhenCancelled(s, 'second'));
        group.createTask(sleep(60));
        group.createTask(failing(s, 'first', 1));
        yield* failure(s, sleep(60));
        throw new Error('of the body');
      });
      expect(messages(yield* failure(s, taskGroup(body)))).toEqual(['first', 'second', 'of the body']);
    }),
  );

  test(
    'is grouped also when it is the body alone that fails',
    program(s, function* () {
      const body = s.fn(function* () {
        throw new Error('of the body');
      });
      expect(messages(yield* failure(s, taskGroup(body)))).toEqual(['of the body']);
    }),
  );

  test(
    'of the body cancels the tasks',
    program(s, function* () {
      const body = s.fn(function* (group: TaskGroup) {
        group.createTask(failingWhenCancelled(s, 'cancelled'));
        yield* s.wait(sleep(1));
        throw new Error('of the body');
      });
      expect(messages(yield* failure(s, taskGroup(body)))).toEqual(['cancelled', 'of the body']);
    }),
  );

  test(
    'leaves no request to cancel the parent behind',
    program(s, function* () {
      const body = s.fn(function* (group: TaskGroup) {
        group.createTask(failing(s, 'failed'));
        yield* s.wait(sleep(60));
      });
      yield* failure(s, taskGroup(body));
      expect(currentTask()!.cancelling()).toBe(0);
      yield* s.wait(sleep(1));
    }),
  );

  test(
    'cancels a body once, though several tasks fail',
    program(s, function* () {
      let cancellations = 0;
      const body = s.fn(function* (group: TaskGroup) {
        group.createTask(failing(s, 'a'));
        group.createTask(failing(s, 'b'));
        yield* failure(s, sleep(60));
        cancellations++;
        yield* s.wait(sleep(1));
      });
      expect(messages(yield* failure(s, taskGroup(body)))).toEqual(['a', 'b']);
      expect(cancellations).toBe(1);
    }),
  );

  test(
    'is no cancelled task, nor one that raises CancelledError by itself',
    program(s, function* () {
      const body = s.fn(function* (group: TaskGroup) {
        const cancelled = group.createTask(sleep(60));
        group.createTask(
          s.fn(function* () {
            throw new CancelledError();
          }),
        );
        const other = group.createTask(sleep(3, 'other'));
        yield* iterations(s, 1);
        cancelled.cancel();
        return yield* s.wait(other);
      });
      expect(yield* s.wait(taskGroup(body))).toBe('other');
    }),
  );

  test(
    'is none where a future that a task awaits is cancelled, but the work that is lost is reported, and who cancelled it',
    program(s, function* () {
      const warn = muteLog('warn');
      const future = new Future<void>();
      const body = s.fn(function* (group: TaskGroup) {
        group.createTask(
          s.fn(function* () {
            yield* s.wait(future);
          }),
        );
        yield* s.wait(sleep(1));
        yield* s.wait(
          createTask(
            s.fn(function* () {
              future.cancel();
            }),
            { name: 'the watchdog' },
          ),
        );
        return 'done';
      });
      expect(yield* s.wait(taskGroup(body))).toBe('done');
      expect(warn.mock.calls.flat()).toEqual([
        expect.stringMatching(
          /something that it awaited was \(A Future was cancelled by Task 'the watchdog'\)\. Its work/,
        ),
      ]);
    }),
  );

  test(
    'may be anything that is thrown',
    program(s, function* () {
      const body = s.fn(function* (group: TaskGroup) {
        group.createTask(
          s.fn(function* () {
            throw 'text';
          }),
        );
      });
      expect(yield* failure(s, taskGroup(body))).toMatchObject({ errors: ['text'] });
    }),
  );

  test(
    'in a group inside a task of a group is a group in a group',
    program(s, function* () {
      const inner = s.fn(function* (group: TaskGroup) {
        group.createTask(failing(s, 'inner'));
      });
      const outer = s.fn(function* (group: TaskGroup) {
        group.createTask(taskGroup(inner));
        group.createTask(failing(s, 'outer', 1));
        yield* failure(s, sleep(60));
      });
      const error = (yield* failure(s, taskGroup(outer))) as ExceptionGroup<ExceptionGroup<Error>>;
      expect(messages(error)).toEqual(['unhandled errors in a TaskGroup (1 of 1 task failed: Error: inner)']);
      expect(messages(error.errors[0])).toEqual(['inner']);
    }),
  );
});

describeBoth('KeyboardInterrupt and SystemExit in a task group', (s) => {
  for (const interrupt of [new KeyboardInterrupt(), new SystemExit(3)]) {
    test(
      `a ${interrupt.name} of the body leaves it bare, and errors of tasks are reported instead`,
      program(s, function* (reports) {
        let entered: TaskGroup | null = null;
        const body = s.fn(function* (group: TaskGroup) {
          entered = group;
          group.createTask(failingWhenCancelled(s, 'first'));
          group.createTask(failingWhenCancelled(s, 'second'));
          yield* s.wait(sleep(1));
          throw interrupt;
        });
        expect(yield* failure(s, taskGroup(body))).toBe(interrupt);
        const told = reports.splice(0);
        expect(told.map(({ exception }) => (exception as Error).message)).toEqual(['first', 'second']);
        expect(told.every(({ taskGroup }) => taskGroup === entered)).toBe(true);
        expect(told[0]!.message).toContain(`the group ended with ${interrupt.name}`);
      }),
    );

    test(`a ${interrupt.name} of a task ends the run with it, and leaves the group bare`, async () => {
      const child = s.fn(function* () {
        yield* s.wait(sleep(1));
        throw interrupt;
      });
      let raised: unknown;
      const main = s.fn(function* () {
        const body = s.fn(function* (group: TaskGroup) {
          group.createTask(child);
          yield* s.wait(sleep(60));
        });
        raised = yield* failure(s, taskGroup(body));
      });
      await expect(runVirtually(main)).rejects.toBe(interrupt);
      expect(raised).toBe(interrupt);
    });

    test(`a ${interrupt.name} of a task is thrown and not reported; errors of other tasks are reported`, async () => {
      const child = s.fn(function* () {
        yield* s.wait(sleep(1));
        throw interrupt;
      });
      const reported: unknown[] = [];
      const main = s.fn(function* () {
        getRunningLoop().setExceptionHandler((_loop, { exception, taskGroup: group }) => {
          // The main task ends with the interrupt too, after the run has: that is reported as of any task.
          if (group !== undefined) reported.push((exception as Error).message);
        });
        const body = s.fn(function* (group: TaskGroup) {
          group.createTask(failingWhenCancelled(s, 'another'));
          group.createTask(child);
          yield* s.wait(sleep(60));
        });
        yield* s.wait(taskGroup(body));
      });
      await expect(runVirtually(main)).rejects.toBe(interrupt);
      expect(reported).toEqual(['another']);
    });
  }
});

describeBoth('a task group whose parent is cancelled', (s) => {
  /** A task with a group in it, in which nothing ends by itself unless the group's body makes it. */
  function groupTask(body: (group: TaskGroup) => Generator<unknown, void, unknown>) {
    const after: { error?: unknown; cancelling?: number; next?: unknown } = {};
    const task = createTask(
      s.fn(function* () {
        const self = currentTask()!;
        after.error = yield* failure(s, taskGroup(s.fn(body)));
        after.cancelling = self.cancelling();
        try {
          yield* s.wait(sleep(0));
        } catch (error) {
          after.next = error;
        }
      }),
    );
    return { task, after };
  }

  test(
    'cancels its tasks, and raises CancelledError when none of them fails',
    program(s, function* () {
      let child: { cancelled(): boolean } | undefined;
      const { task, after } = groupTask(function* (group) {
        child = group.createTask(sleep(60));
        yield* s.wait(sleep(60));
      });
      yield* iterations(s, 2);
      task.cancel();
      yield* s.wait(task);
      expect(after.error).toBeInstanceOf(CancelledError);
      expect(after).toMatchObject({ cancelling: 1 });
      expect(after.next).toBe(undefined);
      expect(child!.cancelled()).toBe(true);
    }),
  );

  test(
    'while it waits for its tasks does the same',
    program(s, function* () {
      const { task, after } = groupTask(function* (group) {
        group.createTask(sleep(60));
      });
      yield* iterations(s, 3);
      task.cancel();
      yield* s.wait(task);
      expect(after.error).toBeInstanceOf(CancelledError);
    }),
  );

  test(
    'raises the errors of its tasks, and the cancellation at the next await',
    program(s, function* () {
      const { task, after } = groupTask(function* (group) {
        group.createTask(failingWhenCancelled(s, 'in clean-up'));
        yield* s.wait(sleep(60));
      });
      yield* iterations(s, 2);
      task.cancel();
      yield* s.wait(task);
      expect(messages(after.error)).toEqual(['in clean-up']);
      expect(after).toMatchObject({ cancelling: 1, next: expect.any(CancelledError) });
    }),
  );

  test(
    'does so too when error and cancellation come in one iteration',
    program(s, function* () {
      const failingAtOnce = s.fn(function* () {
        throw new Error('at once');
      });
      const { task, after } = groupTask(function* (group) {
        group.createTask(failingAtOnce);
        getRunningLoop().callSoon(() => task.cancel());
        yield* s.wait(sleep(60));
      });
      yield* s.wait(task);
      expect(messages(after.error)).toEqual(['at once']);
      expect(after).toMatchObject({ cancelling: 1, next: expect.any(CancelledError) });
    }),
  );

  test(
    'does so through nested groups',
    program(s, function* () {
      const { task, after } = groupTask(function* (outer) {
        outer.createTask(failingWhenCancelled(s, 'outer'));
        const body = s.fn(function* (inner: TaskGroup) {
          inner.createTask(failingWhenCancelled(s, 'inner'));
          yield* s.wait(sleep(60));
        });
        yield* s.wait(taskGroup(body));
      });
      yield* iterations(s, 2);
      task.cancel();
      yield* s.wait(task);
      const group = after.error as ExceptionGroup<Error>;
      expect(messages(group)).toEqual(['outer', expect.stringMatching(/^unhandled errors in a TaskGroup \(/)]);
      expect(messages(group.errors[1])).toEqual(['inner']);
      expect(after).toMatchObject({ cancelling: 1, next: expect.any(CancelledError) });
    }),
  );
});

describeBoth('createTask of a task group', (s) => {
  function refusal(group: TaskGroup) {
    const unused = coroutine(s.fn(function* () {}))();
    const error = thrownBy(() => group.createTask(unused)) as RuntimeError;
    expect(error).toMatchObject({ name: 'RuntimeError', code: 'TASK_GROUP_NOT_OPEN' });
    expect(String(unused)).toContain('closed');
    return error.message;
  }

  test(
    'is refused before the group is entered and after it is finished, and the coroutine closed',
    program(s, function* () {
      const group = new TaskGroup();
      expect(refusal(group)).toContain('has not been entered');
      yield* s.wait(group.enter());
      yield* s.wait(group.exit());
      expect(refusal(group)).toContain('is finished');
    }),
  );

  test(
    'is refused while the group shuts down',
    program(s, function* () {
      const body = s.fn(function* (group: TaskGroup) {
        group.createTask(failing(s, 'failed'));
        yield* failure(s, sleep(60));
        return refusal(group);
      });
      expect(messages(yield* failure(s, taskGroup(body)))).toEqual(['failed']);
    }),
  );

  test(
    'is allowed to the tasks while the group waits for them',
    program(s, function* () {
      const done: string[] = [];
      const body = s.fn(function* (group: TaskGroup) {
        const grandchild = s.fn(function* () {
          done.push(yield* s.wait(sleep(1, 'grandchild')));
        });
        const child = s.fn(function* () {
          yield* s.wait(sleep(1));
          group.createTask(grandchild);
        });
        group.createTask(child);
      });
      yield* s.wait(taskGroup(body));
      expect(done).toEqual(['grandchild']);
      expect(getRunningLoop().time()).toBe(2);
    }),
  );

  test(
    'goes by a group that is entered once, by a task',
    program(s, function* () {
      const group = new TaskGroup();
      yield* s.wait(group.enter());
      expect(yield* failure(s, group.enter())).toMatchObject({ name: 'RuntimeError', code: 'TASK_GROUP_REENTERED' });
      yield* s.wait(group.exit());
    }),
  );
});

/** The body of a group that cancels the group and waits. */
function cancellingItself(s: Spelling) {
  return s.fn(function* (group: TaskGroup) {
    group.cancel();
    yield* s.wait(sleep(60));
  });
}

describeBoth('cancelling a task group', (s) => {
  test(
    'ends its tasks and its body, and raises nothing',
    program(s, function* () {
      let child: { cancelled(): boolean } | undefined;
      const seen: string[] = [];
      const body = s.fn(function* (group: TaskGroup) {
        child = group.createTask(sleep(60));
        getRunningLoop().callLater(1, () => group.cancel());
        yield* s.wait(sleep(60));
        seen.push('went on');
        return 'of the body';
      });
      expect(yield* s.wait(taskGroup(body))).toBe(undefined);
      expect(child!.cancelled()).toBe(true);
      expect(seen).toEqual([]);
      expect(getRunningLoop().time()).toBe(1);
      expect(currentTask()!.cancelling()).toBe(0);
      yield* s.wait(sleep(1));
    }),
  );

  test(
    'still raises the errors of tasks that fail on the way out',
    program(s, function* () {
      const body = s.fn(function* (group: TaskGroup) {
        group.createTask(failingWhenCancelled(s, 'on the way out'));
        yield* iterations(s, 1);
        group.cancel();
        yield* s.wait(sleep(60));
      });
      expect(messages(yield* failure(s, taskGroup(body)))).toEqual(['on the way out']);
    }),
  );

  test(
    'while it waits for its tasks keeps what the body has returned',
    program(s, function* () {
      const body = s.fn(function* (group: TaskGroup) {
        group.createTask(sleep(60));
        getRunningLoop().callLater(1, () => group.cancel());
        return 'of the body';
      });
      expect(yield* s.wait(taskGroup(body))).toBe('of the body');
      expect(getRunningLoop().time()).toBe(1);
    }),
  );

  test(
    'before it is entered ends its body where it first waits',
    program(s, function* () {
      const group = new TaskGroup();
      group.cancel();
      yield* s.wait(group.enter());
      const error = yield* failure(s, sleep(60));
      expect(error).toBeInstanceOf(CancelledError);
      expect(yield* s.wait(group.exit(error))).toBe(true);
      expect(currentTask()!.cancelling()).toBe(0);
    }),
  );

  test(
    'after it is finished does nothing',
    program(s, function* () {
      const group = new TaskGroup();
      yield* s.wait(group.enter());
      yield* s.wait(group.exit());
      group.cancel();
      expect(currentTask()!.cancelling()).toBe(0);
      yield* s.wait(sleep(1));
    }),
  );

  test(
    'passes on a cancellation from outside that comes with it',
    program(s, function* () {
      const task = createTask(
        s.fn(function* () {
          const body = s.fn(function* (group: TaskGroup) {
            group.createTask(sleep(60));
            getRunningLoop().callLater(1, () => group.cancel());
            yield* s.wait(sleep(60));
          });
          yield* s.wait(taskGroup(body));
        }),
      );
      getRunningLoop().callLater(1, () => task.cancel());
      expect(yield* failure(s, task)).toBeInstanceOf(CancelledError);
      expect(task.cancelling()).toBe(1);
    }),
  );

  test(
    'passes on a cancellation that was pending when it was entered, and is delivered with its own',
    program(s, function* () {
      const task = createTask(
        s.fn(function* () {
          task.cancel('from outside');
          yield* s.wait(taskGroup(cancellingItself(s)));
        }),
      );
      expect(yield* failure(s, task)).toBeInstanceOf(CancelledError);
      expect(task.cancelled()).toBe(true);
    }),
  );

  test(
    'passes on the cancel() of a group around it that was pending when it was entered',
    program(s, function* () {
      const seen: string[] = [];
      const outer = new TaskGroup();
      outer.cancel();
      yield* s.wait(outer.enter());
      const error = yield* failure(s, taskGroup(cancellingItself(s)));
      seen.push(`inner: ${error instanceof CancelledError}`);
      seen.push(`outer: ${yield* s.wait(outer.exit(error))}`);
      expect(seen).toEqual(['inner: true', 'outer: true']);
      expect(currentTask()!.cancelling()).toBe(0);
      yield* s.wait(sleep(1));
    }),
  );

  test(
    'takes back only its own request when an earlier one was delivered and swallowed',
    program(s, function* () {
      const task = createTask(
        s.fn(function* () {
          task.cancel();
          expect(yield* failure(s, sleep(60))).toBeInstanceOf(CancelledError);
          yield* s.wait(taskGroup(cancellingItself(s)));
          return 'went on';
        }),
      );
      expect(yield* s.wait(task)).toBe('went on');
      expect(task.cancelling()).toBe(1);
    }),
  );

  test(
    'from an eager task does not hang',
    program(s, function* () {
      getRunningLoop().setTaskFactory(eagerTaskFactory);
      const body = s.fn(function* (group: TaskGroup) {
        group.createTask(
          s.fn(function* () {
            group.cancel();
            yield* s.wait(sleep(60));
          }),
        );
        yield* s.wait(sleep(60));
      });
      expect(yield* s.wait(taskGroup(body))).toBe(undefined);
      expect(getRunningLoop().time()).toBe(0);
    }),
  );
});
