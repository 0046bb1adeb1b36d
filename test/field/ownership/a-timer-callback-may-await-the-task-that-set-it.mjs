// A timer callback is not part of the task that set the timer: it may wait for that task, as any outside code may.
import { check, core, done, foreign, hangs } from '../lib.mjs';

const { createTask, currentTask, run, sleep } = core;

let outcome = 'nothing',
  taskInTimer;
await run(async () => {
  const task = createTask(
    async () => {
      setTimeout(async () => {
        taskInTimer = currentTask()?.getName() ?? 'none';
        try {
          outcome = await task;
        } catch (error) {
          outcome = error.name;
        }
      }, 20);
      await sleep(0.1);
      return 5;
    },
    { name: 'setter' },
  );
  await task;
  await foreign(100);
});
check('the timer callback is not run as the task', taskInTimer === 'setter', false);
check('awaiting the task gives its result', outcome, 5);

let generatorOutcome = 'nothing';
await run(function* () {
  const task = createTask(function* () {
    setTimeout(async () => {
      try {
        generatorOutcome = await task;
      } catch (error) {
        generatorOutcome = error.name;
      }
    }, 20);
    yield* sleep(0.1);
    return 5;
  });
  yield* task;
  yield* sleep(0.05);
});
check('awaiting a generator task gives its result', generatorOutcome, 5); // control: holds today
check('run ends', await hangs(run(() => sleep(0.01, 'ended'))), 'ended'); // control: holds today
done();
