// Loaders collect keys for a moment and fetch them at once, in a timer that the first caller has set. When that caller
// is cancelled, the others still get their results.
import { check, core, done, hangs } from '../lib.mjs';

const { createTask, run, sleep } = core;

const unhandled = [];
process.on('unhandledRejection', (error) => unhandled.push(error?.name));
function makeLoader(schedule) {
  let batch = null;
  return (key) =>
    new Promise((resolve) => {
      if (batch === null) {
        const mine = [];
        batch = mine;
        schedule(async () => {
          await sleep(0.02);
          batch = null;
          await sleep(0.1);
          for (const [k, answer] of mine) answer(k * 2);
        });
      }
      batch.push([key, resolve]);
    });
}
const attempt = async (schedule, cancel) => {
  const load = makeLoader(schedule);
  const first = createTask(async () => await load(1));
  const second = createTask(async () => await load(2));
  await sleep(0.04);
  if (cancel) first.cancel();
  return await hangs(second, 1);
};
await run(async () => {
  check('collected by setTimeout', await attempt((f) => setTimeout(f, 3), true), 4);
  check('collected by setImmediate', await attempt(setImmediate, true), 4);
  check('collected by queueMicrotask', await attempt(queueMicrotask, true), 4);
  check('nothing is unhandled', unhandled, []);
  check('nobody is cancelled', await attempt((f) => setTimeout(f, 3), false), 4); // control: holds today
});
done();
