// Whoever lost a Promise.race in a task is nothing that the task waits for any more. A cancellation, a deadline or a
// failed group that comes while the task is at a foreign promise is thrown at its next await of the library.
import { check, core, done, foreign, hangs } from '../lib.mjs';

const { createTask, Event, run, sleep, taskGroup, timeout } = core;

const work = (race) => async () => {
  if (race) await Promise.race([sleep(0.01), sleep(30)]);
  await foreign(100);
  await sleep(0.3);
  return 'ran to the end';
};
await run(async () => {
  for (const race of [true, false]) {
    const task = createTask(work(race));
    await sleep(0.05);
    task.cancel();
    if (race) check('cancel() after a race', await hangs(task), 'CancelledError');
    else check('cancel() without a race', await hangs(task), 'CancelledError'); // control: holds today
  }
  check('a deadline after a race', await hangs(createTask(() => timeout(0.05, work(true)))), 'TimeoutError');
  check('a deadline without a race', await hangs(createTask(() => timeout(0.05, work(false)))), 'TimeoutError'); // control: holds today
  const group = createTask(() =>
    taskGroup(async (g) => {
      g.createTask(async () => {
        await sleep(0.03);
        throw new Error('child');
      });
      await Promise.race([sleep(0.01), new Event().wait()]);
      await foreign(60);
      await sleep(4);
    }),
  );
  check('a failed group ends its body soon', await hangs(group, 1), 'ExceptionGroup');
  group.cancel();
});
done();
