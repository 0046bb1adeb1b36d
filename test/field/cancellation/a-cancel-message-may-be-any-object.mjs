// cancel(message) and abort(reason) take any value, also an object without a prototype, as a match's groups or a parsed
// query is: the task is cancelled, and the error has the value.
import { check, core, done, hangs } from '../lib.mjs';

const { createTask, run, sleep, taskGroup } = core;

const reason = Object.assign(Object.create(null), { why: 'client left' });
const uncaught = [];
process.on('uncaughtException', (error) => uncaught.push(error.name));
await run(async () => {
  for (const message of ['text', reason]) {
    const task = createTask(() => sleep(1));
    await sleep(0.01);
    task.cancel(message);
    const args = await task.catch((error) => error.args);
    if (message === reason)
      check('cancel(object without a prototype)', [task.cancelled(), args?.[0] === reason], [true, true]);
    else check('cancel(text)', [task.cancelled(), args], [true, ['text']]); // control: holds today
  }
  check(
    'in a task group',
    await hangs(
      createTask(() =>
        taskGroup(async (g) => {
          const task = g.createTask(() => sleep(1));
          await sleep(0.01);
          task.cancel(reason);
        }),
      ),
    ),
    undefined,
  );
  const controller = new AbortController();
  const task = createTask(() => sleep(0.2, 'ran to the end'), { signal: controller.signal });
  await sleep(0.01);
  controller.abort(reason);
  check('abort(object without a prototype)', await hangs(task), 'CancelledError');
  check('nothing is uncaught', uncaught, []);
});
done();
