import {
  CancelledError,
  createTask,
  currentTask,
  Future,
  gather,
  getEventLoop,
  getRunningLoop,
  RuntimeError,
  sleep,
} from 'asyncio-ts';
import { inMainThread } from '../lib/environment.ts';
import { equal, ok, rejects, throws } from '../lib/expect.ts';
import { later } from '../lib/loops.ts';
import { subject } from '../lib/registry.ts';

const { check, checkBoth } = subject('the loop of the main thread', inMainThread);

check('turns for the top level of a module', async () => {
  const { found, loop } = await import('../programs/top-level.ts');
  equal(found, { slept: 'slept', results: ['task', 'other'], gathered: ['g', 'a'], done: 2, late: 'late' });
  equal(loop === getEventLoop(), true, 'one loop for the thread');
});

check('is not running outside of its callbacks and tasks', async () => {
  ok(!getEventLoop().isRunning(), 'a loop that is idle');
  equal(currentTask(), null);
  throws(getRunningLoop, RuntimeError, /no running event loop/);
  const running = new Promise((resolve) => {
    getEventLoop().callSoon(() => resolve(getRunningLoop() === getEventLoop()));
  });
  equal(await running, true);
});

checkBoth('runs a task that a timer of the runtime has made', async (s) => {
  const work = s.fn(function* () {
    const self = currentTask();
    yield* s.wait(sleep(0.001));
    return self !== null && currentTask() === self;
  });
  const result = await new Promise((resolve, reject) => {
    setTimeout(() => createTask(work).then(resolve, reject), 1);
  });
  equal(result, true);
});

checkBoth('serves plain async functions that await tasks and futures of it', async (s) => {
  const work = s.fn(function* (name: string) {
    yield* s.wait(sleep(0.002));
    return name;
  });
  const handler = async (name: string): Promise<string> => {
    await sleep(0.001);
    const [a, b] = await gather(
      () => work(`${name}1`),
      () => work(`${name}2`),
    );
    const future = new Future<string>();
    getEventLoop().callLater(0.001, () => future.setResult(`${name}3`));
    return [a, b, await future].join();
  };
  equal(await Promise.all([handler('a'), handler('b')]), ['a1,a2,a3', 'b1,b2,b3']);
});

checkBoth('ends a task that is cancelled from outside', async (s) => {
  const trace: string[] = [];
  const task = createTask(
    s.fn(function* () {
      try {
        yield* s.wait(sleep(20));
      } finally {
        yield* s.wait(sleep(0.001));
        trace.push('cleaned up');
      }
    }),
  );
  await later(5);
  task.cancel('outside');
  equal((await rejects(task, CancelledError)).message, 'outside');
  equal(trace, ['cleaned up']);
});

check('keeps running after an error in a callback', async () => {
  const loop = getEventLoop();
  const reports: unknown[] = [];
  loop.setExceptionHandler((_loop, { exception }) => {
    reports.push(exception);
  });
  const error = new Error('of a callback');
  loop.callSoon(() => {
    throw error;
  });
  equal(await sleep(0.001, 'went on'), 'went on');
  loop.setExceptionHandler(null);
  equal(reports, [error]);
});
