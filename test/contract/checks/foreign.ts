import {
  CancelledError,
  createTask,
  currentSignal,
  currentTask,
  ensureFuture,
  gather,
  getRunningLoop,
  run,
  sleep,
  type Task,
  wrapPromise,
} from 'asyncio-ts';
import { withAsyncContext } from '../lib/environment.ts';
import { equal, rejects } from '../lib/expect.ts';
import { later, macrotask } from '../lib/loops.ts';
import { subject } from '../lib/registry.ts';

const { check, checkBoth } = subject('foreign promises');
/** Without `AsyncLocalStorage` only a promise that is wrapped leaves the current task right. */
const { check: checkBare } = subject('foreign promises', withAsyncContext);

check('a task that waits for one does not block the loop', async () => {
  await run(async () => {
    let release = (): void => {};
    const foreign = new Promise<void>((resolve) => {
      release = resolve;
    });
    const waiting = createTask(async () => {
      await foreign;
      return 'back';
    });
    createTask(async () => {
      for (let i = 0; i < 3; i++) await sleep(0.001);
      setTimeout(release);
    });
    equal(await waiting, 'back');
  });
});

check('one that settles in a microtask keeps the step open: no other task runs', async () => {
  await run(async () => {
    const self = currentTask();
    let turns = 0;
    getRunningLoop().callSoon(() => turns++);
    for (let i = 0; i < 10; i++) await Promise.resolve(i);
    await null;
    equal([currentTask() === self, turns], [true, 0]);
    await sleep(0);
    equal(turns, 1);
  });
});

check('its rejection is thrown where it is awaited', async () => {
  const error = new RangeError('foreign');
  const failing = async () => {
    await macrotask();
    throw error;
  };
  const main = async () => {
    equal(await rejects(failing(), RangeError), error);
    await failing();
  };
  equal(await rejects(run(main), RangeError), error);
});

checkBoth('wrapped, it leaves the current task right', async (s) => {
  const work = s.fn(function* (name: string) {
    const self = currentTask();
    for (let i = 1; i <= 3; i++) {
      equal(yield* s.wait(wrapPromise(later(i, name))), name);
      equal(currentTask() === self, true, 'the same task as before');
    }
    return name;
  });
  const main = s.fn(function* () {
    return yield* s.wait(
      gather(
        () => work('a'),
        () => work('b'),
        () => work('c'),
      ),
    );
  });
  equal(await run(main), ['a', 'b', 'c']);
});

checkBoth('wrapped, it can be cancelled at once', async (s) => {
  const reasons: unknown[] = [];
  const work = s.fn(function* () {
    const onCancel = (reason: CancelledError) => reasons.push(reason.message);
    yield* s.wait(wrapPromise(new Promise(() => {}), { onCancel }));
  });
  const main = s.fn(function* () {
    const task = createTask(work);
    yield* s.wait(sleep(0.001));
    task.cancel('stop');
    yield* s.fails(task, CancelledError);
  });
  await run(main);
  equal(reasons, ['stop']);
});

checkBoth('the signal of the task stops it from outside', async (s) => {
  const work = s.fn(function* () {
    yield* s.wait(wrapPromise(untilAborted(currentSignal())));
  });
  const main = s.fn(function* () {
    const task = createTask(work);
    yield* s.wait(sleep(0.001));
    task.cancel('stop');
    equal((yield* s.fails(task, CancelledError)).message, 'stop');
  });
  await run(main);
});

function untilAborted(signal: AbortSignal | undefined): Promise<never> {
  return new Promise((_resolve, reject) => {
    signal?.addEventListener('abort', () => reject(signal.reason));
  });
}

check('it can be made a future, gathered, and returned', async () => {
  await run(async () => {
    equal(await ensureFuture(later(1, 'future')), 'future');
    equal(await gather(later(2, 'a'), later(1, 'b')), ['a', 'b']);
    equal(await createTask(() => later(1, 'returned')), 'returned');
    await rejects(ensureFuture(Promise.reject(new RangeError('no'))), RangeError);
  });
});

check('some of them and futures can be waited for together', async () => {
  const [a, b, c] = await run(async () => await Promise.all([later(2, 'foreign'), sleep(0.001, 'ours'), macrotask()]));
  equal([a, b, c], ['foreign', 'ours', undefined]);
});

checkBare('bare, it leaves the current task right, also while the step of another is open', async () => {
  const work = async (name: string) => {
    const self = currentTask() as Task<unknown>;
    for (let i = 0; i < 4; i++) {
      await macrotask();
      equal([currentTask() === self, getRunningLoop() === self.getLoop()], [true, true]);
      await sleep(0);
      await later(i % 2);
      equal(currentTask() === self, true, 'the same task as before');
    }
    return name;
  };
  const results = await run(async () => await gather(['a', 'b', 'c'].map((name) => createTask(() => work(name)))));
  equal(results, ['a', 'b', 'c']);
});

checkBare('bare, it delays a cancellation to the next wait, but not the signal of the task', async () => {
  await run(async () => {
    const trace: string[] = [];
    const task = createTask(async () => {
      await later(20);
      trace.push('back');
      await sleep(20);
      trace.push('never reached');
    });
    await sleep(0.001);
    task.cancel('late');
    equal([task.signal.aborted, task.done()], [true, false]);
    equal((await rejects(task, CancelledError)).message, 'late');
    equal(trace, ['back']);
  });
});

checkBare('a timer set inside a task that is over has no current task', async () => {
  await run(async () => {
    const seen: unknown[] = [];
    await createTask(async () => {
      setTimeout(() => seen.push(currentTask()), 5);
      await sleep(0);
    });
    await sleep(0.03);
    equal(seen, [null]);
  });
});

checkBare('values of AsyncLocalStorage stay with the async function', async () => {
  const { AsyncLocalStorage } = process.getBuiltinModule('node:async_hooks');
  const storage = new AsyncLocalStorage<string>();
  const work = async (name: string) => {
    const found: unknown[] = [];
    for (let i = 0; i < 3; i++) {
      await sleep(0.001);
      found.push(storage.getStore());
      await macrotask();
      found.push(storage.getStore());
    }
    equal(found, Array(6).fill(name));
  };
  await run(async () => {
    const tasks = ['a', 'b'].map((name) => storage.run(name, () => createTask(() => work(name))));
    await gather(tasks);
    equal(storage.getStore(), undefined);
  });
});

checkBare('values of AsyncLocalStorage stay with a generator coroutine that asks for it', async () => {
  const { AsyncLocalStorage } = process.getBuiltinModule('node:async_hooks');
  const storage = new AsyncLocalStorage<string>();
  function* work() {
    const found: unknown[] = [];
    for (let i = 0; i < 3; i++) {
      found.push(storage.getStore());
      yield* sleep(0.001);
    }
    return found;
  }
  const found = await run(async () => {
    const task = storage.run('mine', () => createTask(work, { asyncContext: true }));
    return await task;
  });
  equal(found, ['mine', 'mine', 'mine']);
});
