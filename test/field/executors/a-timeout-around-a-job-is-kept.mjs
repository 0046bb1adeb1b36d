// timeout(s, () => pool.submit(f)) and timeout(s, () => remote.runCoroutineThreadsafe('f')): jobs and remote calls are
// the library's own awaitables, so the deadline holds, with an arrow function as with an async one.
import { check, core, done, hangs, node } from '../lib.mjs';

const { createTask, getRunningLoop, run, sleep, timeout, waitFor } = core;

const busy = () => {
  for (const end = Date.now() + 1_200; Date.now() < end; );
  return 'done';
};
await run(async () => {
  await using pool = new node.ThreadPoolExecutor({ maxWorkers: 8 });
  using door = node.exposeLoop(getRunningLoop(), { slow: (seconds) => sleep(seconds, 'slept') });
  using remote = node.connectLoop(door.port);
  const limited = (body) =>
    hangs(
      createTask(() => timeout(0.2, body)),
      5,
    );
  check('timeout(() => pool.submit(f))', await limited(() => pool.submit(busy)), 'TimeoutError');
  check(
    'timeout(() => remote.runCoroutineThreadsafe(f))',
    await limited(() => remote.runCoroutineThreadsafe('slow', 1.2)),
    'TimeoutError',
  );
  check(
    'waitFor(() => pool.submit(f))',
    await hangs(
      createTask(() => waitFor(() => pool.submit(busy), 0.2)),
      5,
    ),
    'TimeoutError',
  );
  const task = createTask(() => pool.submit(busy));
  await sleep(0.05);
  task.cancel();
  check('a cancelled task of createTask(() => pool.submit(f)) ends soon', await hangs(task, 0.7), 'CancelledError');
  check(
    'timeout(async () => await pool.submit(f))',
    await limited(async () => await pool.submit(busy)),
    'TimeoutError',
  ); // control: holds today
  check('timeout(() => toThread(f))', await limited(() => node.toThread(busy)), 'TimeoutError'); // control: holds today
});
done();
