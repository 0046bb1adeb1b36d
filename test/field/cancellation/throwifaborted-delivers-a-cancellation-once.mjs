// One cancel() is one CancelledError. After a foreign promise, signal.throwIfAborted() delivers it, and the waits of
// the clean-up work.
import { check, core, done, foreign } from '../lib.mjs';

const { createTask, currentSignal, run, sleep } = core;

const attempt = async (deliver) => {
  const log = [];
  const task = createTask(async () => {
    try {
      await foreign(40);
      await deliver();
    } finally {
      try {
        await sleep(0.01);
        log.push('cleaned');
      } catch (error) {
        log.push(`clean-up got ${error.name}`);
        // biome-ignore lint/correctness/noUnsafeFinally: the error of the clean-up is what the case looks at
        throw error;
      }
    }
  });
  await sleep(0.01);
  task.cancel();
  await Promise.allSettled([task]);
  return [...log, task.cancelled()];
};
await run(async () => {
  check('delivered by throwIfAborted()', await attempt(() => currentSignal().throwIfAborted()), ['cleaned', true]);
  check('delivered by sleep(0)', await attempt(() => sleep(0)), ['cleaned', true]); // control: holds today
});
done();
