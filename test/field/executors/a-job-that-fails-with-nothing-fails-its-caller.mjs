// Executors are also written by users: submit() may give any promise. One that rejects with nothing, throws, or never
// settles fails or times out its caller, and the loop goes on.
import { check, done, inProcess, lines } from '../lib.mjs';

const attempt = (submit) =>
  inProcess(
    `
  await core.run(async () => {
    const loop = core.getRunningLoop();
    const executor = { submit: ${submit}, shutdown() {} };
    try { console.log('value', await core.timeout(0.3, async () => await loop.runInExecutor(executor, () => 1))); } catch (error) { console.log(error instanceof core.TimeoutError ? 'TimeoutError' : 'failed'); }
    await core.sleep(0.01);
    console.log('goes on');
  });`,
    { limit: 3 },
  );
const outcome = ({ stdout, hung }) => [hung ? 'HANGS' : 'ended', ...lines(stdout)];
check('rejects with undefined', outcome(await attempt('() => Promise.reject()')), ['ended', 'failed', 'goes on']); // control: holds today
check('rejects with null', outcome(await attempt('() => Promise.reject(null)')), ['ended', 'failed', 'goes on']); // control: holds today
check('throws undefined', outcome(await attempt('() => { throw undefined; }')), ['ended', 'failed', 'goes on']); // control: holds today
check('never settles', outcome(await attempt('() => new Promise(() => {})')), ['ended', 'TimeoutError', 'goes on']); // control: holds today
check(
  'a cancel() that throws',
  outcome(await attempt("() => Object.assign(new Promise(() => {}), { cancel() { throw new Error('no'); } })")),
  ['ended', 'TimeoutError', 'goes on'],
);
check('gives a value', outcome(await attempt('async (f) => f()')), ['ended', 'value 1', 'goes on']); // control: holds today
done();
