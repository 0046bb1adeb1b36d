import {
  CancelledError,
  type Coroutine,
  type CoroutineObject,
  coroutine,
  createTask,
  currentTask,
  getRunningLoop,
  iscoroutine,
  iscoroutinefunction,
  RuntimeError,
  run,
  sleep,
} from 'asyncio-ts';
import { equal, ok, rejects, throws } from '../lib/expect.ts';
import { runVirtually } from '../lib/loops.ts';
import { subject } from '../lib/registry.ts';

const { check, program } = subject('coroutines');

program('a coroutine object runs nothing until it is awaited, then inside the awaiting task', function* (s) {
  const trace: unknown[] = [];
  const work = coroutine(
    s.fn(function* (name: string) {
      trace.push(currentTask()?.getName());
      yield* s.wait(sleep(1));
      return `hello ${name}`;
    }),
  );
  currentTask()?.setName('main');
  const object = work('ada');
  yield* s.wait(sleep(1));
  equal(trace, []);
  equal([yield* s.wait(object), getRunningLoop().time(), trace], ['hello ada', 2, ['main']]);
});

program('a coroutine object made a task runs side by side', function* (s) {
  const nap = coroutine(
    s.fn(function* (seconds: number) {
      return yield* s.wait(sleep(seconds, seconds));
    }),
  );
  const tasks = [createTask(nap(2)), createTask(nap(2))] as const;
  equal([yield* s.wait(tasks[0]), yield* s.wait(tasks[1]), getRunningLoop().time()], [2, 2, 2]);
});

program('a coroutine object can be awaited once', function* (s) {
  const object = coroutine(
    s.fn(function* () {
      yield* s.wait(sleep(0));
    }),
  )();
  yield* s.wait(object);
  yield* s.fails(object, RuntimeError, /cannot reuse already awaited/);
  const other = coroutine(async () => {})();
  other.close();
  yield* s.fails(other, RuntimeError, /cannot reuse already awaited/);
});

program('an error passes through all that await it', function* (s) {
  const error = new RangeError('deep');
  const inner = s.fn(function* () {
    yield* s.wait(sleep(0));
    throw error;
  });
  const outer = coroutine(
    s.fn(function* () {
      yield* s.wait(inner());
    }),
  );
  equal(yield* s.fails(outer(), RangeError), error);
  equal(yield* s.fails(createTask(outer()), RangeError), error);
});

program('each spelling awaits the other, inside one task', function* (s) {
  const tasks = new Set<unknown>();
  const generator = coroutine(function* (depth: number): Coroutine<string> {
    tasks.add(currentTask());
    yield* sleep(1);
    const rest: string = depth === 0 ? '' : yield* asynchronous(depth - 1);
    return `g${rest}`;
  });
  const asynchronous: (depth: number) => CoroutineObject<string> = coroutine(async (depth: number) => {
    tasks.add(currentTask());
    await sleep(1);
    const rest: string = depth === 0 ? '' : await generator(depth - 1);
    tasks.add(currentTask());
    return `a${rest}`;
  });
  equal([yield* s.wait(generator(3)), yield* s.wait(asynchronous(3))], ['gaga', 'agag']);
  equal([tasks.size, getRunningLoop().time()], [1, 8]);
});

program('ten thousand nested coroutines wait and return without a stack overflow', function* (s) {
  const nest: (depth: number) => CoroutineObject<number> = coroutine(
    s.fn(function* (depth: number): Generator<unknown, number, unknown> {
      if (depth > 0) return 1 + (yield* s.wait(nest(depth - 1)));
      yield* s.wait(sleep(1));
      return 0;
    }),
  );
  equal(yield* s.wait(nest(10_000)), 10_000);
});

check('iscoroutine and iscoroutinefunction know both spellings', async () => {
  const lazy = coroutine(async () => {});
  const object = lazy();
  const generator = (function* () {})();
  equal([object, generator, sleep(1)].map(iscoroutine), [true, true, true]);
  equal([lazy, async () => {}, null, 1, Promise.resolve(), [].values()].map(iscoroutine), Array(6).fill(false));
  equal([lazy, async () => {}, function* () {}].map(iscoroutinefunction), [true, true, true]);
  equal([() => {}, object, null, sleep].map(iscoroutinefunction), [false, false, false, false]);
  object.close();
});

check('a generator can be driven by hand, with values sent in', async () => {
  function* inner(): Generator<string, string, string> {
    const got = yield 'inner asks';
    return `inner got ${got}`;
  }
  function* outer(): Generator<string, string, string> {
    const result = yield* inner();
    const got = yield result;
    return `outer got ${got}`;
  }
  const steps = outer();
  equal(
    [steps.next('ignored'), steps.next('a'), steps.next('b')].map(({ value }) => value),
    ['inner asks', 'inner got a', 'outer got b'],
  );
});

check('a generator coroutine does not run without a loop', async () => {
  throws(() => [...(sleep(1) as Iterable<unknown>)], RuntimeError, /no running event loop/);
});

check('a bare yield is one iteration', async () => {
  const trace: string[] = [];
  await runVirtually(function* () {
    getRunningLoop().callSoon(() => trace.push('callback'));
    yield;
    trace.push('main');
  });
  equal(trace, ['callback', 'main']);
});

for (const [what, make, message] of [
  ['a future without *', () => getRunningLoop().createFuture(), /write `yield\* future`/],
  ['a generator without *', () => sleep(1), /yield/],
  ['a promise', () => Promise.resolve(), /wrapPromise/],
  ['a number', () => 42, /bad yield: 42/],
] as const) {
  check(`a yield of ${what} throws into the coroutine, which may continue`, async () => {
    const result = await runVirtually(function* (): Coroutine<string> {
      try {
        yield make();
      } catch (error) {
        ok(
          error instanceof RuntimeError && message.test(error.message),
          `a RuntimeError like ${message}, got ${error}`,
        );
      }
      return yield* sleep(1, 'went on');
    });
    equal(result, 'went on');
  });
}

check('cancellation enters a generator by throw, and waits for a finally that suspends', async () => {
  const trace: string[] = [];
  function* inner(): Coroutine<void> {
    try {
      yield* sleep(100);
    } finally {
      yield* sleep(1);
      trace.push('inner is clean');
    }
  }
  function* outer(): Coroutine<void> {
    yield* inner();
    trace.push('never reached');
  }
  const main = function* (): Coroutine<void> {
    const task = createTask(outer());
    yield* sleep(1);
    task.cancel();
    yield* task;
  };
  await rejects(runVirtually(main()), CancelledError);
  equal(trace, ['inner is clean']);
});

check('a generator object belongs to one task', async () => {
  await runVirtually(async () => {
    const object = (function* () {
      yield* sleep(0);
    })();
    const task = createTask(object);
    throws(() => createTask(object), RuntimeError, /cannot reuse/);
    await task;
  });
});

check('run takes a generator object, too', async () => {
  function* main(name: string): Coroutine<string> {
    yield* sleep(0);
    return `hello ${name}`;
  }
  equal(await run(main('ada')), 'hello ada');
});
