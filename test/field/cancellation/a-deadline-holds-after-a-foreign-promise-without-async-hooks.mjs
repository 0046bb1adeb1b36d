// A browser has no AsyncLocalStorage. A body that has awaited fetch() there is still the body of its deadline and of
// its group: the deadline is a TimeoutError, a failed group ends, or debug mode says that it cannot. It is not passed
// over in silence.
import { check, done, inProcess, lines } from '../lib.mjs';

const program = `
await core.run(async () => {
  const { createTask, sleep, taskGroup, timeout } = core;
  const late = async () => { await foreign(50); await sleep(0.8); console.log('ran on'); };
  try { await timeout(0.2, late); console.log('no timeout'); } catch (error) { console.log(error.name); }
  try {
    await taskGroup(async (g) => {
      g.createTask(late);
      g.createTask(async () => { await sleep(0.2); throw new Error('boom'); });
    });
  } catch (error) { console.log(error.name); }
}, { debug: true });
process.exit();`;
const before =
  'delete globalThis.AsyncLocalStorage; process.getBuiltinModule = undefined; if (globalThis.process) globalThis.process.getBuiltinModule = undefined;';
const browser = await inProcess(program, { before });
const told = /foreign|promise that is not|wrapPromise/.test(browser.stderr);
check(
  'a deadline and a group',
  told ? 'told' : lines(browser.stdout),
  told ? 'told' : ['TimeoutError', 'ExceptionGroup'],
);
check('with AsyncLocalStorage', lines((await inProcess(program)).stdout), ['TimeoutError', 'ExceptionGroup']); // control: holds today
done();
