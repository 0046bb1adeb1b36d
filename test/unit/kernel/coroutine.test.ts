import {
  type Awaitable,
  type AwaitableCoroutine,
  type Coroutine,
  coroutine,
  createTask,
  currentTask,
  Future,
  gather,
  iscoroutine,
  iscoroutinefunction,
  Lock,
  mapConcurrent,
  type Outcome,
  run,
  shared,
  sleep,
  type Task,
  taskGroup,
  timeout,
  waitFor,
  wrapPromise,
} from 'asyncio-ts';
import { describe, expect, expectTypeOf, test } from 'vitest';
import { collectGarbage } from '../../support/gc.ts';
import { manualLoop, muteLog, virtualLoop } from '../../support/loops.ts';
import { failure, program } from '../../support/programs.ts';
import { describeBoth } from '../../support/spellings.ts';

describeBoth('a lazy coroutine', (s) => {
  test('runs nothing until it is awaited; then it runs inside the awaiting task', async () => {
    const { loop } = virtualLoop();
    const trace: string[] = [];
    const greet = coroutine(
      s.fn(function* (name: string) {
        trace.push(`begin in ${currentTask()?.getName()}`);
        yield* s.wait(sleep(1));
        return `hello ${name}`;
      }),
    );
    const main = s.fn(function* () {
      const greeting = greet('ada');
      yield* s.wait(sleep(5));
      trace.push('await');
      return yield* s.wait(greeting);
    });
    expect(await loop.runUntilComplete(loop.createTask(main, { name: 'main' }))).toBe('hello ada');
    expect(trace).toEqual(['await', 'begin in main']);
    expect(loop.time()).toBe(6);
  });

  test('is called with the `this` of the call that made it', async () => {
    const { loop } = virtualLoop();
    /** A function of whichever spelling, whose body is given its `this`. */
    const method = <T>(body: (self: unknown, added: number) => Generator<unknown, T, unknown>) =>
      s.name === 'generator'
        ? function (this: unknown, added: number): Generator<unknown, T, unknown> {
            return body(this, added);
          }
        : async function (this: unknown, added: number): Promise<T> {
            return (await s.fn(body)(this, added)) as T;
          };
    const load = coroutine(
      method(function* (self, added) {
        yield* s.wait(sleep(1));
        return self === undefined ? 'nobody' : (self as Client).base + added;
      }),
    );
    class Client {
      base = 40;
      load = load;
    }
    const main = s.fn(function* () {
      const client = new Client();
      return [
        yield* s.wait(client.load(2)),
        yield* s.wait(createTask(client.load(3))),
        yield* s.wait(load.call({ base: 1 }, 1)),
        yield* s.wait(load(1)),
      ];
    });
    expect(await loop.runUntilComplete(main)).toEqual([42, 43, 2, 'nobody']);
  });

  test('is called with `this` when it is a generator method itself', async () => {
    const { loop } = virtualLoop();
    const account = {
      sum: 1,
      add: coroutine(function* (this: { sum: number }, amount: number) {
        yield* sleep(0);
        this.sum += amount;
        return this.sum;
      }),
    };
    const main = s.fn(function* () {
      return yield* s.wait(account.add(2));
    });
    expect(await loop.runUntilComplete(main)).toBe(3);
  });

  test('runs when it is made a task', async () => {
    const { loop } = virtualLoop();
    const nap = coroutine(
      s.fn(function* (seconds: number) {
        yield* s.wait(sleep(seconds));
        return seconds;
      }),
    );
    const main = s.fn(function* () {
      return yield* s.wait(gather(nap(1), nap(2)));
    });
    expect(await loop.runUntilComplete(main)).toEqual([1, 2]);
    expect(loop.time()).toBe(2);
  });

  test('passes errors and cancellations on, through any depth', async () => {
    const { loop, iterate } = manualLoop();
    const trace: string[] = [];
    const deep = coroutine(
      s.fn(function* (depth: number): Generator<unknown, void, unknown> {
        try {
          yield* s.wait(depth === 0 ? sleep(10) : deep(depth - 1));
        } finally {
          trace.push(`left ${depth}`);
        }
      }),
    ) as (depth: number) => Coroutine<void>;
    const task = loop.createTask(deep(3));
    await iterate();
    task.cancel();
    await iterate();
    expect(task.cancelled()).toBe(true);
    expect(trace).toEqual(['left 0', 'left 1', 'left 2', 'left 3']);
  });

  test('may await others, ten thousand deep', async () => {
    const { loop } = virtualLoop();
    const deep = coroutine(
      s.fn(function* (depth: number): Generator<unknown, number, unknown> {
        if (depth > 0) return 1 + (yield* s.wait(deep(depth - 1)));
        yield* s.wait(sleep(1));
        return 0;
      }),
    ) as (depth: number) => Coroutine<number>;
    expect(await loop.runUntilComplete(deep(10_000))).toBe(10_000);
  });

  test('can be awaited once', async () => {
    const { loop } = virtualLoop();
    const once = coroutine(s.fn(function* once() {}));
    const main = s.fn(function* () {
      const made = once();
      yield* s.wait(made);
      return yield* failure(s, made);
    });
    expect(await loop.runUntilComplete(main)).toMatchObject({ name: 'RuntimeError', code: 'COROUTINE_REUSED' });
  });

  test('can be awaited by one at a time', async () => {
    const { loop, drain } = manualLoop();
    const made = coroutine(
      s.fn(function* () {
        yield* s.wait(sleep(10));
      }),
    )();
    const main = s.fn(function* () {
      yield* s.wait(made);
    });
    const tasks = [loop.createTask(main), loop.createTask(main)];
    await drain();
    expect(tasks[0]?.done()).toBe(false);
    expect(tasks[1]?.exception()).toMatchObject({ code: 'COROUTINE_REUSED' });
  });

  test('cannot be awaited once it was closed', async () => {
    const { loop } = virtualLoop();
    const made = coroutine(s.fn(function* () {}))();
    made.close();
    expect(String(made)).toMatch(/^<coroutine .* closed>$/);
    await expect(loop.runUntilComplete(made)).rejects.toMatchObject({ code: 'COROUTINE_REUSED' });
  });

  describe('that is never awaited', () => {
    const save = coroutine(s.fn(function* save() {}));
    const forget = () => {
      save();
      save().close();
    };

    test('is reported in debug mode, when it is collected, with the place where it was made', async () => {
      const warn = muteLog('warn');
      using loop = manualLoop().loop;
      loop.setDebug(true);
      forget();
      await collectGarbage();
      expect(warn.mock.calls).toEqual([
        [expect.stringMatching(/^coroutine '.*' was never awaited: .*coroutine\.test\.ts/s)],
      ]);
    });

    test('is not reported once debug mode is off again', async () => {
      const warn = muteLog('warn');
      using loop = manualLoop().loop;
      loop.setDebug(true);
      loop.setDebug(false);
      forget();
      await collectGarbage();
      expect(warn).not.toHaveBeenCalled();
    });

    test('is not reported while another loop is debugged later', async () => {
      const warn = muteLog('warn');
      using first = manualLoop().loop;
      first.setDebug(true);
      forget();
      first.setDebug(false);
      using second = manualLoop().loop;
      second.setDebug(true);
      await collectGarbage();
      expect(warn).not.toHaveBeenCalled();
    });

    test('is not reported once the only loop in debug mode was dropped, closed or not', async () => {
      const warn = muteLog('warn');
      (() => manualLoop().loop.setDebug(true))();
      await collectGarbage();
      forget();
      await collectGarbage();
      expect(warn).not.toHaveBeenCalled();
    });
  });
});

describe('coroutine()', () => {
  test('keeps the name of the function', () => {
    const save = coroutine(async function save() {});
    expect([save.name, save().name, String(save())]).toEqual(['save', 'save', '<coroutine save() created>']);
  });

  test('takes functions only', () => {
    expect(() => coroutine(sleep(1) as never)).toThrow(TypeError);
  });

  test("is awaitable outside any task, as a task of the thread's loop", async () => {
    const add = coroutine(async (a: number, b: number) => a + b);
    expect(await add(1, 2)).toBe(3);
    expect(await add(1, 2).then((sum) => sum + 1)).toBe(4);
  });

  test('wants a function that begins a coroutine', async () => {
    const { loop } = virtualLoop();
    const wrong = coroutine((() => 42) as never);
    await expect(loop.runUntilComplete(wrong())).rejects.toThrow(
      'returned 42: it should be an async function or a generator',
    );
  });
});

describe('both spellings in one task', () => {
  const fetchName = async (seconds: number) => {
    await sleep(seconds);
    return 'ada';
  };
  function* readName(seconds: number): Coroutine<string> {
    yield* sleep(seconds);
    return 'grace';
  }

  test('an async function runs inside a generator coroutine by coroutine()', async () => {
    const { loop, drain } = manualLoop();
    const lazy = coroutine(fetchName);
    const task = loop.createTask(function* () {
      return yield* lazy(0);
    });
    await drain();
    expect(task.result()).toBe('ada');
  });

  test('a generator coroutine runs inside an async function by coroutine()', async () => {
    const { loop, drain } = manualLoop();
    const lazy = coroutine(readName);
    const task = loop.createTask(async () => await lazy(0));
    await drain();
    expect(task.result()).toBe('grace');
  });

  test('they may call each other in turn, and one wake-up still takes one iteration', async () => {
    const { loop, iterate } = manualLoop();
    const future = loop.createFuture<string>();
    const inner = coroutine(async () => await future);
    const middle = coroutine(function* () {
      return yield* inner();
    });
    const outer = coroutine(async () => await middle());
    const task = loop.createTask(function* () {
      return yield* outer();
    });
    await iterate();
    future.setResult('result');
    await iterate();
    expect(task.result()).toBe('result');
  });
});

describe('iscoroutine', () => {
  function* generator() {}

  test.each<[what: string, answer: boolean, value: unknown]>([
    ['a generator', true, generator()],
    ['what a coroutine() function returns', true, coroutine(async () => {})()],
    ['what a function of the library returns', true, sleep(0)],
    ['a promise', false, Promise.resolve()],
    ['a future', false, manualLoop().loop.createFuture()],
    ['an async generator', false, (async function* () {})()],
    ['a function', false, generator],
    ['an array', false, []],
    ['null', false, null],
  ])('says of %s: %s', (_what, answer, value) => {
    expect(iscoroutine(value)).toBe(answer);
  });
});

describe('iscoroutinefunction', () => {
  test.each<[what: string, answer: boolean, value: unknown]>([
    ['a generator function', true, function* () {}],
    ['an async function', true, async () => {}],
    ['what coroutine() returns', true, coroutine(async () => {})],
    ['a function of the library', false, sleep],
    ['a function', false, () => {}],
    ['an async generator function', false, async function* () {}],
    ['a coroutine', false, sleep(0)],
    ['null', false, null],
  ])('says of %s: %s', (_what, answer, value) => {
    expect(iscoroutinefunction(value)).toBe(answer);
  });
});

describe('the types', () => {
  test('say what awaiting gives', () => {
    expectTypeOf<Outcome<Task<string>>>().toEqualTypeOf<string>();
    expectTypeOf<Outcome<Future<string>>>().toEqualTypeOf<string>();
    expectTypeOf<Outcome<Coroutine<string>>>().toEqualTypeOf<string>();
    expectTypeOf<Outcome<Promise<string>>>().toEqualTypeOf<string>();
    expectTypeOf<Outcome<Awaitable<string>>>().toEqualTypeOf<string>();
    expectTypeOf<Outcome<() => Promise<string>>>().toEqualTypeOf<string>();
    expectTypeOf<Outcome<() => Coroutine<string>>>().toEqualTypeOf<string>();
  });

  test('say what a function gives that returns a future, and add no undefined', () => {
    const future = (): Future<string> => new Future();
    expectTypeOf(() => timeout(1, future)).returns.toEqualTypeOf<AwaitableCoroutine<string>>();
    expectTypeOf(() => taskGroup(future)).returns.toEqualTypeOf<AwaitableCoroutine<string>>();
    expectTypeOf(() => createTask(future)).returns.toEqualTypeOf<Task<string>>();
    expectTypeOf(() => run(future)).returns.toEqualTypeOf<Promise<string>>();
    expectTypeOf(() => shared(future)()).returns.toEqualTypeOf<Future<string>>();
    expectTypeOf(() => new Lock().with(future)).returns.toEqualTypeOf<AwaitableCoroutine<string>>();
    expectTypeOf(() => coroutine(future)()).returns.toExtend<Awaitable<string>>();
  });
});

describeBoth('catch and finally of a coroutine', (s) => {
  const lazy = (body: () => unknown) =>
    coroutine(
      s.fn(function* () {
        yield* s.wait(sleep(1));
        return body();
      }),
    )();
  const fails = () => {
    throw new RangeError('failed');
  };
  const body = (work: () => unknown) =>
    s.fn(function* () {
      yield* s.wait(sleep(1));
      return work();
    });
  const kinds: Readonly<Record<string, (work: () => unknown) => AwaitableCoroutine<unknown>>> = {
    'of coroutine()': lazy,
    'of timeout()': (work) => timeout(5, body(work)),
    'of waitFor()': (work) => waitFor(createTask(body(work)), 5),
    'of taskGroup()': (work) => taskGroup(body(work)),
    'of a library generator': (work) => new Lock().with(body(work)),
    'of mapConcurrent()': (work) => mapConcurrent([1], body(work), { limit: 1 }) as never,
  };

  for (const [name, make] of Object.entries(kinds)) {
    test(
      `are those of a promise: ${name}`,
      program(s, function* () {
        const ends: string[] = [];
        // As with a promise, the handler may name the class of errors that it expects.
        const caught = make(fails).catch((error: RangeError) => `caught ${error.message}`);
        expect(caught).toBeInstanceOf(Promise);
        expect(yield* s.wait(wrapPromise(caught))).toMatch(/^caught .*failed/);
        expect(yield* s.wait(wrapPromise(make(() => 1).catch(() => 'not called')))).toEqual(
          name === 'of mapConcurrent()' ? [1] : 1,
        );
        const failed = make(fails).finally(() => {
          ends.push('of the failure');
        });
        expect(yield* failure(s, wrapPromise(failed))).toMatchObject({ message: expect.stringMatching(/failed/) });
        const done = make(() => 2).finally(() => {
          ends.push('of the result');
        });
        expect(yield* s.wait(wrapPromise(done))).toEqual(name === 'of mapConcurrent()' ? [2] : 2);
        expect(ends).toEqual(['of the failure', 'of the result']);
      }),
    );
  }

  test(
    'of sleep(0), sleep(1) and a free lock are those of a promise',
    program(s, function* () {
      const lock = new Lock();
      const makes: (() => AwaitableCoroutine<unknown>)[] = [() => sleep(0), () => sleep(1), () => lock.acquire()];
      for (const make of makes) {
        const ends: string[] = [];
        yield* s.wait(wrapPromise(make().catch(() => {})));
        if (lock.locked()) lock.release();
        yield* s.wait(wrapPromise(make().finally(() => ends.push('over') as never)));
        if (lock.locked()) lock.release();
        expect(ends).toEqual(['over']);
      }
    }),
  );

  test(
    'are its one use',
    program(s, function* () {
      const once = lazy(() => 1);
      yield* s.wait(wrapPromise(once.catch(() => {})));
      expect(yield* failure(s, once)).toMatchObject({ code: 'COROUTINE_REUSED' });
    }),
  );
});
