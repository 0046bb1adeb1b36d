// Async functions side by side in one task are branches. A deadline in one of them ends what runs inside it, not the
// other branches, as with any promise library; the task is not cancelled, for nobody has cancelled it.
import { check, core, done, hangs } from '../lib.mjs';

const { createTask, gather, run, sleep, taskGroup, timeout } = core;

async function withFallback() {
  try {
    return await timeout(0.05, () => sleep(30));
  } catch (error) {
    return `fallback ${error.name}`;
  }
}
async function other() {
  await sleep(0.2);
  return 'other';
}
const expected = ['other', 'fallback TimeoutError'];
await run(async () => {
  check('gather(f, g)', await hangs(createTask(async () => await gather(other, withFallback))), expected); // control: holds today
  check('Promise.all', await hangs(createTask(() => Promise.all([other(), withFallback()]))), expected);
  check('gather(f(), g())', await hangs(createTask(async () => await gather(other(), withFallback()))), expected);
  check('three branches', await hangs(createTask(() => Promise.all([withFallback(), other(), withFallback()]))), [
    'fallback TimeoutError',
    ...expected,
  ]);
  let saved = 'nothing';
  const group = taskGroup(async (g) => {
    g.createTask(async () => {
      saved = await Promise.all([other(), withFallback()]);
    });
  });
  await group;
  check('a task of a group does its work', saved, expected);
  check(
    'generators',
    await hangs(
      createTask(function* () {
        // control: holds today
        return yield* gather(
          function* () {
            yield* sleep(0.2);
            return 'other';
          },
          function* () {
            try {
              return yield* timeout(0.05, () => sleep(30));
            } catch (error) {
              return `fallback ${error.name}`;
            }
          },
        );
      }),
    ),
    expected,
  );
});
done();
