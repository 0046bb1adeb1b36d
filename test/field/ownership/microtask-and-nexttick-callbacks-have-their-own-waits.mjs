// process.nextTick, queueMicrotask, setImmediate and MessagePort callbacks are called by the runtime. A deadline of the
// task that scheduled them does not end what they wait for.
import { check, core, done, hangs } from '../lib.mjs';

const { createTask, run, sleep, timeout } = core;

process.on('unhandledRejection', () => {});
const attempt = async (schedule, limited = true) => {
  let told;
  const heard = new Promise((resolve) => {
    told = resolve;
  });
  const task = createTask(async () => {
    schedule(async () => {
      try {
        told(await sleep(0.3, 'heard'));
      } catch (error) {
        told(error.name);
      }
    });
    await sleep(0);
    if (limited)
      try {
        await timeout(0.1, () => sleep(5));
      } catch {
        /* the deadline */
      }
    else await sleep(0.1);
    return 'went on';
  });
  return [await hangs(task), await hangs(heard)];
};
const port = (callback) => {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => {
    port1.close();
    callback();
  };
  port2.postMessage(0);
};
await run(async () => {
  check('process.nextTick', await attempt(process.nextTick), ['went on', 'heard']);
  check('queueMicrotask', await attempt(queueMicrotask), ['went on', 'heard']);
  check('setImmediate', await attempt(setImmediate), ['went on', 'heard']);
  check('a message', await attempt(port), ['went on', 'heard']);
  check('queueMicrotask, no deadline', await attempt(queueMicrotask, false), ['went on', 'heard']); // control: holds today
});
done();
