import {
  allTasks,
  type Callback,
  CancelledError,
  ContextVar,
  copyContext,
  EventLoop,
  type Executor,
  type Handle,
  newEventLoop,
  sleep,
  Task,
  type TaskFactory,
  type TaskOptions,
  waitFor,
  wrapPromise,
} from 'asyncio-ts';
import { VirtualHost } from 'asyncio-ts/testing';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { manualLoop, muteLog, virtualLoop } from '../../support/loops.ts';
import { describeBoth } from '../../support/spellings.ts';

describe('what can be scheduled', () => {
  type Schedule = (loop: EventLoop, callback: Callback<never[]>) => Handle;
  const methods: [name: string, schedule: Schedule][] = [
    ['callSoon', (loop, callback) => loop.callSoon(callback)],
    ['callSoonThreadsafe', (loop, callback) => loop.callSoonThreadsafe(callback)],
    ['callSoonIn', (loop, callback) => loop.callSoonIn(copyContext(), callback)],
    ['callLater', (loop, callback) => loop.callLater(0, callback)],
    ['callLaterIn', (loop, callback) => loop.callLaterIn(copyContext(), 0, callback)],
    ['callAt', (loop, callback) => loop.callAt(0, callback)],
    ['callAtIn', (loop, callback) => loop.callAtIn(copyContext(), 0, callback)],
  ];

  test.each(methods)('%s takes functions', (_name, schedule) => {
    const { loop } = manualLoop();
    const trace: string[] = [];
    schedule(loop, () => trace.push('called'));
    loop.runOnce();
    expect(trace).toEqual(['called']);
  });

  test.each(methods)('%s refuses coroutines, and values that are not functions', (_name, schedule) => {
    const { loop } = manualLoop();
    for (const callback of [async () => {}, function* () {}, sleep(0)]) {
      expect(() => schedule(loop, callback as never)).toThrow(/^coroutines cannot be used with .*use createTask/);
    }
    for (const callback of ['text', null, undefined, {}]) {
      expect(() => schedule(loop, callback as never)).toThrow(/^a callable object was expected by/);
    }
  });
});

describe('callAt', () => {
  test('takes a time of time()', () => {
    const { loop, host } = manualLoop();
    const trace: string[] = [];
    host.advance(100);
    loop.callAt(loop.time() + 5, () => trace.push('called'));
    host.advance(4.9);
    loop.runOnce();
    expect(trace).toEqual([]);
    host.advance(0.1);
    loop.runOnce();
    expect(trace).toEqual(['called']);
  });
});

describe('createFuture', () => {
  test('makes a pending future of the loop', () => {
    const { loop } = manualLoop();
    const future = loop.createFuture<number>();
    expect(future.getLoop()).toBe(loop);
    expect(future.state).toBe('pending');
  });
});

describeBoth('createTask of a loop', (s) => {
  test('makes a task of the loop, with a name and a context when given', async () => {
    const { loop, iterate } = manualLoop();
    const variable = new ContextVar<string>('variable');
    const context = copyContext();
    const main = s.fn(function* () {
      variable.set('set by the task');
      return 42;
    });
    const task = loop.createTask(main, { name: 'answer', context });
    await iterate();
    expect(task).toBeInstanceOf(Task);
    expect([task.getLoop() === loop, task.getName(), task.result()]).toEqual([true, 'answer', 42]);
    expect(context.get(variable)).toBe('set by the task');
  });

  test('lets a task factory make it, which is given the loop, the coroutine and the options', async () => {
    const { loop, iterate } = manualLoop();
    const calls: { loop: EventLoop; coro: unknown; options: TaskOptions }[] = [];
    const factory: TaskFactory = (loop, coro, options) => {
      calls.push({ loop, coro, options });
      return new Task(coro, { ...options, loop });
    };
    const main = s.fn(function* () {
      return 42;
    });
    loop.setTaskFactory(factory);
    const task = loop.createTask(main, { name: 'answer' });
    await iterate();
    expect(calls).toEqual([{ loop, coro: main, options: { name: 'answer' } }]);
    expect([task.getName(), task.result()]).toEqual(['answer', 42]);
  });

  test('names the task itself, when the factory does not care', () => {
    const { loop } = manualLoop();
    loop.setTaskFactory((loop, coro) => new Task(coro, { loop }));
    expect(
      loop
        .createTask(
          s.fn(function* () {}),
          { name: 'answer' },
        )
        .getName(),
    ).toBe('answer');
  });
});

describe('the task factory', () => {
  test('can be read, and taken away with null', () => {
    const { loop } = manualLoop();
    const factory: TaskFactory = (loop, coro, options) => new Task(coro, { ...options, loop });
    expect(loop.getTaskFactory()).toBe(null);
    loop.setTaskFactory(factory);
    expect(loop.getTaskFactory()).toBe(factory);
    loop.setTaskFactory(null);
    expect(loop.getTaskFactory()).toBe(null);
  });

  test('must be a function', () => {
    const { loop } = manualLoop();
    expect(() => loop.setTaskFactory({} as never)).toThrow(TypeError);
  });
});

describeBoth('runUntilComplete', (s) => {
  test('runs a coroutine function or a coroutine, and gives its result', async () => {
    const { loop } = virtualLoop();
    const main = s.fn(function* () {
      yield* s.wait(sleep(1));
      return 'result';
    });
    expect(await loop.runUntilComplete(main)).toBe('result');
    expect(await loop.runUntilComplete(sleep(1, 'slept'))).toBe('slept');
    expect(loop.time()).toBe(2);
    expect(loop.isRunning()).toBe(false);
  });

  test('waits for a future or a task', async () => {
    const { loop } = virtualLoop();
    const future = loop.createFuture<number>();
    loop.callLater(1, () => future.setResult(42));
    expect(await loop.runUntilComplete(future)).toBe(42);
    const task = loop.createTask(s.fn(function* () {}));
    expect(await loop.runUntilComplete(task)).toBe(undefined);
  });

  test('rejects with the error', async () => {
    const { loop } = virtualLoop();
    const error = new Error('no');
    const main = s.fn(function* () {
      throw error;
    });
    await expect(loop.runUntilComplete(main)).rejects.toBe(error);
  });

  test('refuses a future of another loop, and what cannot be awaited', async () => {
    const { loop } = virtualLoop();
    const foreign = virtualLoop().loop.createFuture();
    await expect(loop.runUntilComplete(foreign)).rejects.toMatchObject({ name: 'ValueError', code: 'DIFFERENT_LOOP' });
    await expect(loop.runUntilComplete(42 as never)).rejects.toThrow(TypeError);
  });

  test('leaves no callback on the awaited future', async () => {
    const { loop } = virtualLoop();
    const future = loop.createFuture<void>();
    loop.callLater(1, () => loop.stop());
    await expect(loop.runUntilComplete(future)).rejects.toThrow('Event loop stopped');
    const run = loop.runForever();
    loop.callLater(1, () => future.setResult());
    loop.callLater(2, () => loop.stop());
    await run;
    expect(loop.time()).toBe(3);
  });
});

describe('runForever', () => {
  test('turns until stop() is called', async () => {
    const { loop } = virtualLoop();
    loop.callLater(3600, () => loop.stop());
    const run = loop.runForever();
    expect(loop.isRunning()).toBe(true);
    await run;
    expect([loop.isRunning(), loop.time()]).toEqual([false, 3600]);
  });
});

describe('executors', () => {
  /** Runs what it is given at once. */
  class DirectExecutor implements Executor {
    readonly calls: string[] = [];

    submit<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): PromiseLike<Awaited<R>> {
      this.calls.push(fn.name);
      return Promise.resolve(fn(...args));
    }

    shutdown(): void {
      this.calls.push('shutdown');
    }
  }

  function add(a: number, b: number): number {
    return a + b;
  }

  test('of their own run what the loop gives them', async () => {
    const { loop } = virtualLoop();
    const executor = new DirectExecutor();
    expect(await loop.runUntilComplete(loop.runInExecutor(executor, add, 1, 2))).toBe(3);
    expect(executor.calls).toEqual(['add']);
  });

  test('may be the default', async () => {
    const { loop } = virtualLoop();
    const executor = new DirectExecutor();
    loop.setDefaultExecutor(executor);
    expect(await loop.runUntilComplete(loop.runInExecutor(null, add, 1, 2))).toBe(3);
    await loop.runUntilComplete(loop.shutdownDefaultExecutor());
    expect(executor.calls).toEqual(['add', 'shutdown']);
  });

  test('are shut down with the loop', () => {
    const { loop } = virtualLoop();
    const executor = new DirectExecutor();
    loop.setDefaultExecutor(executor);
    loop.close();
    expect(executor.calls).toEqual(['shutdown']);
  });

  test('take no more work once the default one was shut down', async () => {
    const { loop } = virtualLoop();
    await loop.runUntilComplete(loop.shutdownDefaultExecutor());
    expect(() => loop.runInExecutor(null, add, 1, 2)).toThrow('Executor shutdown has been called');
    const executor = new DirectExecutor();
    expect(await loop.runUntilComplete(loop.runInExecutor(executor, add, 1, 2))).toBe(3);
  });

  test('that do not end in time are not waited for any more, with a warning', async () => {
    const warn = muteLog('warn');
    const { loop } = virtualLoop();
    const never = new Promise<void>(() => {});
    loop.setDefaultExecutor({ submit: () => never as never, shutdown: () => never });
    await loop.runUntilComplete(loop.shutdownDefaultExecutor(300));
    expect(loop.time()).toBe(300);
    expect(warn.mock.calls).toEqual([['The executor did not finish its work within 300 seconds.']]);
  });

  test('and functions are checked', () => {
    const { loop } = virtualLoop();
    expect(() => loop.setDefaultExecutor({} as never)).toThrow(TypeError);
    expect(() => loop.runInExecutor(null, 'add' as never)).toThrow(TypeError);
  });
});

describe('shutdownAsyncgens', () => {
  test('is there for programs that call it', async () => {
    const { loop } = virtualLoop();
    expect(await loop.runUntilComplete(loop.shutdownAsyncgens())).toBe(undefined);
  });
});

describe('debug mode', () => {
  test('is off, until it is set', () => {
    using loop = manualLoop().loop;
    expect(loop.getDebug()).toBe(false);
    loop.setDebug(true);
    expect(loop.getDebug()).toBe(true);
    loop.setDebug(false);
    expect(loop.getDebug()).toBe(false);
  });

  test.each([
    ['1', true],
    ['0', false],
    ['', false],
  ])('is set by ASYNCIO_DEBUG=%s: %s', (value, expected) => {
    vi.stubEnv('ASYNCIO_DEBUG', value);
    using loop = manualLoop().loop;
    expect(loop.getDebug()).toBe(expected);
    vi.unstubAllEnvs();
  });
});

describe('an event loop', () => {
  test('is closed at the end of a using block', () => {
    let loop: EventLoop;
    {
      using scoped = newEventLoop({ host: new VirtualHost() });
      loop = scoped;
    }
    expect(loop.isClosed()).toBe(true);
  });

  test('shows its state', () => {
    using loop = manualLoop().loop;
    expect(String(loop)).toBe('<EventLoop running=false closed=false debug=false>');
    loop.setDebug(true);
    loop.close();
    expect(String(loop)).toBe('<EventLoop running=false closed=true debug=true>');
  });
});

describeBoth('a subclass that overrides callSoon', (s) => {
  class CountingLoop extends EventLoop {
    calls = 0;

    override callSoon<A extends unknown[]>(callback: Callback<A>, ...args: A): Handle {
      this.calls++;
      return super.callSoon(callback, ...args);
    }

    override callSoonIn<A extends unknown[]>(
      context: Parameters<EventLoop['callSoonIn']>[0],
      callback: Callback<A>,
      ...args: A
    ): Handle {
      this.calls++;
      return super.callSoonIn(context, callback, ...args);
    }
  }

  test('sees the steps of tasks and the callbacks of futures', async () => {
    const loop = new CountingLoop({ host: new VirtualHost() });
    const future = loop.createFuture<string>();
    const main = s.fn(function* () {
      return yield* s.wait(future);
    });
    const task = loop.createTask(main);
    expect(loop.calls).toBe(1);
    loop.callSoon(() => future.setResult('result'));
    expect(await loop.runUntilComplete(task)).toBe('result');
    expect(loop.calls).toBe(4); // two steps, the one that sets the result, and runUntilComplete's done callback
  });
});

describeBoth('a loop whose isClosed() a test has replaced', (s) => {
  test('goes on as before, since the library asks its own state', async () => {
    const { loop } = virtualLoop();
    const trace: unknown[] = [];
    const main = s.fn(function* () {
      const lie = vi.spyOn(loop, 'isClosed').mockReturnValue(true);
      onTestFinished(() => lie.mockRestore());
      const answer = loop.createFuture<number>();
      const waits = s.fn(function* () {
        trace.push(yield* s.wait(answer));
        trace.push(yield* s.wait(wrapPromise(Promise.resolve('of a promise'))));
        try {
          yield* s.wait(loop.createFuture());
        } catch (error) {
          trace.push(error instanceof CancelledError);
          throw error;
        }
      });
      const task = loop.createTask(waits);
      yield* s.wait(sleep(1));
      answer.setResult(42);
      yield* s.wait(sleep(1));
      task.cancel();
      try {
        yield* s.wait(task);
      } catch (error) {
        trace.push(error instanceof CancelledError);
      }
      const short = s.fn(function* () {
        yield* s.wait(sleep(0.5));
        return 'in time';
      });
      trace.push(yield* s.wait(waitFor(short, 1)));
      return allTasks().size;
    });
    const tasks = await loop.runUntilComplete(main);
    expect(trace).toEqual([42, 'of a promise', true, true, 'in time']);
    expect(tasks).toBe(1);
  });
});
