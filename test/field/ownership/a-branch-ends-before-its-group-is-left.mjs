// A task of two branches is cancelled while one of them is at a foreign promise. The group is left when both have
// ended: the late branch meets its cancellation at its next await of the library, and does no more work after the
// group.
import { check, core, done, foreign } from '../lib.mjs';

const { run, sleep, taskGroup } = core;

const attempt = async (body) => {
  const log = [];
  await run(async () => {
    try {
      await taskGroup(async (g) => {
        g.createTask(() => body(log));
        g.createTask(async () => {
          await sleep(0.01);
          throw new Error('x');
        });
      });
    } catch {
      log.push('group left');
    }
    await sleep(0.2);
  });
  return log;
};
const late = async (log) => {
  await foreign(50);
  log.push('after foreign');
  await sleep(0.03);
  log.push('side effect');
};
const two = await attempt((log) => Promise.all([sleep(30), late(log)]));
check('no work after the cancellation', two.includes('side effect'), false);
check('the group waits for the branch', two.at(-1), 'group left');
check('one branch', await attempt(late), ['after foreign', 'group left']); // control: holds today
done();
