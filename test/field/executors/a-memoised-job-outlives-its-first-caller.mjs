// `config ??= load()` with a job in a thread: the first caller's deadline ends the first caller. The job is not dropped
// and the others get its result.
import { check, core, done, hangs, node } from '../lib.mjs';

const { createTask, run, sleep, timeout } = core;

process.on('unhandledRejection', () => {});
const work = () => {
  for (const end = Date.now() + 300; Date.now() < end; );
  return 'config';
};
const attempt = async (load) => {
  let memo;
  const get = () => (memo ??= load());
  const first = createTask(async () => {
    try {
      return await timeout(0.08, async () => await get());
    } catch (error) {
      return error.name;
    }
  });
  const second = createTask(async () => {
    await sleep(0.02);
    return await get();
  });
  return [await hangs(first), await hangs(second)];
};
await run(async () => {
  await using pool = new node.ThreadPoolExecutor({ maxWorkers: 2 });
  await pool.submit(work);
  check('an async function around toThread', await attempt(async () => await node.toThread(work)), [
    'TimeoutError',
    'config',
  ]);
  check('an async function around submit', await attempt(async () => await pool.submit(work)), [
    'TimeoutError',
    'config',
  ]);
  check('the job itself', await attempt(() => pool.submit(work)), ['TimeoutError', 'config']); // control: holds today
  check('the job, for a caller without a deadline', await hangs(createTask(() => pool.submit(work))), 'config'); // control: holds today
});
done();
