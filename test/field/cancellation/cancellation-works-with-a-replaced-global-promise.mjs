// Tracing tools and zones replace the global Promise before a program is loaded. Async functions go on to use the
// engine's own: cancellations still go down to what is awaited, and deadlines hold.
import { check, done, inProcess, lines } from '../lib.mjs';

const before = `
const Native = Promise;
globalThis.Promise = class TracedPromise extends Native {
  constructor(executor) { super((resolve, reject) => executor((value) => resolve(value), (error) => reject(error))); }
};`;
const program = `
await core.run(async () => {
  const inner = core.createTask(() => core.sleep(0.4));
  const task = core.createTask(async () => { await inner; });
  await core.sleep(0.01);
  task.cancel();
  await (globalThis.Native ?? Promise).allSettled([task]);
  console.log('inner cancelled', inner.cancelled());
  try { await core.timeout(0.05, async () => { await core.gather(() => core.sleep(1)); }); console.log('no timeout'); } catch (error) { console.log(error.name); }
});
process.exit();`;
const replaced = lines((await inProcess(program, { before })).stdout);
check('what a cancelled task awaits is cancelled', replaced[0], 'inner cancelled true');
check('a deadline ends what is awaited', replaced[1], 'TimeoutError');
check('with the global Promise as it was', lines((await inProcess(program)).stdout), [
  'inner cancelled true',
  'TimeoutError',
]); // control: holds today
done();
