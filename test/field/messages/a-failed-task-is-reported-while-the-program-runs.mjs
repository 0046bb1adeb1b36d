// A task that failed and that nobody holds or awaits is reported soon, while the program runs: a service that reports
// it when it is stopped days later reports nothing.
import { check, done, inProcess, lines } from '../lib.mjs';

const first = ({ stderr }) =>
  lines(stderr)
    .find((line) => /boom|main ends/.test(line))
    ?.replace(/.*boom.*/, 'reported');
const inRun = await inProcess(async () => {
  process.on('unhandledRejection', (error) => console.error(String(error)));
  await core.run(async () => {
    core.createTask(async function job() {
      await core.sleep(0.01);
      throw new Error('boom');
    });
    await core.sleep(2);
    console.error('main ends');
  });
});
check('inside run()', first(inRun), 'reported');
const topLevel = await inProcess(async () => {
  process.on('unhandledRejection', (error) => console.error(String(error)));
  core.createTask(async function job() {
    await core.sleep(0.01);
    throw new Error('boom');
  });
  await foreign(2_000);
  console.error('main ends');
});
check('without run()', first(topLevel), 'reported');
const promise = await inProcess(async () => {
  process.on('unhandledRejection', (error) => console.error(String(error)));
  core.run(async () => {
    throw new Error('boom');
  });
  await foreign(300);
  console.error('main ends');
});
check('a run() that nobody awaits', first(promise), 'reported'); // control: holds today
done();
