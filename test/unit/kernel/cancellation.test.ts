import {
  CancelledError,
  type CoroutineFunction,
  createTask,
  currentTask,
  ExceptionGroup,
  type Future,
  gather,
  getRunningLoop,
  shared,
  shield,
  sleep,
  Task,
  type TaskGroup,
  TimeoutError,
  taskGroup,
  timeout,
  waitFor,
} from 'asyncio-ts';
import { describe, expect, test } from 'vitest';
import { manualLoop } from '../../support/loops.ts';
import { failure, thrownBy } from '../../support/programs.ts';
import { describeBoth, runVirtually, type Spelling } from '../../support/spellings.ts';

/** A coroutine that does nothing but wait. */
function waitingFor<T>(s: Spelling, future: Future<T>) {
  return s.fn(function* () {
    return (yield* s.wait(future)) as T;
  });
}

/** A coroutine that refuses to be cancelled, once. */
function refusing<T>(s: Spelling, future: Future<unknown>, result: T) {
  return s.fn(function* () {
    yield* failure(s, future);
    return result;
  });
}

describeBoth('cancel before the first step', (s) => {
  test('the body never runs, not even its finally', async () => {
    const { loop, iterate } = manualLoop();
    const trace: string[] = [];
    const main = s.fn(function* () {
      try {
        trace.push('body');
        yield* s.wait(sleep(0));
      } finally {
        trace.push('finally');
      }
    });
    const task = loop.createTask(main);
    task.cancel('enough');
    await iterate(3);
    expect(trace).toEqual([]);
    expect(thrownBy(() => task.result())).toMatchObject({ args: ['enough'] });
  });

  test('cancelled() is true only after the next iteration', async () => {
    const { loop, iterate } = manualLoop();
    const task = loop.createTask(s.fn(function* () {}));
    expect(task.cancel()).toBe(true);
    expect([task.done(), task.cancelled(), task.cancelling()]).toEqual([false, false, 1]);
    await iterate();
    expect([task.done(), task.cancelled(), task.cancelling()]).toEqual([true, true, 1]);
  });
});

describeBoth('cancel while waiting on a future', (s) => {
  test('cancels the future at once, and the task in the next iteration', async () => {
    const { loop, iterate } = manualLoop();
    const future = loop.createFuture();
    const task = loop.createTask(waitingFor(s, future));
    await iterate();
    expect(task.cancel()).toBe(true);
    expect([future.cancelled(), task.done()]).toEqual([true, false]);
    await iterate();
    expect(task.cancelled()).toBe(true);
  });

  test('the message is in the CancelledError of the task, and of the task that awaits it', async () => {
    const { loop, iterate } = manualLoop();
    const seen: unknown[] = [];
    const catching = (awaitable: unknown) =>
      s.fn(function* () {
        const error = yield* failure(s, awaitable);
        seen.push(error);
        throw error;
      });
    const inner = loop.createTask(catching(loop.createFuture()));
    const outer = loop.createTask(catching(inner));
    await iterate();
    inner.cancel('enough');
    await iterate();
    expect(seen).toEqual([new CancelledError('enough')]);
    await iterate();
    expect(seen).toHaveLength(2);
    expect(seen[1]).toBe(seen[0]);
    expect(outer.cancelled()).toBe(true);
  });

  test('of a finished task does nothing and returns false', async () => {
    const { loop, iterate } = manualLoop();
    const task = loop.createTask(s.fn(function* () {}));
    await iterate();
    expect([task.cancel(), task.cancelled(), task.cancelling()]).toEqual([false, false, 0]);
  });

  test('during sleep(0) is delivered in the next iteration', async () => {
    const { loop, iterate } = manualLoop();
    const main = s.fn(function* () {
      yield* s.wait(sleep(0));
    });
    const task = loop.createTask(main);
    await iterate();
    task.cancel('enough');
    expect(task.done()).toBe(false);
    await iterate();
    expect(thrownBy(() => task.result())).toMatchObject({ args: ['enough'] });
  });
});

describeBoth('cancel goes down the chain of awaits', (s) => {
  test('to the task at its end; the outer one ends only when the inner one really does', async () => {
    const { loop, iterate } = manualLoop();
    const cleanUp = loop.createFuture<void>();
    const inner = loop.createTask(
      s.fn(function* () {
        try {
          yield* s.wait(sleep(10));
        } finally {
          yield* s.wait(cleanUp);
        }
      }),
    );
    const outer = loop.createTask(waitingFor(s, inner));
    await iterate();
    outer.cancel();
    expect([outer.cancelling(), inner.cancelling()]).toEqual([1, 1]);
    await iterate(5);
    expect([outer.done(), inner.done()]).toEqual([false, false]);
    cleanUp.setResult();
    await iterate();
    expect([outer.done(), inner.cancelled()]).toEqual([false, true]);
    await iterate();
    expect(outer.cancelled()).toBe(true);
  });

  test('through any number of tasks', async () => {
    const { loop, iterate } = manualLoop();
    const future = loop.createFuture();
    const tasks: Task<unknown>[] = [];
    for (let i = 0; i < 5; i++) tasks.push(loop.createTask(waitingFor<unknown>(s, tasks.at(-1) ?? future)));
    await iterate();
    tasks.at(-1)?.cancel();
    expect(future.cancelled()).toBe(true);
    await iterate(5);
    expect(tasks.map((task) => task.cancelled())).toEqual([true, true, true, true, true]);
  });

  test('when the inner one refuses, the outer one gets its value and is not cancelled, but the count stays', async () => {
    const { loop, iterate } = manualLoop();
    const inner = loop.createTask(refusing(s, loop.createFuture(), 'refused'));
    const outer = loop.createTask(waitingFor(s, inner));
    await iterate();
    outer.cancel();
    await iterate(2);
    expect([outer.result(), outer.cancelled(), outer.cancelling()]).toEqual(['refused', false, 1]);
  });

  test('of one awaiter kills the task that two await, and so cancels the other', async () => {
    const { loop, iterate } = manualLoop();
    const inner = loop.createTask(waitingFor(s, loop.createFuture()));
    const awaiters = [loop.createTask(waitingFor(s, inner)), loop.createTask(waitingFor(s, inner))] as const;
    await iterate();
    awaiters[0].cancel();
    await iterate(2);
    expect([inner, ...awaiters].map((task) => task.cancelled())).toEqual([true, true, true]);
    expect(awaiters.map((task) => task.cancelling())).toEqual([1, 0]);
  });

  test('stops at shield()', async () => {
    const { loop, iterate } = manualLoop();
    const inner = loop.createTask(waitingFor(s, loop.createFuture()));
    const outer = loop.createTask(
      s.fn(function* () {
        yield* s.wait(shield(inner));
      }),
    );
    await iterate();
    outer.cancel();
    await iterate();
    expect([outer.cancelled(), inner.done(), inner.cancelling()]).toEqual([true, false, 0]);
  });
});

describeBoth('cancel between completion and wake-up', (s) => {
  test('still wins: the future has its value, the task a CancelledError', async () => {
    const { loop, iterate } = manualLoop();
    const future = loop.createFuture<string>();
    const task = loop.createTask(waitingFor(s, future));
    await iterate();
    future.setResult('value');
    task.cancel('too late');
    await iterate();
    expect(future.result()).toBe('value');
    expect(thrownBy(() => task.result())).toMatchObject({ args: ['too late'] });
  });

  test('also over an error, which counts as seen', async () => {
    const { loop, iterate } = manualLoop();
    const reports: unknown[] = [];
    loop.setExceptionHandler((_loop, context) => reports.push(context));
    const future = loop.createFuture<string>();
    const task = loop.createTask(waitingFor(s, future));
    await iterate();
    future.setException(new Error('no'));
    task.cancel();
    await iterate();
    expect(task.cancelled()).toBe(true);
    loop.close();
    expect(reports).toEqual([]);
  });

  test('also when what is awaited is a task', async () => {
    const { loop, iterate } = manualLoop();
    const inner = loop.createTask(sleep(0));
    const outer = loop.createTask(waitingFor(s, inner));
    await iterate(2);
    expect([inner.done(), outer.done()]).toEqual([true, false]);
    outer.cancel();
    await iterate();
    expect([inner.cancelled(), outer.cancelled()]).toEqual([false, true]);
  });
});

describeBoth('several cancels before delivery', (s) => {
  test('are one CancelledError with the first message, and the count of all', async () => {
    const { loop, iterate } = manualLoop();
    const caught: unknown[] = [];
    const main = s.fn(function* () {
      caught.push(yield* failure(s, sleep(10)));
      yield* s.wait(sleep(0));
      return 'went on';
    });
    const task = loop.createTask(main);
    await iterate();
    expect(['first', 'second', 'third'].map((message) => task.cancel(message))).toEqual([true, true, true]);
    expect(task.cancelling()).toBe(3);
    await iterate(2);
    expect(caught).toEqual([new CancelledError('first')]);
    expect(task.result()).toBe('went on');
  });

  test('of a task that waits on nothing yet have the last message', async () => {
    const { loop, iterate } = manualLoop();
    const task = loop.createTask(s.fn(function* () {}));
    task.cancel('first');
    task.cancel('second');
    await iterate();
    expect(thrownBy(() => task.result())).toMatchObject({ args: ['second'] });
    expect(task.cancelling()).toBe(2);
  });

  test('a later one interrupts what the cleanup waits for', async () => {
    const { loop, iterate } = manualLoop();
    const trace: string[] = [];
    const cleanUp = loop.createFuture();
    const main = s.fn(function* () {
      try {
        yield* s.wait(sleep(10));
      } finally {
        trace.push('cleaning up');
        yield* s.wait(cleanUp);
        trace.push('cleaned up');
      }
    });
    const task = loop.createTask(main);
    await iterate();
    task.cancel('first');
    await iterate();
    task.cancel('second');
    expect(cleanUp.cancelled()).toBe(true);
    await iterate();
    expect(trace).toEqual(['cleaning up']);
    expect(thrownBy(() => task.result())).toMatchObject({ args: ['second'] });
  });
});

describeBoth('the CancelledError', (s) => {
  test('of a task is the original one for the first caller, later a new one without message', async () => {
    const { loop, iterate } = manualLoop();
    let original: unknown;
    const main = s.fn(function* () {
      original = yield* failure(s, sleep(10));
      throw original;
    });
    const task = loop.createTask(main);
    await iterate();
    task.cancel('enough');
    await iterate();
    expect(thrownBy(() => task.result())).toBe(original);
    expect((original as CancelledError).args).toEqual(['enough']);
    const later = [thrownBy(() => task.result()), thrownBy(() => task.exception())];
    expect(later.map((error) => (error as CancelledError).args)).toEqual([[], []]);
    expect(later[0]).not.toBe(later[1]);
    expect(later[0]).not.toBe(original);
  });

  test('is the original one for the first await, too', async () => {
    const { loop, iterate } = manualLoop();
    const caught: unknown[] = [];
    const task = loop.createTask(waitingFor(s, loop.createFuture()));
    for (let i = 0; i < 2; i++) {
      const main = s.fn(function* () {
        caught.push(yield* failure(s, task));
      });
      loop.createTask(main);
    }
    await iterate();
    task.cancel('enough');
    await iterate(2);
    expect(caught.map((error) => (error as CancelledError).args)).toEqual([['enough'], []]);
  });

  test('has no arguments when there was no message, and says which task was cancelled', async () => {
    const { loop, iterate } = manualLoop();
    const task = loop.createTask(waitingFor(s, loop.createFuture()));
    await iterate();
    task.cancel();
    await iterate();
    expect(thrownBy(() => task.result())).toMatchObject({
      args: [],
      message: expect.stringMatching(/^Task-\d+ was cancelled$/),
    });
  });

  test('among the results of gather() has the message "", even when one was given', async () => {
    const { loop, drain } = manualLoop();
    const tasks = [loop.createTask(sleep(10)), loop.createTask(waitingFor(s, loop.createFuture()))];
    const main = s.fn(function* () {
      return yield* s.wait(gather(tasks, { returnExceptions: true }));
    });
    const task = loop.createTask(main);
    await drain();
    for (const each of tasks) each.cancel('enough');
    await drain();
    expect(task.result()).toEqual([new CancelledError(''), new CancelledError('')]);
  });
});

describeBoth('a task that cancels itself', (s) => {
  test('gets the error where it next really suspends, and the future that it would wait for is cancelled', async () => {
    const { loop, iterate } = manualLoop();
    const trace: unknown[] = [];
    const done = loop.createFuture<void>();
    done.setResult();
    const future = loop.createFuture<void>();
    const main = s.fn(function* () {
      currentTask()?.cancel('myself');
      yield* s.wait(done);
      trace.push('not yet');
      trace.push(yield* failure(s, future));
      return 'went on';
    });
    const task = loop.createTask(main);
    await iterate();
    expect(trace).toEqual(['not yet']);
    expect(future.cancelled()).toBe(true);
    await iterate();
    expect(trace).toEqual(['not yet', new CancelledError('myself')]);
    expect(task.result()).toBe('went on');
  });

  test('also at sleep(0)', async () => {
    const { loop, iterate } = manualLoop();
    const main = s.fn(function* () {
      currentTask()?.cancel();
      yield* s.wait(sleep(0));
    });
    const task = loop.createTask(main);
    await iterate();
    expect(task.done()).toBe(false);
    await iterate();
    expect(task.cancelled()).toBe(true);
  });

  test('and returns without suspending is cancelled, and its value dropped', async () => {
    const { loop, iterate } = manualLoop();
    const main = s.fn(function* () {
      currentTask()?.cancel('myself');
      return 'value';
    });
    const task = loop.createTask(main);
    await iterate();
    expect([task.cancelled(), task.cancelling()]).toEqual([true, 1]);
    expect(thrownBy(() => task.result())).toMatchObject({ args: ['myself'] });
  });

  test('and throws another error without suspending has failed with it', async () => {
    const { loop, iterate } = manualLoop();
    const error = new Error('no');
    const main = s.fn(function* () {
      currentTask()?.cancel();
      throw error;
    });
    const task = loop.createTask(main);
    await iterate();
    expect([task.cancelled(), task.exception()]).toEqual([false, error]);
  });

  test('may do so after a wait, in a step of its own', async () => {
    const { loop, iterate } = manualLoop();
    const future = loop.createFuture<void>();
    const main = s.fn(function* () {
      yield* s.wait(sleep(0));
      currentTask()?.cancel();
      yield* s.wait(future);
    });
    const task = loop.createTask(main);
    await iterate(2);
    expect([future.cancelled(), task.done()]).toEqual([true, false]);
    await iterate();
    expect(task.cancelled()).toBe(true);
  });
});

describeBoth('a task is cancelled if and only if its coroutine ends with a CancelledError', (s) => {
  test('that no code requested', async () => {
    const { loop, iterate } = manualLoop();
    const main = s.fn(function* () {
      throw new CancelledError('of my own');
    });
    const task = loop.createTask(main);
    await iterate();
    expect([task.cancelled(), task.cancelling()]).toEqual([true, 0]);
    expect(thrownBy(() => task.result())).toMatchObject({ args: ['of my own'] });
  });

  test("by waiting for someone's cancelled future", async () => {
    const { loop, iterate } = manualLoop();
    const future = loop.createFuture();
    future.cancel();
    const waiting = loop.createFuture();
    const tasks = [loop.createTask(waitingFor(s, future)), loop.createTask(waitingFor(s, waiting))];
    await iterate();
    waiting.cancel();
    await iterate();
    expect(tasks.map((task) => [task.cancelled(), task.cancelling()])).toEqual([
      [true, 0],
      [true, 0],
    ]);
  });

  test('not when it turns the cancellation into another error', async () => {
    const { loop, iterate } = manualLoop();
    const error = new Error('turned into');
    const main = s.fn(function* () {
      yield* failure(s, sleep(10));
      throw error;
    });
    const task = loop.createTask(main);
    await iterate();
    task.cancel();
    await iterate();
    expect([task.cancelled(), task.exception(), task.cancelling()]).toEqual([false, error, 1]);
  });

  test('not when it returns anyway', async () => {
    const { loop, iterate } = manualLoop();
    const task = loop.createTask(refusing(s, loop.createFuture(), 'refused'));
    await iterate();
    task.cancel();
    await iterate();
    expect([task.cancelled(), task.result(), task.cancelling()]).toEqual([false, 'refused', 1]);
  });
});

describeBoth('uncancel()', (s) => {
  test('counts down, never below 0', async () => {
    const { loop, iterate } = manualLoop();
    const task = loop.createTask(s.fn(function* () {}));
    expect([task.uncancel(), task.cancelling()]).toEqual([0, 0]);
    task.cancel();
    task.cancel();
    expect([task.uncancel(), task.uncancel(), task.uncancel()]).toEqual([1, 0, 0]);
    await iterate();
  });

  test('reaching 0 discards a request that was not delivered yet', async () => {
    const { loop, iterate } = manualLoop();
    const main = s.fn(function* () {
      currentTask()?.cancel();
      currentTask()?.uncancel();
      yield* s.wait(sleep(0));
      return 'went on';
    });
    const fresh = loop.createTask(s.fn(function* () {}));
    fresh.cancel();
    fresh.uncancel();
    const task = loop.createTask(main);
    await iterate(2);
    expect([fresh.cancelled(), task.result()]).toEqual([false, 'went on']);
  });

  test('above 0 discards nothing', async () => {
    const { loop, iterate } = manualLoop();
    const task = loop.createTask(s.fn(function* () {}));
    task.cancel();
    task.cancel();
    task.uncancel();
    await iterate();
    expect(task.cancelled()).toBe(true);
  });

  test('cannot undo the cancellation of the awaited future', async () => {
    const { loop, iterate } = manualLoop();
    const task = loop.createTask(waitingFor(s, loop.createFuture()));
    await iterate();
    task.cancel();
    expect(task.uncancel()).toBe(0);
    await iterate();
    expect([task.cancelled(), task.cancelling()]).toEqual([true, 0]);
  });
});

describeBoth('a cancellation that was swallowed', (s) => {
  /** A task that swallows its cancellation, and goes on with the body. */
  async function swallowThen<T>(body: () => Generator<unknown, T, unknown>): Promise<T> {
    const main = s.fn(function* () {
      const task = currentTask()!;
      task.cancel();
      yield* failure(s, sleep(0));
      expect(task.cancelling()).toBe(1);
      return yield* body();
    });
    return (await runVirtually(main)).result;
  }

  test('is never delivered again', async () => {
    const result = swallowThen(function* () {
      for (let i = 0; i < 5; i++) yield* s.wait(sleep(i));
      return currentTask()?.cancelling();
    });
    expect(await result).toBe(1);
  });

  test('leaves timeout() working, because that compares with the count at its entry', async () => {
    const body = s.fn(function* () {
      yield* s.wait(sleep(10));
    });
    const result = swallowThen(function* () {
      const error = yield* failure(s, timeout(1, body));
      return { error, cancelling: currentTask()?.cancelling() };
    });
    expect(await result).toEqual({ error: expect.any(TimeoutError), cancelling: 1 });
  });

  test('comes back when a task group fails: the group is thrown, and the next wait is cancelled', async () => {
    const child = s.fn(function* () {
      throw new Error('no');
    });
    const body = s.fn(function* (group: { createTask(coro: typeof child): unknown }) {
      group.createTask(child);
    });
    const result = swallowThen(function* () {
      const first = yield* failure(s, taskGroup(body));
      const cancelling = currentTask()?.cancelling();
      const second = yield* failure(s, sleep(10));
      return [first, cancelling, second];
    });
    expect(await result).toEqual([expect.any(ExceptionGroup), 1, expect.any(CancelledError)]);
  });
});

describeBoth('who asked for a cancellation', (s) => {
  test('is known: the task, when and with what message', async () => {
    const { loop, host, drain } = manualLoop();
    const victim = loop.createTask(waitingFor(s, loop.createFuture()), { name: 'victim' });
    const culprit = loop.createTask(
      s.fn(function* () {
        yield* s.wait(sleep(0));
        victim.cancel('enough');
      }),
    );
    expect(victim.cancelRequest).toBe(null);
    host.advance(5);
    await drain();
    expect(victim.cancelRequest?.by).toBe(culprit);
    expect(victim.cancelRequest).toMatchObject({ message: 'enough', at: 5 });
  });

  test('is null, when no task did', async () => {
    const { loop, drain } = manualLoop();
    const task = loop.createTask(waitingFor(s, loop.createFuture()));
    loop.callSoon(() => task.cancel());
    await drain();
    expect(task.cancelRequest).toEqual({ by: null, message: undefined, at: 0, through: null });
  });
});

describe('a generator coroutine', () => {
  test('is cancelled by throw(), never by return(): nothing behind its yield* runs on', async () => {
    const { loop, iterate } = manualLoop();
    const trace: string[] = [];
    function* inner() {
      try {
        yield* sleep(10);
      } finally {
        yield* sleep(0);
        trace.push('inner finally');
      }
    }
    function* outer() {
      yield* inner();
      trace.push('behind the yield*');
    }
    const task = loop.createTask(outer);
    await iterate();
    task.cancel();
    await iterate(2);
    expect(trace).toEqual(['inner finally']);
    expect(task.cancelled()).toBe(true);
  });
});

describeBoth('whoever cancels a task calls its cancel(), which a subclass may have overridden', (s) => {
  /** Starts the work in some construct, which then cancels it. */
  type Construct = (work: CoroutineFunction<void>) => CoroutineFunction<unknown>;
  const constructs: [name: string, construct: Construct][] = [
    [
      'a group with a failure',
      (work) =>
        s.fn(function* () {
          const body = s.fn(function* (group: TaskGroup) {
            group.createTask(work);
            yield* s.wait(sleep(1));
            throw new Error('broken');
          });
          yield* failure(s, taskGroup(body));
        }),
    ],
    [
      'cancel() of a group',
      (work) =>
        s.fn(function* () {
          const body = s.fn(function* (group: TaskGroup) {
            group.createTask(work);
            yield* s.wait(sleep(1));
            group.cancel();
          });
          yield* s.wait(taskGroup(body));
        }),
    ],
    [
      'a group that was cancelled while the task made its first step',
      (work) =>
        s.fn(function* () {
          const body = s.fn(function* (group: TaskGroup) {
            const first = s.fn(function* () {
              group.cancel();
              yield* s.wait(work());
            });
            group.createTask(first, { eagerStart: true });
            yield* s.wait(sleep(1));
          });
          yield* s.wait(taskGroup(body));
        }),
    ],
    [
      'its signal',
      (work) =>
        s.fn(function* () {
          const controller = new AbortController();
          const task = createTask(work, { signal: controller.signal });
          yield* s.wait(sleep(1));
          controller.abort('no longer wanted');
          yield* failure(s, task);
        }),
    ],
    [
      'shared(), when its last caller has left',
      (work) =>
        s.fn(function* () {
          const all = shared(work);
          yield* failure(s, waitFor(all(), 1));
          yield* s.wait(sleep(0));
        }),
    ],
    [
      'gather',
      (work) =>
        s.fn(function* () {
          const both = gather([createTask(work)]);
          yield* s.wait(sleep(1));
          both.cancel();
          yield* failure(s, both);
        }),
    ],
    [
      'waitFor',
      (work) =>
        s.fn(function* () {
          yield* failure(s, waitFor(createTask(work), 1));
        }),
    ],
    [
      'a task that awaits it',
      (work) =>
        s.fn(function* () {
          const inner = createTask(work);
          const outer = createTask(waitingFor(s, inner));
          yield* s.wait(sleep(1));
          outer.cancel();
          yield* failure(s, outer);
        }),
    ],
    [
      'the end of run()',
      (work) =>
        s.fn(function* () {
          createTask(work);
          yield* s.wait(sleep(1));
        }),
    ],
  ];

  test.each(constructs)('%s', async (_name, construct) => {
    const asked = new Set<unknown>();
    let worker!: Task;
    class Stubborn<T> extends Task<T> {
      override cancel(message?: unknown): boolean {
        if (!asked.has(this)) this.getLoop().callSoon(() => super.cancel(message)); // in its own time
        asked.add(this);
        return true;
      }
    }
    const work = s.fn(function* () {
      worker = currentTask()!;
      yield* s.wait(sleep(60));
    });
    const main = s.fn(function* () {
      getRunningLoop().setTaskFactory((loop, coro, options) => new Stubborn(coro, { ...options, loop }));
      yield* s.wait(construct(work)());
    });
    const { seconds } = await runVirtually(main);
    expect([...asked]).toContain(worker);
    expect(worker.cancelled()).toBe(true);
    expect(seconds).toBeLessThan(2);
  });

  test('and reports what that throws: the other tasks are cancelled all the same, and its own error is told', async () => {
    const reports: string[] = [];
    const ended: string[] = [];
    class Broken<T> extends Task<T> {
      override cancel(message?: unknown): boolean {
        if (this.getName() === 'broken') throw new RangeError('not now');
        return super.cancel(message);
      }
    }
    const child = (name: string) =>
      s.fn(function* () {
        try {
          yield* s.wait(sleep(5));
        } finally {
          ended.push(`${getRunningLoop().time()} ${name}`);
        }
      });
    const main = s.fn(function* () {
      const loop = getRunningLoop();
      loop.setExceptionHandler((_, { message, exception }) => reports.push(`${message}: ${exception}`));
      loop.setTaskFactory((its, coro, options) => new Broken(coro, { ...options, loop: its }));
      createTask(child('left'), { name: 'broken' });
      const body = s.fn(function* (group: TaskGroup) {
        group.createTask(child('first'), { name: 'broken' });
        group.createTask(child('second'));
        yield* s.wait(sleep(1));
        throw new TypeError('of the body');
      });
      return yield* failure(s, taskGroup(body));
    });
    const { result } = await runVirtually(main);
    expect(result).toMatchObject({ errors: [expect.any(TypeError)] });
    expect(ended).toEqual(['1 second', '5 left', '5 first']);
    expect(reports).toEqual([
      expect.stringMatching(/^cancel\(\) of <Broken pending name='broken'.*> threw an error: RangeError: not now$/),
    ]);
  });

  test('and so does a signal: the other tasks that it cancels are cancelled all the same', async () => {
    const reports: string[] = [];
    class Broken<T> extends Task<T> {
      override cancel(message?: unknown): boolean {
        if (this.getName() === 'broken') throw new RangeError('not now');
        return super.cancel(message);
      }
    }
    const work = s.fn(function* () {
      yield* s.wait(sleep(5));
    });
    const main = s.fn(function* () {
      const loop = getRunningLoop();
      loop.setExceptionHandler((_, { message, exception }) => reports.push(`${message}: ${exception}`));
      loop.setTaskFactory((its, coro, options) => new Broken(coro, { ...options, loop: its }));
      const stop = new AbortController();
      const { signal } = stop;
      const tasks = [createTask(work, { name: 'broken', signal }), createTask(work, { signal })];
      yield* s.wait(sleep(1));
      stop.abort();
      tasks.push(createTask(work, { name: 'broken', signal })); // it is aborted already
      yield* s.wait(sleep(10));
      return tasks.map((task) => task.cancelled());
    });
    const { result } = await runVirtually(main);
    expect(result).toEqual([false, true, false]);
    const report = expect.stringMatching(
      /^cancel\(\) of <Broken pending name='broken'.*> threw an error: RangeError: not now$/,
    );
    expect(reports).toEqual([report, report]);
  });

  test('and task.cancelRequest names the construct, whether or not cancel() is overridden', async () => {
    const through: unknown[] = [];
    class Mine<T> extends Task<T> {
      override cancel(message?: unknown): boolean {
        createTask(s.fn(function* () {})).cancel(); // a request of its own, in between
        return super.cancel(message);
      }
    }
    const work = s.fn(function* () {
      yield* s.wait(sleep(60));
    });
    for (const Class of [Task, Mine]) {
      const main = s.fn(function* () {
        let task!: Task<void>;
        const body = s.fn(function* (group: TaskGroup) {
          getRunningLoop().setTaskFactory((loop, coro, options) => new Class(coro, { ...options, loop }));
          task = group.createTask(work);
          getRunningLoop().setTaskFactory(null);
          yield* s.wait(sleep(1));
          group.cancel();
        });
        yield* s.wait(taskGroup(body));
        return task.cancelRequest?.through;
      });
      through.push((await runVirtually(main)).result);
    }
    expect(through).toEqual(['cancel() of its TaskGroup', 'cancel() of its TaskGroup']);
  });
});
