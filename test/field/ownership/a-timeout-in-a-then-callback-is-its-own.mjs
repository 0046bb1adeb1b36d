// What a `.then` callback of a plain promise does belongs to the chain, not to the task that built it: its deadline is
// its own, also when the task awaits something else, and a deadline of the task does not end it.
import { check, core, done, foreign, hangs } from '../lib.mjs';

const { createTask, run, sleep, timeout } = core;

process.on('unhandledRejection', () => {});
const chain = (work) =>
  foreign(20)
    .then(work)
    .then(
      (value) => value,
      (error) => error.name,
    );
const limited = () => timeout(0.05, () => sleep(5));
const attempt = async (work, main) => {
  let chained;
  const task = createTask(async () => {
    chained = chain(work);
    return await main();
  });
  return [await hangs(task), await hangs(chained)];
};
const limitedMain = async () => {
  try {
    await timeout(0.1, () => sleep(5));
  } catch {
    /* the deadline */
  }
  return 'went on';
};
await run(async () => {
  check('a deadline in the callback', await attempt(limited, () => sleep(0.2, 'slept')), ['slept', 'TimeoutError']);
  check('a deadline of the task', await attempt(() => sleep(0.2, 'chained'), limitedMain), ['went on', 'chained']);
  check(
    'in a finally callback',
    await attempt(
      () => Promise.resolve('kept').finally(limited),
      () => sleep(0.2, 'slept'),
    ),
    ['slept', 'TimeoutError'],
  );
  check(
    'no deadline',
    await attempt(
      () => sleep(0.1, 'chained'),
      () => sleep(0.2, 'slept'),
    ),
    ['slept', 'chained'],
  ); // control: holds today
});
done();
