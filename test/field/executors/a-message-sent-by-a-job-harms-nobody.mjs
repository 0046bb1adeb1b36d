// Code in a worker process may call process.send, as tools do that find a channel. The message is not the pool's: it is
// ignored, or its job fails. It does not crash the parent, nor is it taken for the job's result.
import { check, done, inProcess, lines } from '../lib.mjs';

const attempt = (statement) =>
  inProcess(
    `
  await core.run(async () => {
    await using pool = new node.ProcessPoolExecutor({ maxWorkers: 1 });
    try { console.log('job', await pool.submit(async () => { ${statement}; return 'result'; })); } catch { console.log('job failed'); }
  });
  console.log('goes on');`,
    { limit: 5 },
  );
const outcome = ({ stdout, hung, code }) => {
  const [job, after] = lines(stdout);
  return [job === 'job result' || job === 'job failed' ? 'right' : job, after, hung, code];
};
check('a text', outcome(await attempt("process.send?.('ready')")), ['right', 'goes on', false, 0]);
check('bytes', outcome(await attempt('process.send?.(new Uint8Array([1, 2, 3]))')), ['right', 'goes on', false, 0]);
check('an object', outcome(await attempt("process.send?.({ type: 'ready' })")), ['right', 'goes on', false, 0]);
check('nothing', outcome(await attempt('0')), ['right', 'goes on', false, 0]); // control: holds today
done();
