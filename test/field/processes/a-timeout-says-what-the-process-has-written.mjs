// runProcess with a deadline: when it passes, the error has what the process wrote so far. A process that has ended
// while a background child keeps its output open is not said to be still running.
import { check, core, done, node } from '../lib.mjs';

if (process.platform !== 'win32') {
  const failure = async (script) => {
    try {
      return await node.runProcess('sh', ['-c', script], { timeout: 0.5, gracePeriod: 0.2, encoding: 'utf-8' });
    } catch (error) {
      return error;
    }
  };
  await core.run(async () => {
    const hanging = await failure('echo why >&2; echo started; sleep 5');
    check('the deadline passes', hanging.name, 'TimeoutError'); // control: holds today
    check('the error has the output', [hanging.stdout, hanging.stderr], ['started\n', 'why\n']);
    const ended = await failure('sleep 3 & echo started; exit 3');
    check('an ended process: its exit code', ended.returncode, 3);
    check('an ended process: its output', ended.stdout, 'started\n');
    check('an ended process is not called a running one', /has not ended/.test(ended.message ?? ''), false);
  });
}
done();
