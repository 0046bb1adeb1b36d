import {
  allTasks,
  createTask,
  currentTask,
  Future,
  getEventLoop,
  getRunningLoop,
  newEventLoop,
  RuntimeError,
  run,
  setEventLoop,
  sleep,
} from 'asyncio-ts';
import { inMainThread, inWorker } from '../lib/environment.ts';
import { equal, throws } from '../lib/expect.ts';
import { subject } from '../lib/registry.ts';

const { check } = subject('threads');
const { check: checkMain } = subject('threads', inMainThread);
const { check: checkWorker } = subject('threads', inWorker);

checkWorker('a worker thread has no loop, and the error tells the fix', async () => {
  for (const use of [getEventLoop, () => new Future(), () => createTask(() => sleep(0)), allTasks, currentTask]) {
    throws(use, RuntimeError, use === currentTask ? /no running event loop/ : /setEventLoop\(newEventLoop\(\)\)/);
  }
  throws(getRunningLoop, RuntimeError, /no running event loop/);
});

checkWorker('in a worker thread the fix works', async () => {
  const loop = newEventLoop();
  setEventLoop(loop);
  equal([getEventLoop() === loop, new Future().getLoop() === loop], [true, true]);
  equal(await loop.runUntilComplete(() => sleep(0.001, 'fixed')), 'fixed');
  loop.close();
  setEventLoop(null);
  throws(getEventLoop, RuntimeError, /no current event loop/);
});

check('inside run() the loop that runs is the loop of the thread', async () => {
  await run(async () => {
    const loop = getRunningLoop();
    equal([getEventLoop() === loop, new Future().getLoop() === loop], [true, true]);
    await sleep(0);
    equal([getEventLoop() === loop, allTasks().size], [true, 1]);
  });
  throws(getRunningLoop, RuntimeError, /no running event loop/);
});

checkMain('the main thread has one loop, unless it is taken away', async () => {
  const loop = getEventLoop();
  equal(getEventLoop() === loop, true, 'the same loop each time');
  setEventLoop(null);
  throws(getEventLoop, RuntimeError, /in the main thread/);
  const other = newEventLoop();
  setEventLoop(other);
  equal(getEventLoop() === other, true, 'the loop that was set');
  other.close();
  setEventLoop(loop);
});

check('a value that is not a loop cannot be set', async () => {
  throws(() => setEventLoop(42 as never), TypeError, /event loop or null/);
});
