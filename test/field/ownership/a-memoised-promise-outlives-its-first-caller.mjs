// `conn ??= connect()`: the first caller starts the work, all await it. A deadline or a cancellation of one caller ends
// that caller; nobody else is cancelled, and the memo is not poisoned.
import { check, core, done, hangs } from '../lib.mjs';

const { createTask, run, sleep, timeout } = core;

process.on('unhandledRejection', () => {});
const makeMemo = () => {
  let conn;
  return () =>
    (conn ??= (async () => {
      await sleep(0.15);
      return 'conn';
    })());
};
await run(async () => {
  const get = makeMemo();
  const a = createTask(async () => {
    try {
      return await timeout(0.03, get);
    } catch (error) {
      return error.name;
    }
  });
  const b = createTask(async () => {
    await sleep(0.01);
    return await get();
  });
  check('the first caller has its deadline', await hangs(a), 'TimeoutError'); // control: holds today
  check('the second caller gets the result', await hangs(b), 'conn');
  check('a later caller gets the result', await hangs(createTask(get)), 'conn');

  const again = makeMemo();
  const c = createTask(async () => await again());
  const d = createTask(async () => {
    await sleep(0.01);
    return await again();
  });
  await sleep(0.03);
  c.cancel();
  check('the first caller is cancelled', await hangs(c), 'CancelledError'); // control: holds today
  check('the second caller is not', await hangs(d), 'conn');

  let task;
  const shared = () => (task ??= createTask(() => sleep(0.15, 'conn')));
  await hangs(createTask(async () => await timeout(0.03, () => core.shield(shared()))));
  check('a memoised task, shielded', await hangs(createTask(async () => await core.shield(shared()))), 'conn'); // control: holds today
});
done();
