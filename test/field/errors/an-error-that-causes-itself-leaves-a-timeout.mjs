// The causes of errors may form a circle; runtimes print such errors. One that leaves a body at its deadline is thrown
// as it is.
import { check, done, inProcess, lines } from '../lib.mjs';

const attempt = (make) =>
  inProcess(
    `
  await core.run(async () => {
    try {
      await core.timeout(0.01, async () => { try { await core.sleep(1); } catch (cancelled) { throw (${make})(cancelled); } });
    } catch (error) { console.log('got', error.message); }
  });`,
    { limit: 3 },
  );
const one = await attempt('() => { const error = new Error("mine"); error.cause = error; return error; }');
check('an error that is its own cause', [one.hung, lines(one.stdout)], [false, ['got mine']]);
const two = await attempt(
  '() => { const error = new Error("mine"); error.cause = new Error("other", { cause: error }); return error; }',
);
check('two errors that cause each other', [two.hung, lines(two.stdout)], [false, ['got mine']]);
const usual = await attempt('(cancelled) => new Error("mine", { cause: cancelled })');
check('an error with a usual cause', lines(usual.stdout), ['got mine']); // control: holds today
done();
