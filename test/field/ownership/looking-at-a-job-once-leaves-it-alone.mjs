// A task that has looked at a shared job once (is it done yet?) and went on does not wait for it: what cancels the task
// later does not cancel the job. As with wait(), so with Promise.race and Promise.resolve.
import { check, core, done, hangs } from '../lib.mjs';

const { createTask, currentTask, run, sleep, timeout, wait } = core;

const makeJob = () => createTask(() => sleep(0.3, 'job result'));
const unrelated = async () => {
  try {
    await timeout(0.02, () => sleep(1));
  } catch {
    /* the deadline */
  }
};
await run(async () => {
  const a = makeJob();
  await wait([a], { timeout: 0.01 });
  await unrelated();
  check('looked at by wait()', await hangs(a), 'job result'); // control: holds today

  const b = makeJob();
  await Promise.race([b, sleep(0.01)]);
  await unrelated();
  check('looked at by Promise.race', await hangs(b), 'job result');

  const c = makeJob();
  const cached = Promise.resolve(c);
  await unrelated();
  check('kept by Promise.resolve', await hangs(cached), 'job result');

  const d = makeJob();
  const both = Promise.allSettled([d]);
  await unrelated();
  check('kept by Promise.allSettled', (await hangs(both))[0].status, 'fulfilled');
  check('nobody has asked the main task to end', currentTask().cancelling(), 0); // control: holds today
});
done();
