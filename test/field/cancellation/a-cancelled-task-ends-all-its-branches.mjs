// Cancelling a task ends all its branches, wherever each of them waits; their clean-ups run to the end before the task
// is done.
import { check, core, done, foreign, hangs } from '../lib.mjs';

const { createTask, Event, run, sleep, timeout } = core;

const branch = (log, name, wait) =>
  (async () => {
    try {
      await wait();
      log.push(`${name} went on`);
    } catch (error) {
      log.push(`${name} ${error.name}`);
      throw error;
    } finally {
      await sleep(0.02);
      log.push(`${name} cleaned`);
    }
  })();
const attempt = async (how, ...waits) => {
  const log = [];
  const task = createTask(() => Promise[how](waits.map((wait, i) => branch(log, 'abc'[i], wait))));
  await sleep(0.03);
  task.cancel();
  await hangs(task);
  const atTheEnd = [...log].sort();
  return [task.cancelled(), atTheEnd];
};
const all = ['a CancelledError', 'a cleaned', 'b CancelledError', 'b cleaned'];
await run(async () => {
  check(
    'waits of the library, allSettled',
    (
      await attempt(
        'allSettled',
        () => sleep(30),
        () => new Event().wait(),
      )
    )[1],
    all,
  ); // control: holds today
  check(
    'waits of the library, all',
    await attempt(
      'all',
      () => sleep(30),
      () => new Event().wait(),
    ),
    [true, all],
  ); // control: holds today
  check(
    'one in a deadline of its own',
    await attempt(
      'all',
      () => sleep(30),
      () => timeout(20, () => sleep(30)),
    ),
    [true, all],
  ); // control: holds today
  const late = async () => {
    await foreign(80);
    await sleep(30);
  };
  check('one at a foreign promise', await attempt('all', () => sleep(30), late), [true, all]);
  check('both at a foreign promise', await attempt('all', late, late), [true, all]);
});
done();
