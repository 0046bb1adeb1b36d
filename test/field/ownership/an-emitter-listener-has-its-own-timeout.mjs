// A listener is called by whoever emits. Its deadlines and its waits are its own: they neither end the task that
// registered it, nor end with a deadline of that task. Listeners of an EventTarget likewise.
import { EventEmitter } from 'node:events';
import { check, core, done, hangs } from '../lib.mjs';

const { createTask, run, sleep, timeout } = core;

process.on('unhandledRejection', () => {});
const attempt = async (register, listen, main) => {
  let told;
  const heard = new Promise((resolve) => {
    told = resolve;
  });
  const task = createTask(async () => {
    setTimeout(
      register(async () => {
        try {
          told(await listen());
        } catch (error) {
          told(error.name);
        }
      }),
      30,
    );
    try {
      return await main();
    } catch (error) {
      return error.name;
    }
  });
  return [await hangs(task), await hangs(heard)];
};
const emitter = (listener) => {
  const source = new EventEmitter();
  source.on('x', listener);
  return () => source.emit('x');
};
const target = (listener) => {
  const source = new EventTarget();
  source.addEventListener('x', listener);
  return () => source.dispatchEvent(new globalThis.Event('x'));
};
const limited = () => timeout(0.05, () => sleep(5));
const unhurried = () => sleep(0.3, 'heard');
const main = () => sleep(0.3, 'slept');
const limitedMain = async () => {
  try {
    await timeout(0.1, () => sleep(5));
  } catch {
    /* the deadline */
  }
  return await sleep(0.05, 'slept');
};
await run(async () => {
  check("a deadline in an emitter's listener", await attempt(emitter, limited, main), ['slept', 'TimeoutError']);
  check("a deadline in an event target's listener", await attempt(target, limited, main), ['slept', 'TimeoutError']);
  check('a deadline of the task', await attempt(emitter, unhurried, limitedMain), ['slept', 'heard']);
  check('no deadline', await attempt(emitter, unhurried, main), ['slept', 'heard']); // control: holds today
});
done();
