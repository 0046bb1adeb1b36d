import {
  CancelledError,
  ContextVar,
  createTask,
  currentTask,
  type ExceptionContext,
  getRunningLoop,
  KeyboardInterrupt,
  newEventLoop,
  Runner,
  RuntimeError,
  run,
  SystemExit,
  sleep,
  type Task,
} from 'asyncio-ts';
import { withSignals } from '../lib/environment.ts';
import { equal, ok, rejects } from '../lib/expect.ts';
import { runVirtually, virtualLoop } from '../lib/loops.ts';
import { subject } from '../lib/registry.ts';

const { check, checkBoth } = subject('runner');
const { check: checkSignal, checkBoth: checkSignalBoth } = subject('runner', withSignals);

checkBoth('run closes its loop, after the tasks that are left were cancelled and have cleaned up', async (s) => {
  const trace: string[] = [];
  const loop = virtualLoop();
  const background = s.fn(function* () {
    try {
      yield* s.wait(sleep(100));
    } finally {
      yield* s.wait(sleep(1));
      trace.push('cleaned up');
    }
  });
  const main = s.fn(function* () {
    createTask(background);
    yield* s.wait(sleep(1));
    return 'main';
  });
  equal(await run(main, { loopFactory: () => loop }), 'main');
  equal([trace, loop.isClosed(), loop.time()], [['cleaned up'], true, 2]);
});

checkBoth('run rejects with the error of main, and cleans up as well', async (s) => {
  const loop = newEventLoop();
  const main = s.fn(function* () {
    yield* s.wait(sleep(0));
    throw new RangeError('main');
  });
  await rejects(run(main, { loopFactory: () => loop }), RangeError, /main/);
  ok(loop.isClosed(), 'a closed loop');
});

check('run reports what fails while it cleans up', async () => {
  const reports: ExceptionContext[] = [];
  await runVirtually(async () => {
    getRunningLoop().setExceptionHandler((_loop, context) => {
      reports.push(context);
    });
    createTask(async () => {
      try {
        await sleep(100);
      } finally {
        // biome-ignore lint/correctness/noUnsafeFinally: an error in a cleanup is the point
        throw new RangeError('cleanup');
      }
    });
    await sleep(0);
  });
  equal(
    reports.map(({ message }) => message),
    ['unhandled exception during asyncio.run() shutdown'],
  );
});

check('run takes any awaitable, and refuses other values', async () => {
  equal(await run(Promise.resolve('promise')), 'promise');
  equal(await run(sleep(0, 'coroutine')), 'coroutine');
  await rejects(run(42 as never), TypeError, /an awaitable is required, got 42/);
});

checkBoth('run cannot be called by a coroutine that runs', async (s) => {
  const main = s.fn(function* () {
    const inner = run(() => sleep(0));
    inner.catch(() => {});
    yield* s.wait(sleep(0));
    return inner;
  });
  await rejects(run(main), RuntimeError, /cannot be called from a running event loop/);
});

check('the main task can be given a name', async () => {
  equal(await run(async () => currentTask()?.getName(), { name: 'the main task' }), 'the main task');
});

check('a signal cancels the main task, and explains it', async () => {
  const controller = new AbortController();
  const outcome = runVirtually(
    async () => {
      getRunningLoop().callLater(1, () => controller.abort('stop it'));
      await sleep(100);
    },
    { signal: controller.signal },
  );
  equal((await rejects(outcome, CancelledError)).cause, 'stop it');
  await rejects(
    run(() => sleep(1), { signal: controller.signal }),
    CancelledError,
  );
});

check('a Runner runs several coroutines on one loop and in one context', async () => {
  const variable = new ContextVar('v', { default: 0 });
  const runner = new Runner();
  const loop = runner.getLoop();
  const count = async () => {
    equal(getRunningLoop() === loop, true, 'the loop of the runner');
    variable.set(variable.get() + 1);
    await sleep(0);
    return variable.get();
  };
  equal([await runner.run(count), await runner.run(count), variable.get()], [1, 2, 0]);
  await runner.close();
  await runner.close();
  await rejects(runner.run(count), RuntimeError, /Runner is closed/);
  ok(loop.isClosed(), 'a closed loop');
});

check('a Runner can be disposed of', async () => {
  const runner = new Runner();
  const loop = runner.getLoop();
  await runner[Symbol.asyncDispose]();
  ok(loop.isClosed(), 'a closed loop');
});

check('KeyboardInterrupt and SystemExit of a task end the run', async () => {
  for (const error of [new KeyboardInterrupt(), new SystemExit(2)]) {
    let task: Task<void> | undefined;
    const outcome = runVirtually(async () => {
      task = createTask(async () => {
        await sleep(1);
        throw error;
      });
      task.addDoneCallback((done) => done.exception());
      await sleep(100);
    });
    equal(await rejects(outcome, error.constructor as typeof Error), error);
    equal(task?.exception(), error);
  }
});

check('two loops can run side by side in one thread', async () => {
  const main = async () => {
    const loop = getRunningLoop();
    for (let i = 0; i < 5; i++) {
      await sleep(0.001);
      equal(getRunningLoop() === loop, true, 'the same loop after each wait');
    }
    return loop;
  };
  const [a, b] = await Promise.all([run(main), run(main)]);
  ok(a !== b, 'two loops');
});

checkSignalBoth('Ctrl-C cancels the main task, and the run ends with KeyboardInterrupt', async (s) => {
  const trace: string[] = [];
  const main = s.fn(function* () {
    process.kill(process.pid, 'SIGINT');
    try {
      yield* s.wait(sleep(20));
    } finally {
      yield* s.wait(sleep(0.001));
      trace.push('cleaned up');
    }
  });
  await rejects(run(main), KeyboardInterrupt);
  equal([trace, process.listenerCount('SIGINT')], [['cleaned up'], 0]);
});

checkSignal('Ctrl-C that main takes calmly is over', async () => {
  const main = async () => {
    process.kill(process.pid, 'SIGINT');
    await rejects(sleep(20), CancelledError);
    return 'calm';
  };
  equal(await run(main), 'calm');
});
