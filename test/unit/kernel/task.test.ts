import {
  type AbortSignalLike,
  type AwaitableCoroutine,
  type CancelledError,
  type Coroutine,
  copyContext,
  coroutine,
  createTask,
  currentTask,
  Event,
  type EventLoop,
  Future,
  gather,
  KeyboardInterrupt,
  Lock,
  Queue,
  sleep,
  Task,
  timeout,
  waitFor,
} from 'asyncio-ts';
import { describe, expect, test } from 'vitest';
import { collectGarbage } from '../../support/gc.ts';
import { manualLoop, muteLog } from '../../support/loops.ts';
import { failure, program, thrownBy } from '../../support/programs.ts';
import { describeBoth, runVirtually, type Spelling } from '../../support/spellings.ts';

describeBoth('a wait that need not wait does not yield', (s) => {
  const nothing = s.fn(function* () {});
  const delegating = s.fn(function* (depth: number): Generator<unknown, void, unknown> {
    if (depth > 0) yield* s.wait(delegating(depth - 1));
  });

  /** Whether a task that waits for something lets another one have its turn meanwhile. */
  async function yields(make: (loop: EventLoop) => unknown): Promise<boolean> {
    const { loop, drain } = manualLoop();
    const awaitable = make(loop);
    await drain();
    const trace: string[] = [];
    const waiter = s.fn(function* () {
      for (let i = 0; i < 3; i++) yield* s.wait(typeof awaitable === 'function' ? awaitable() : awaitable);
      trace.push('waiter');
    });
    const other = s.fn(function* () {
      trace.push('other');
    });
    loop.createTask(waiter);
    loop.createTask(other);
    await drain();
    return trace[0] === 'other';
  }

  test.each<[what: string, make: (loop: EventLoop) => unknown]>([
    ['a future that is done', succeeded],
    ['a task that is done', (loop) => loop.createTask(nothing)],
    ['a coroutine that never suspends', () => nothing],
    ['a lazy coroutine that never suspends', () => coroutine(nothing)],
    ['a chain of fifty of them', () => () => delegating(50)],
    ['gather() of nothing', () => () => gather()],
    ['a free lock', () => () => new Lock().acquire()],
    ['an event that is set', setEvent],
    ['a queue that has something', fullQueue],
  ])('%s', async (_what, make) => {
    expect(await yields(make)).toBe(false);
  });

  test.each<[what: string, make: (loop: EventLoop) => unknown]>([
    ['sleep(0)', () => () => sleep(0)],
    ['a coroutine that suspends', () => () => delegatingTo(s, sleep(0))],
    ['gather() of something', (loop) => () => gather(succeededTask(s, loop))],
  ])('unlike %s', async (_what, make) => {
    expect(await yields(make)).toBe(true);
  });
});

function succeeded(loop: EventLoop): Future<void> {
  const future = loop.createFuture<void>();
  future.setResult();
  return future;
}

function setEvent(): () => unknown {
  const event = new Event();
  event.set();
  return () => event.wait();
}

function fullQueue(): () => unknown {
  const queue = new Queue<number>();
  for (let i = 0; i < 3; i++) queue.putNowait(i);
  return () => queue.get();
}

function succeededTask(s: Spelling, loop: EventLoop): Task<void> {
  return loop.createTask(s.fn(function* () {}));
}

function delegatingTo(s: Spelling, awaitable: unknown) {
  return s.fn(function* () {
    yield* s.wait(awaitable);
  })();
}

describeBoth('a wake-up takes one iteration', (s) => {
  const waitThrough = s.fn(function* (depth: number, future: Future<string>): Generator<unknown, string, unknown> {
    return (yield* s.wait(depth === 0 ? future : waitThrough(depth - 1, future))) as string;
  });

  test.each([0, 1, 10, 100])('however deep the coroutines: %d', async (depth) => {
    const { loop, iterate } = manualLoop();
    const future = loop.createFuture<string>();
    const task = loop.createTask(() => waitThrough(depth, future));
    await iterate();
    future.setResult('result');
    expect(task.done()).toBe(false);
    await iterate();
    expect(task.result()).toBe('result');
  });

  test('and one more for each task in between', async () => {
    const { loop, iterate } = manualLoop();
    const future = loop.createFuture<string>();
    const join = s.fn(function* (task: Task<string>) {
      return yield* s.wait(task);
    });
    const inner = loop.createTask(() => waitThrough(3, future));
    const middle = loop.createTask(() => join(inner));
    const outer = loop.createTask(() => join(middle));
    await iterate();
    future.setResult('result');
    const doneAfter: boolean[][] = [];
    for (let i = 0; i < 3; i++) {
      await iterate();
      doneAfter.push([inner, middle, outer].map((task) => task.done()));
    }
    expect(doneAfter).toEqual([
      [true, false, false],
      [true, true, false],
      [true, true, true],
    ]);
  });

  test('for several waiters, in the order of their waits', async () => {
    const { loop, iterate } = manualLoop();
    const trace: string[] = [];
    const future = loop.createFuture<void>();
    const waiter = s.fn(function* (name: string, delay: number) {
      for (let i = 0; i < delay; i++) yield* s.wait(sleep(0));
      yield* s.wait(future);
      trace.push(name);
    });
    loop.createTask(() => waiter('waits last', 2));
    loop.createTask(() => waiter('waits first', 0));
    loop.createTask(() => waiter('waits second', 1));
    await iterate(3);
    future.setResult();
    await iterate();
    expect(trace).toEqual(['waits first', 'waits second', 'waits last']);
  });

  test('in the order of the queue, among callbacks', async () => {
    const { loop, iterate } = manualLoop();
    const trace: string[] = [];
    const futures = [loop.createFuture<void>(), loop.createFuture<void>()] as const;
    const waiter = s.fn(function* (name: string, future: Future<void>) {
      yield* s.wait(future);
      trace.push(name);
    });
    loop.createTask(() => waiter('task 1', futures[0]));
    loop.createTask(() => waiter('task 2', futures[1]));
    await iterate();
    loop.callSoon(() => trace.push('callback 1'));
    futures[1].setResult();
    loop.callSoon(() => trace.push('callback 2'));
    futures[0].setResult();
    loop.callSoon(() => trace.push('callback 3'));
    await iterate();
    expect(trace).toEqual(['callback 1', 'task 2', 'callback 2', 'task 1', 'callback 3']);
  });
});

describeBoth('createTask runs nothing now', (s) => {
  test('the first steps follow in the next iteration, in order of creation', async () => {
    const { loop, iterate } = manualLoop();
    const trace: string[] = [];
    const child = s.fn(function* (name: string) {
      trace.push(name);
    });
    const parent = s.fn(function* () {
      loop.createTask(() => child('child 1'));
      loop.createTask(() => child('child 2'));
      trace.push('parent');
    });
    loop.createTask(parent);
    expect(trace).toEqual([]);
    await iterate();
    expect(trace).toEqual(['parent']);
    await iterate();
    expect(trace).toEqual(['parent', 'child 1', 'child 2']);
  });
});

describeBoth('sleep(0)', (s) => {
  test.each([0, -1])('takes one iteration and no future: sleep(%d)', async (delay) => {
    const { loop, host, iterate } = manualLoop();
    let steps = 0;
    const main = s.fn(function* () {
      for (; steps < 5; steps++) yield* s.wait(sleep(delay));
    });
    const task = loop.createTask(main);
    for (let i = 0; i < 5; i++) {
      await iterate();
      expect(steps).toBe(i);
      expect(String(task)).not.toContain('wait_for');
      expect(host.wantedAt).toBe(null);
    }
    await iterate();
    expect(task.done()).toBe(true);
  });
});

describe('the name of a task', () => {
  const numberOf = (task: Task<unknown>) => Number(/^Task-(\d+)$/.exec(task.getName())?.[1]);

  test('is Task-N from one counter for all loops, in order of creation', () => {
    const loops = [manualLoop().loop, manualLoop().loop];
    const tasks = [...loops, ...loops].map((loop) => loop.createTask(sleep(0)));
    const numbers = tasks.toReversed().map(numberOf); // asking in another order changes nothing
    const last = numbers[0]!;
    expect(numbers).toEqual([last, last - 1, last - 2, last - 3]);
  });

  test('does not use the counter up when it is given', () => {
    const { loop } = manualLoop();
    const before = numberOf(loop.createTask(sleep(0)));
    expect(loop.createTask(sleep(0), { name: 'mine' }).getName()).toBe('mine');
    expect(numberOf(loop.createTask(sleep(0)))).toBe(before + 1);
  });

  test('can be changed, and is always a string', () => {
    const { loop } = manualLoop();
    const task = loop.createTask(sleep(0), { name: 7 as never });
    expect(task.getName()).toBe('7');
    task.setName('renamed');
    expect(task.getName()).toBe('renamed');
  });
});

describeBoth('currentTask()', (s) => {
  test('is the task whose step runs, also after a wait and inside other coroutines', async () => {
    const { loop, drain } = manualLoop();
    const seen: unknown[] = [];
    const inner = s.fn(function* () {
      seen.push(currentTask()?.getName());
      yield* s.wait(sleep(0));
      seen.push(currentTask()?.getName());
    });
    const main = s.fn(function* () {
      seen.push(currentTask()?.getName());
      yield* s.wait(inner());
      seen.push(currentTask()?.getName());
    });
    loop.createTask(main, { name: 'main' });
    await drain();
    expect(seen).toEqual(['main', 'main', 'main', 'main']);
  });

  test('is null in plain callbacks', async () => {
    const { loop, host, drain } = manualLoop();
    const seen: unknown[] = [];
    const main = s.fn(function* () {
      loop.callSoon(() => seen.push(currentTask()));
      loop.callLater(1, () => seen.push(currentTask()));
    });
    loop.createTask(main);
    await drain();
    host.advance(1);
    await drain();
    expect(seen).toEqual([null, null]);
  });

  test('can be asked for one loop', async () => {
    const { loop, drain } = manualLoop();
    const other = manualLoop().loop;
    const seen: unknown[] = [];
    const main = s.fn(function* () {
      seen.push(currentTask(loop)?.getName(), currentTask(other));
    });
    loop.createTask(main, { name: 'main' });
    await drain();
    expect(seen).toEqual(['main', null]);
  });
});

describeBoth('a task', (s) => {
  test('is a future that ends with what its coroutine returns', async () => {
    const { loop, iterate } = manualLoop();
    const main = s.fn(function* () {
      return 42;
    });
    const task = loop.createTask(main);
    expect(task).toBeInstanceOf(Future);
    await iterate();
    expect([task.result(), task.exception(), task.state]).toEqual([42, null, 'finished']);
  });

  test('ends with what its coroutine throws', async () => {
    const { loop, iterate } = manualLoop();
    const error = new Error('no');
    const main = s.fn(function* () {
      throw error;
    });
    const task = loop.createTask(main);
    await iterate();
    expect(task.exception()).toBe(error);
    expect(thrownBy(() => task.result())).toBe(error);
  });

  test('stores a KeyboardInterrupt before it leaves the loop', async () => {
    const { loop } = manualLoop();
    const interrupt = new KeyboardInterrupt();
    const task = loop.createTask(function* () {
      throw interrupt;
    });
    expect(thrownBy(() => loop.runOnce())).toBe(interrupt);
    expect(task.exception()).toBe(interrupt);
  });

  test('knows its coroutine and its context', () => {
    const { loop } = manualLoop();
    const main = s.fn(function* () {});
    const context = copyContext();
    const task = loop.createTask(main, { context });
    expect(task.getCoro()).toBe(main);
    expect(task.getContext()).toBe(context);
  });

  test('has no result or error of anyone else', () => {
    const { loop } = manualLoop();
    const task = loop.createTask(s.fn(function* () {}));
    const refused = expect.objectContaining({ name: 'RuntimeError', code: 'IS_A_TASK' });
    expect(() => task.setResult(undefined as never)).toThrow(refused);
    expect(() => task.setException(new Error('no'))).toThrow(refused);
  });

  test('may be made by its constructor', async () => {
    const { loop, iterate } = manualLoop();
    const main = s.fn(function* () {
      return 42;
    });
    const task = new Task(main, { loop, name: 'mine' });
    await iterate();
    expect([task.getName(), task.result()]).toEqual(['mine', 42]);
  });

  test('is shown with its name, its coroutine and what it waits for', async () => {
    const { loop, iterate } = manualLoop();
    const future = loop.createFuture<number>();
    const main = s.fn(function* () {
      return yield* s.wait(future);
    });
    const task = loop.createTask(main, { name: 'reader' });
    expect(String(task)).toMatch(/^<Task pending name='reader' coro=<.+>>$/);
    await iterate();
    expect(String(task)).toMatch(
      /^<Task pending name='reader' coro=<.+> wait_for=<Future pending cb=\[Task reader\]>>$/,
    );
    task.cancel();
    expect(String(task)).toMatch(/^<Task cancelling name='reader' /);
    await iterate();
    expect(String(task)).toMatch(/^<Task cancelled name='reader' /);
  });
});

describeBoth('a task without any reference to it', (s) => {
  test('is kept by its loop until it is done, and not longer', async () => {
    const { loop, iterate } = manualLoop();
    const start = () => {
      const main = s.fn(function* () {
        yield* s.wait(sleep(0));
        yield* s.wait(loop.createFuture());
      });
      return new WeakRef(loop.createTask(main));
    };
    const ref = start();
    await iterate(2);
    await collectGarbage();
    expect(ref.deref()?.done()).toBe(false);
    ref.deref()?.cancel();
    await iterate();
    await collectGarbage();
    expect(ref.deref()).toBe(undefined);
  });
});

describe('new Task', () => {
  test.each([1, null, 'text', {}, [], new Promise(() => {})])('refuses %o', (value) => {
    const { loop } = manualLoop();
    expect(() => new Task(value as never, { loop })).toThrow(/a coroutine was expected/);
  });

  test('refuses a coroutine that another task runs', () => {
    const { loop } = manualLoop();
    const coro = sleep(0);
    loop.createTask(coro);
    expect(() => loop.createTask(coro)).toThrow(expect.objectContaining({ code: 'COROUTINE_REUSED' }));
  });

  test('refuses a generator of the program that another task runs, or has run', async () => {
    const { loop, drain } = manualLoop();
    const coro = (function* () {})();
    const reused = expect.objectContaining({ code: 'COROUTINE_REUSED' });
    loop.createTask(coro);
    expect(() => loop.createTask(coro)).toThrow(reused);
    await drain();
    expect(() => loop.createTask(coro)).toThrow(reused);
  });

  test('refuses the same where the loop has so many tasks that generators are marked without a property', async () => {
    const { loop, drain } = manualLoop();
    const many = Array.from({ length: 10_010 }, () => (function* () {})());
    const tasks = many.map((coro) => loop.createTask(coro));
    const reused = expect.objectContaining({ code: 'COROUTINE_REUSED' });
    const unextensible = many.filter((coro) => !Object.isExtensible(coro));
    expect(unextensible.length).toBeGreaterThan(0);
    for (const coro of [many[0]!, unextensible[0]!]) expect(() => loop.createTask(coro)).toThrow(reused);
    await drain();
    expect(tasks.every((task) => task.done())).toBe(true);
    for (const coro of [many[0]!, unextensible[0]!]) expect(() => loop.createTask(coro)).toThrow(reused);
    expect(Object.isExtensible(loop.createTask((function* () {})()).getCoro())).toBe(true);
    await drain();
  });

  test('leaves an object with the protocol of a generator open for fields of its own', async () => {
    const { loop, drain } = manualLoop();
    const steps: { left?: number; next(): unknown; throw(error: unknown): never } = {
      next() {
        this.left = (this.left ?? 2) - 1;
        return { done: this.left === 0, value: this.left === 0 ? 'over' : undefined };
      },
      throw(error) {
        throw error;
      },
    };
    const task = loop.createTask(steps as never);
    expect(() => loop.createTask(steps as never)).toThrow(expect.objectContaining({ code: 'COROUTINE_REUSED' }));
    await drain();
    expect(task.result()).toBe('over');
  });

  test('on a closed loop is refused; the coroutine is left for another loop', async () => {
    const closed = manualLoop().loop;
    closed.close();
    const coro = coroutine(function* () {
      return yield* sleep(0, 'result');
    })();
    expect(() => new Task(coro, { loop: closed })).toThrow('Event loop is closed');
    const { loop, drain } = manualLoop();
    const task = new Task(coro, { loop });
    await drain();
    expect(task.result()).toBe('result');
  });
});

describe('getCoro() of a task', () => {
  const coroutines: [what: string, make: (wait: Future<void>) => Generator | AwaitableCoroutine<unknown>][] = [
    [
      'a generator',
      function* (wait) {
        yield* wait;
      },
    ],
    ['a coroutine of the library', (wait) => waitFor(wait, 60)],
    [
      'an object of coroutine()',
      (wait) =>
        coroutine(function* () {
          yield* coroutine(async () => await wait)();
        })(),
    ],
    [
      'a generator that fails while an await of its own goes on',
      function* (wait) {
        yield* coroutine(async () => {
          void (async () => {
            await wait;
          })();
          await sleep(0);
          throw new Error('failed');
        })();
      },
    ],
  ];

  test.each(coroutines)('is the same before, while and after it runs: %s', async (_what, make) => {
    const { loop, drain } = manualLoop();
    const wait = loop.createFuture<void>();
    const coro = make(wait);
    const task = loop.createTask(coro as Coroutine<unknown>);
    expect(task.getCoro()).toBe(coro);
    await drain();
    expect(task.getCoro()).toBe(coro);
    if (!wait.done()) wait.setResult();
    await drain();
    expect(task.done()).toBe(true);
    expect(task.getCoro()).toBe(coro);
    task.exception();
  });
});

describeBoth('a task that is made of a function', (s) => {
  test('names it in its text, also when it was made of an object of coroutine()', () => {
    const { loop } = manualLoop();
    const main = s.fn(function* () {});
    Object.defineProperty(main, 'name', { value: 'main' });
    expect(String(loop.createTask(main))).toContain('coro=<main()>');
    expect(String(loop.createTask(coroutine(main)()))).toContain('coro=<main()>');
  });

  test('has it as getCoro() before, while and after it runs', async () => {
    const { loop, drain } = manualLoop();
    const wait = loop.createFuture<void>();
    const main = s.fn(function* () {
      yield* s.wait(wait);
    });
    const task = loop.createTask(main);
    expect(task.getCoro()).toBe(main);
    await drain();
    expect(task.getCoro()).toBe(main);
    wait.setResult();
    await drain();
    expect(task.done()).toBe(true);
    expect(task.getCoro()).toBe(main);
  });
});

describe('the stack of a task', () => {
  function* inner(future: Future<void>) {
    yield* future;
  }

  const outer = coroutine(function* outer(future: Future<void>) {
    yield* coroutine(inner)(future);
  });

  test('names its coroutines from the outermost to the one that waits', () => {
    const { loop } = manualLoop();
    const task = loop.createTask(outer(loop.createFuture<void>()));
    loop.runOnce();
    const stack = task.getStack();
    expect(stack[0]).toContain('outer');
    expect(task.getStack({ limit: 1 })).toEqual(stack.slice(-1));
  });

  test('is that of the error once the task has failed', () => {
    const { loop } = manualLoop();
    const task = loop.createTask(function* failing() {
      throw new Error('no');
    });
    loop.runOnce();
    task.exception();
    expect(task.getStack()[0]).toMatch(/^at failing /);
    expect(task.getStack({ limit: 1 })).toHaveLength(1);
  });

  test('is empty when the task is done otherwise', () => {
    const { loop } = manualLoop();
    const finished = loop.createTask(function* () {});
    const cancelled = loop.createTask(function* () {});
    cancelled.cancel();
    loop.runOnce();
    expect([finished.getStack(), cancelled.getStack()]).toEqual([[], []]);
  });

  test('has no coroutine that has ended, though lines that it has begun still clean up', async () => {
    const stacks: string[][] = [];
    function* body() {
      yield* timeout(10, async () => {
        const line = async () => {
          try {
            await sleep(5);
          } finally {
            await sleep(1);
            stacks.push(task.getStack());
          }
        };
        line().catch(() => {});
        await sleep(1);
      });
      throw new Error('no');
    }
    let task = currentTask() as Task<unknown>;
    await runVirtually(async () => {
      for (const coro of [body, body()]) {
        task = createTask(coro as () => Coroutine<never>);
        await sleep(0);
        stacks.push(task.getStack());
        await expect(task).rejects.toThrow('no');
      }
    });
    expect(stacks).toEqual([['body()', expect.any(String)], ['body()'], [expect.any(String)], []]);
  });

  test('can be printed', () => {
    const error = muteLog('error');
    const { loop } = manualLoop();
    const task = loop.createTask(outer(loop.createFuture<void>()), { name: 'reader' });
    loop.runOnce();
    task.printStack();
    task.cancel();
    loop.runOnce();
    task.printStack();
    expect(error.mock.calls).toEqual([
      [expect.stringMatching(/^Stack for <Task pending name='reader'.*most recent call last.*outer/s)],
      [expect.stringMatching(/^No stack for <Task cancelled name='reader'/)],
    ]);
  });
});

describeBoth('the signal of a task', (s) => {
  test('is aborted with the CancelledError when the task is cancelled', async () => {
    const { loop, iterate } = manualLoop();
    const main = s.fn(function* () {
      yield* s.wait(sleep(10));
    });
    const task = loop.createTask(main);
    await iterate();
    const { signal } = task;
    expect([task.signal === signal, signal.aborted]).toEqual([true, false]);
    task.cancel('enough');
    expect(signal.aborted).toBe(true);
    expect((signal.reason as CancelledError).args).toEqual(['enough']);
    await iterate();
  });

  test.each([
    ['before its first step', 0],
    ['while it waits', 1],
  ])('is aborted from the start, when it is asked for after a cancel %s', async (_when, iterations) => {
    const { loop, iterate } = manualLoop();
    const main = s.fn(function* () {
      yield* s.wait(sleep(10));
    });
    const task = loop.createTask(main);
    await iterate(iterations);
    task.cancel();
    expect(task.signal.aborted).toBe(true);
    await iterate();
    expect(task.cancelled()).toBe(true);
  });

  test('is a new one once the cancellation was taken back', async () => {
    const { loop, drain } = manualLoop();
    const seen: boolean[] = [];
    const main = s.fn(function* () {
      const task = currentTask()!;
      const { signal } = task;
      task.cancel();
      yield* failure(s, sleep(0));
      task.uncancel();
      seen.push(signal.aborted, task.signal.aborted);
    });
    loop.createTask(main);
    await drain();
    expect(seen).toEqual([true, false]);
  });

  test('of a cancelled task is aborted', async () => {
    const { loop, iterate } = manualLoop();
    const task = loop.createTask(s.fn(function* () {}));
    task.cancel();
    await iterate();
    expect(task.signal.aborted).toBe(true);
  });
});

describeBoth('a signal given to many tasks', (s) => {
  /** A signal that counts the listeners on it. */
  class CountingSignal implements AbortSignalLike {
    aborted = false;
    reason: unknown = undefined;
    most = 0;
    readonly listeners = new Set<() => void>();

    addEventListener(_type: 'abort', listener: () => void): void {
      this.listeners.add(listener);
      this.most = Math.max(this.most, this.listeners.size);
    }

    removeEventListener(_type: 'abort', listener: () => void): void {
      this.listeners.delete(listener);
    }

    throwIfAborted(): void {
      if (this.aborted) throw this.reason;
    }

    abort(reason: unknown): void {
      this.aborted = true;
      this.reason = reason;
      for (const listener of [...this.listeners]) listener();
    }
  }

  const sleeping = (seconds: number) =>
    s.fn(function* () {
      yield* s.wait(sleep(seconds));
    });

  test(
    'has one listener of this library, and none once the tasks are done',
    program(s, function* () {
      const signal = new CountingSignal();
      for (let round = 0; round < 2; round++) {
        const tasks = Array.from({ length: 50 }, (_, i) => createTask(sleeping(i), { signal }));
        yield* s.wait(tasks[10]!);
        expect(signal.listeners.size).toBe(1);
        yield* s.wait(tasks[49]!);
        yield* s.wait(sleep(0));
        expect([signal.listeners.size, signal.most]).toEqual([0, 1]);
      }
    }),
  );

  test(
    'cancels those that are not done, in the order in which they were made',
    program(s, function* () {
      const signal = new CountingSignal();
      const tasks = Array.from({ length: 4 }, (_, i) => createTask(sleeping(i === 1 ? 0 : 60), { signal }));
      const order: number[] = [];
      for (const [i, task] of tasks.entries()) task.addDoneCallback(() => order.push(i));
      yield* s.wait(sleep(1));
      signal.abort(new Error('enough'));
      yield* s.wait(sleep(1));
      expect(order).toEqual([1, 0, 2, 3]);
      expect(tasks.map((task) => task.cancelled())).toEqual([true, false, true, true]);
      expect(tasks[3]!.cancelRequest).toMatchObject({ message: 'enough', through: 'an AbortSignal' });
      expect(signal.listeners.size).toBe(0);
    }),
  );
});
