// A queue of jobs is often a chain of tasks, each awaiting the one before. Cancelling the last one cancels them all,
// however long it is.
import { check, core, done, foreign } from '../lib.mjs';

const { createTask, run, sleep } = core;

const attempt = async (length) =>
  await run(async () => {
    const first = createTask(() => sleep(30));
    let last = first;
    for (let i = 0; i < length; i++) {
      const before = last;
      last = createTask(async () => {
        await before;
      });
    }
    await sleep(0.2);
    let answer;
    try {
      answer = last.cancel();
    } catch (error) {
      answer = error.name;
    }
    for (let i = 0; i < 50 && !last.done(); i++) await foreign(20);
    return [answer, first.cancelled(), last.done() && last.cancelled()];
  });
check('a chain of 100', await attempt(100), [true, true, true]); // control: holds today
check('a chain of 5,000', await attempt(5_000), [true, true, true]);
done();
