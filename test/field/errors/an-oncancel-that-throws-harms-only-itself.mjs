// An error in a user's onCancel is told to the loop's exception handler. Whoever cancels goes on: cancel() returns
// true, a task group still reports the real failure, and the program runs on.
import { check, core, done, hangs } from '../lib.mjs';

const { createTask, getRunningLoop, run, sleep, taskGroup, wrapPromise } = core;

const bad = () =>
  wrapPromise(new Promise(() => {}), {
    onCancel() {
      throw new Error('boom in onCancel');
    },
  });
const told = [];
const listen = () => getRunningLoop().setExceptionHandler((_loop, context) => told.push(String(context.exception)));
check(
  'cancel() returns true',
  await hangs(
    run(async () => {
      listen();
      const task = createTask(bad);
      await sleep(0.01);
      const answer = task.cancel();
      await Promise.allSettled([task]);
      return [answer, task.cancelled()];
    }),
  ),
  [true, true],
);
check('the exception handler is told', told, ['Error: boom in onCancel']);
let group = 'nothing';
check(
  'the program goes on',
  await hangs(
    run(async () => {
      listen();
      try {
        await taskGroup(async (g) => {
          g.createTask(bad);
          g.createTask(async () => {
            await sleep(0.02);
            throw new RangeError('real failure');
          });
        });
      } catch (error) {
        group = error.errors?.map(String);
      }
      await sleep(0.01);
      return 'went on';
    }),
  ),
  'went on',
);
check('the group reports the real failure', group, ['RangeError: real failure']); // control: holds today
done();
