// createTask(poller()) is Python's spelling and passes the type checker. The call runs beside the task that made it:
// its deadlines are its own and do not cancel that task, whose work goes on.
import { check, core, done, hangs } from '../lib.mjs';

const { createTask, gather, run, sleep, timeout } = core;

async function poller() {
  let timeouts = 0;
  for (let i = 0; i < 3; i++)
    try {
      await timeout(0.05, () => sleep(10));
    } catch (error) {
      if (error.name !== 'TimeoutError') throw error;
      timeouts++;
    }
  return `${timeouts} timeouts`;
}
check(
  'beside a sleep of main',
  await hangs(
    run(async () => {
      const task = createTask(poller());
      const slept = await sleep(0.4, 'main slept');
      return [slept, await task];
    }),
  ),
  ['main slept', '3 timeouts'],
);
check(
  'a call that nobody awaits',
  await hangs(
    run(async () => {
      poller().catch(() => {});
      return await sleep(0.4, 'main slept');
    }),
  ),
  'main slept',
);
check('two calls in gather', await hangs(run(async () => await gather(poller(), poller()))), [
  '3 timeouts',
  '3 timeouts',
]);
check(
  'createTask(poller)',
  await hangs(
    run(async () => {
      // control: holds today
      const task = createTask(poller);
      const slept = await sleep(0.4, 'main slept');
      return [slept, await task];
    }),
  ),
  ['main slept', '3 timeouts'],
);
done();
