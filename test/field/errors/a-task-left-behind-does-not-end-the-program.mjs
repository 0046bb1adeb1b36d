// After a second Ctrl-C run() leaves a task at a foreign promise behind. What that promise brings later is dropped: it
// is no error of the program, which saves its state after run().
import { check, done, inProcess, lines } from '../lib.mjs';

const result = await inProcess(async () => {
  setTimeout(() => process.kill(process.pid, 'SIGINT'), 50);
  setTimeout(() => process.kill(process.pid, 'SIGINT'), 150);
  try {
    await core.run(async () => {
      await foreign(600);
    });
  } catch (error) {
    console.log(error.name);
  }
  console.log('goes on');
  await foreign(900);
  console.log('ends');
});
check('the program comes to its end', lines(result.stdout), ['KeyboardInterrupt', 'goes on', 'ends']);
check('its exit code is 0', result.code, 0);
done();
