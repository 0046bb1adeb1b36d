// Logs often keep only String(error). A deadline then says how long it was, a group what failed in it, and an uncaught
// cancellation which task it ended.
import { check, core, done, inProcess } from '../lib.mjs';

const { run, sleep, taskGroup, timeout } = core;

const text = async (body) => {
  try {
    await body();
    return 'no error';
  } catch (error) {
    return String(error);
  }
};
const has = (line, pattern) => (pattern.test(line) ? 'right' : line);
await run(async () => {
  const deadline = await text(() => timeout(0.25, () => sleep(1)));
  check('a deadline says its length', has(deadline, /\b0\.25\b|250 ?ms/), 'right');
  const group = await text(() =>
    taskGroup(async (g) => {
      g.createTask(async () => {
        await sleep(0.01);
        throw new RangeError('no user 1');
      });
      g.createTask(async () => {
        await sleep(0.01);
        throw new RangeError('no user 2');
      });
    }),
  );
  check('a group says how many failed, or what', has(group, /\b2\b|no user 1/), 'right');
});
const uncaught = await inProcess(async () => {
  const task = core.createTask(() => core.sleep(10), { name: 'poll the feed' });
  task.cancel();
  await task;
});
check('an uncaught cancellation says which task', /poll the feed/.test(uncaught.stderr), true);
check('and ends the program', uncaught.code, 1); // control: holds today
done();
