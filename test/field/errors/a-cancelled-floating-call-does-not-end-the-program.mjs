// A task has started a call without awaiting it, and is cancelled. The CancelledError that the library throws into that
// call is its own doing, and no unhandled error of the program; if it is reported at all, with a place.
import { check, done, inProcess, lines } from '../lib.mjs';

const result = await inProcess(async () => {
  const { createTask, run, sleep } = core;
  async function audit() {
    await sleep(1);
  }
  await run(async () => {
    const request = createTask(
      async () => {
        audit();
        await sleep(30);
      },
      { name: 'request' },
    );
    await sleep(0.02);
    request.cancel();
    await Promise.allSettled([request]);
    await sleep(0.05);
    console.log('goes on');
  });
});
check('the program goes on', [lines(result.stdout), result.code], [['goes on'], 0]);
check('nothing is written, or the place', result.stderr === '' || /audit|request/.test(result.stderr), true);

const awaited = await inProcess(async () => {
  const task = core.createTask(() => core.sleep(1));
  await core.run(() => core.sleep(0.01));
  task.cancel();
  console.log(await task.catch((error) => error.name));
});
check('a cancelled task that is awaited', [lines(awaited.stdout), awaited.code], [['CancelledError'], 0]); // control: holds today
done();
