// A group that has cancelled itself waits for its tasks. A cancellation from outside that comes meanwhile is not the
// group's own: it goes on out, so that an outer deadline is seen and a cancelled task ends.
import { check, core, done, hangs } from '../lib.mjs';

const { createTask, run, sleep, taskGroup, timeout } = core;

const slowToEnd = async () => {
  try {
    await sleep(30);
  } finally {
    await sleep(0.2);
  }
};
const group = () =>
  taskGroup(async (g) => {
    g.createTask(slowToEnd);
    await sleep(0.01);
    g.cancel();
  });
const generatorGroup = () =>
  taskGroup(function* (g) {
    g.createTask(slowToEnd);
    yield* sleep(0.01);
    g.cancel();
  });
await run(async () => {
  check('an outer deadline', await hangs(createTask(() => timeout(0.06, group))), 'TimeoutError');
  check(
    'an outer deadline, generator',
    await hangs(
      createTask(function* () {
        yield* timeout(0.06, generatorGroup);
      }),
    ),
    'TimeoutError',
  );
  const task = createTask(async () => {
    await group();
    await sleep(0.01);
    return 'went on';
  });
  await sleep(0.06);
  task.cancel();
  check('cancelled from outside', await hangs(task), 'CancelledError');
  const generator = createTask(function* () {
    yield* generatorGroup();
    yield* sleep(0.01);
    return 'went on';
  });
  await sleep(0.06);
  generator.cancel();
  check('cancelled from outside, generator', await hangs(generator), 'CancelledError');
  check('no outer cancellation: left quietly', await hangs(createTask(group)), undefined); // control: holds today
});
done();
