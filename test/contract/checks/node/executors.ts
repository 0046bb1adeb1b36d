import {
  CancelledError,
  createTask,
  gather,
  getRunningLoop,
  RuntimeError,
  run,
  sleep,
  TimeoutError,
  timeout,
  ValueError,
  wrapPromise,
} from 'asyncio-ts';
import {
  BrokenExecutor,
  moduleFunctions,
  type PoolExecutorOptions,
  ProcessPoolExecutor,
  ThreadPoolExecutor,
  toThread,
} from 'asyncio-ts/node';
import { equal, ok, throws } from '../../lib/expect.ts';
import { subject } from '../../lib/registry.ts';
import type { Spelling, Steps } from '../../lib/spellings.ts';

const work = moduleFunctions<typeof import('../../programs/work.ts')>(
  new URL('../../programs/work.ts', import.meta.url),
);

const { live: liveThread } = subject('work in another thread');

liveThread('a function that is sent computes there', function* (s) {
  const sum = (...numbers: number[]) => numbers.reduce((a, b) => a + b, 0);
  const isMain = async () => (await import('node:worker_threads')).isMainThread;
  equal(yield* s.wait(toThread(sum, 1, 2, 3)), 6);
  equal(yield* s.wait(toThread(isMain)), false);
  const outside = 1;
  const error = yield* s.fails(
    toThread(() => outside),
    TypeError,
    /uses outside, which does not exist in the worker/,
  );
  equal((error as { code?: string }).code, 'FUNCTION_CAPTURES');
  throws(() => toThread(5 as never), TypeError);
});

liveThread('a function of a module is found there, by name', function* (s) {
  equal(yield* s.wait(toThread(work.fibonacci, 15)), 610);
  const zlib = moduleFunctions<typeof import('node:zlib')>('node:zlib');
  ok((yield* s.wait(toThread(zlib.gzipSync, 'a'.repeat(10_000)))).length < 100, 'packed bytes');
  const none = moduleFunctions<{ none(): void }>(new URL('../../programs/work.ts', import.meta.url));
  yield* s.fails(toThread(none.none), TypeError, /does not export this function/);
});

liveThread('the loop goes on meanwhile', function* (s) {
  const shared = new SharedArrayBuffer(4);
  const waiting = createTask(
    toThread((buffer: SharedArrayBuffer) => Atomics.wait(new Int32Array(buffer), 0, 0, 4_000), shared),
  );
  yield* s.wait(sleep(0.01));
  const flag = new Int32Array(shared);
  Atomics.store(flag, 0, 1);
  const release = s.fn(function* () {
    while (!waiting.done()) {
      Atomics.notify(flag, 0);
      yield* s.wait(sleep(0.001));
    }
  });
  yield* s.wait(release());
  ok(['ok', 'not-equal'].includes(waiting.result()), 'a thread that was woken');
});

/** One of each kind, without a shutdown: it must not keep the program from ending. */
const forgotten: unknown[] = [];

for (const [kind, Executor] of [
  ['threads', ThreadPoolExecutor],
  ['processes', ProcessPoolExecutor],
] as const) {
  const { check, live, checkBoth } = subject(`an executor of ${kind}`);

  /** A check with an executor of one worker, which is gone afterwards. */
  const withPool = (
    name: string,
    options: PoolExecutorOptions,
    body: (s: Spelling, pool: ThreadPoolExecutor | ProcessPoolExecutor) => Steps<void>,
  ): void => {
    live(name, function* (s) {
      const pool = new Executor({ maxWorkers: 1, ...options });
      yield* body(s, pool);
      yield* s.wait(pool.shutdown());
      equal([pool.statistics().workers, pool.statistics().running], [0, 0]);
    });
  };

  withPool('does jobs in order, and its worker keeps its state', {}, function* (s, pool) {
    const counts = [1, 2, 3].map(() => pool.submit(work.count));
    equal(pool.statistics().queued, 2);
    equal(yield* s.wait(gather(...counts)), [1, 2, 3]);
    const loop = getRunningLoop();
    equal(yield* s.wait(loop.runInExecutor(pool, (a: number, b: string) => ({ a, b }), 1, 'ü')), { a: 1, b: 'ü' });
    const echo = (value: Map<string, unknown>) => value;
    const map = yield* s.wait(pool.submit(echo, new Map<string, unknown>([['bytes', new Uint8Array([1, 2])]])));
    equal([...(map.get('bytes') as Uint8Array)], [1, 2]);
  });

  withPool('prepares its worker', { initializer: work.setCount as never, initargs: [10] }, function* (s, pool) {
    equal(yield* s.wait(pool.submit(work.count)), 11);
  });

  withPool('gives errors with their class and message', {}, function* (s, pool) {
    const library = yield* s.fails(pool.submit(work.fail, 'of the library'), ValueError, /^too small$/);
    equal([library.code, String(library.cause)], ['TOO_SMALL', 'RangeError: inner']);
    yield* s.fails(pool.submit(work.fail, 'of the language'), RangeError, /^a mistake$/);
    const own = yield* s.fails(pool.submit(work.fail, 'own'), Error, /^a mistake$/);
    equal([own.name, (own as { code?: string }).code], ['OwnError', 'OWN']);
    yield* s.fails(
      pool.submit(
        (value: unknown) => value,
        () => {},
      ),
      TypeError,
      /argument 1/,
    );
    yield* s.fails(
      pool.submit(() => () => {}),
      TypeError,
      /result/,
    );
    equal(yield* s.wait(pool.submit(work.fibonacci, 5)), 5, 'the next one');
  });

  withPool('drops a job that is cancelled before it has begun', {}, function* (s, pool) {
    const first = pool.submit(work.count);
    const dropped = pool.submit(work.count);
    const awaited = createTask(
      s.fn(function* () {
        return yield* s.wait(pool.submit(work.count));
      }),
    );
    yield* s.wait(sleep(0));
    equal([dropped.cancel(), dropped.state], [true, 'cancelled']);
    awaited.cancel();
    yield* s.fails(awaited, CancelledError);
    yield* s.fails(dropped, CancelledError);
    equal([yield* s.wait(first), yield* s.wait(pool.submit(work.count))], [1, 2]);
  });

  withPool('ends a job that runs, when that was asked for', {}, function* (s, pool) {
    yield* s.wait(pool.submit(work.count));
    const impatient = pool.with({ terminate: true });
    const endless = s.fn(function* (): Steps<void> {
      yield* s.wait(
        getRunningLoop().runInExecutor(impatient, () => {
          for (;;);
        }),
      );
    });
    yield* s.fails(timeout(0.05, endless), TimeoutError);
    equal(yield* s.wait(pool.submit(work.count)), 1, 'what a new worker has counted');
  });

  withPool('outlives a worker that dies', {}, function* (s, pool) {
    yield* s.fails(
      pool.submit(() => process.exit(3)),
      BrokenExecutor,
    );
    equal(yield* s.wait(pool.submit(work.fibonacci, 10)), 55);
  });

  live('ends its workers at once, and takes no more work', function* (s) {
    const pool = new Executor({ maxWorkers: 1 });
    equal(yield* s.wait(pool.submit(work.count)), 1);
    const endless = pool.submit(() => {
      for (;;);
    });
    const queued = pool.submit(work.count);
    const terminated = pool.terminateWorkers();
    yield* s.fails(endless, BrokenExecutor, /was terminated/);
    yield* s.wait(wrapPromise(terminated));
    yield* s.fails(queued, CancelledError);
    equal(pool.statistics().workers, 0);
    throws(() => pool.submit(work.count), RuntimeError, /shut ?down/);
  });

  check('can be forgotten', async () => {
    const pool = new Executor({ maxWorkers: 1 });
    equal(await pool.submit(work.count), 1);
    forgotten.push(pool);
  });

  checkBoth('serves the loop by default, and ends with it', async (s) => {
    const pool = new Executor({ maxWorkers: 1 });
    const main = s.fn(function* () {
      getRunningLoop().setDefaultExecutor(pool);
      equal(yield* s.wait(toThread(work.count)), 1);
      equal(yield* s.wait(getRunningLoop().runInExecutor(null, work.count)), 2);
      equal(pool.statistics().workers, 1);
    });
    await run(main);
    equal([pool.statistics().workers, pool.statistics().isShutDown], [0, true]);
  });
}

const { check } = subject('an executor of processes');

check('leaves no process behind', async () => {
  const pool = new ProcessPoolExecutor({ maxWorkers: 1 });
  const pid = await pool.submit(() => process.pid);
  ok(pid !== process.pid, 'a process of its own');
  await pool.shutdown();
  throws(() => process.kill(pid, 0), Error);
});
