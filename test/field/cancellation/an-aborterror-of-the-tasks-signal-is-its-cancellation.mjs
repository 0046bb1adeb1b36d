// The APIs of Node take currentSignal() and reject with an AbortError whose cause is the CancelledError. That is the
// task's cancellation: timeout, waitFor, taskGroup and rethrowIfCancelled take it for what it is, as they do the error
// itself.
import { setTimeout as nodeSleep } from 'node:timers/promises';
import { check, core, done, hangs } from '../lib.mjs';

const { createTask, currentSignal, getRunningLoop, rethrowIfCancelled, run, sleep, taskGroup, timeout, waitFor } = core;

const nap = (ms) => nodeSleep(ms, null, { signal: currentSignal() });
const cancelled = async (body) => {
  const task = createTask(body);
  await sleep(0.03);
  task.cancel();
  await hangs(task);
  return task.cancelled();
};
await run(async () => {
  check('timeout', await hangs(createTask(() => timeout(0.03, () => nap(1_500)))), 'TimeoutError');
  check('waitFor', await hangs(createTask(() => waitFor(() => nap(1_500), 0.03))), 'TimeoutError');
  check('a cancelled task group', await cancelled(() => taskGroup(() => nap(1_500))), true);
  check(
    'group.cancel() ends the body quietly',
    await hangs(
      createTask(() =>
        taskGroup(async (g) => {
          getRunningLoop().callLater(0.03, () => g.cancel());
          await nap(1_500);
        }),
      ),
    ),
    undefined,
  );
  let tries = 0;
  await cancelled(async () => {
    for (let i = 0; i < 3; i++)
      try {
        tries++;
        await nap(100);
      } catch (error) {
        rethrowIfCancelled(error);
      }
  });
  check('rethrowIfCancelled ends a loop of tries', tries, 1);
  check('a cancelled task', await cancelled(() => nap(1_500)), true); // control: holds today
});
done();
