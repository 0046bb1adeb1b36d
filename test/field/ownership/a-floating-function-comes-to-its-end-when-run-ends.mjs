// An async function that was started and not awaited is not frozen when run() ends: it goes on, as a promise does, or
// it is cancelled and waited for. Either way its `finally` runs.
import { check, core, done, foreign } from '../lib.mjs';

const { createTask, run, sleep } = core;

const start = (log) =>
  void (async () => {
    try {
      await sleep(0.05);
      log.push('went on');
    } catch (error) {
      log.push(error.name);
    } finally {
      log.push('finally');
    }
  })();
const inMain = [];
await run(async () => {
  start(inMain);
});
await foreign(300);
check('started by main', inMain.includes('finally'), true);

const byForeign = [];
await run(async () => {
  await foreign(5);
  start(byForeign);
  await sleep(0.01);
});
await foreign(300);
check('started by main after a foreign promise', byForeign.includes('finally'), true);

const inTask = [];
await run(async () => {
  await createTask(async () => {
    start(inTask);
  });
  await sleep(0.3);
});
check('started by a task that ends earlier', inTask, ['went on', 'finally']); // control: holds today
done();
