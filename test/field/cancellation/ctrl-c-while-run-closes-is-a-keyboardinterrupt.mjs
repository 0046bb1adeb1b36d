// The first Ctrl-C while run() waits for the clean-up of left tasks is a KeyboardInterrupt out of run(): the program's
// own `finally` runs. It does not kill the program in the midst of its clean-up.
import { check, done, inProcess, lines } from '../lib.mjs';

const ended = await inProcess(async () => {
  const { createTask, run, sleep } = core;
  try {
    await run(async () => {
      createTask(async () => {
        try {
          await sleep(30);
        } finally {
          setTimeout(() => process.kill(process.pid, 'SIGINT'), 50);
          await sleep(0.4);
        }
      });
      await sleep(0.01);
    });
    console.log('run resolved');
  } catch (error) {
    console.log(`run rejected with ${error.name}`);
  } finally {
    console.log('finally');
  }
});
check('run() rejects, and the finally of the program runs', lines(ended.stdout), [
  'run rejected with KeyboardInterrupt',
  'finally',
]);
check('the signal does not kill the program', [ended.signal, ended.code], [null, 0]);

const during = await inProcess(async () => {
  setTimeout(() => process.kill(process.pid, 'SIGINT'), 50);
  try {
    await core.run(() => core.sleep(3));
  } catch (error) {
    console.log(error.name);
  }
});
check('while main runs', lines(during.stdout), ['KeyboardInterrupt']); // control: holds today
done();
