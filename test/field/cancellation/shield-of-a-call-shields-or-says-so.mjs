// `shield(commit())` is Python's spelling. Here the call runs in the calling task, so either its work is protected all
// the same, or the mistake is told: by an error, or by a report in debug mode.
import { check, done, inProcess } from '../lib.mjs';

const attempt = (how) =>
  inProcess(`
  await core.run(async () => {
    const { createTask, shield, sleep } = core;
    core.getRunningLoop().setExceptionHandler(() => {});
    const commit = async () => { await sleep(0.1); console.log('committed'); };
    const task = createTask(async () => await shield(${how}));
    await sleep(0.02);
    task.cancel();
    await Promise.allSettled([task]);
    if (!task.cancelled()) console.log('refused:', String(task.exception()));
    await sleep(0.3);
  }, { debug: true });`);
const answer = ({ stdout, stderr }) =>
  stdout.includes('committed') ? 'protected' : /shield/.test(stdout + stderr) ? 'told' : 'silently lost';
const call = answer(await attempt('commit()'));
check('shield(commit())', call === 'silently lost' ? call : 'protected or told', 'protected or told');
check('shield(commit)', answer(await attempt('commit')), 'protected'); // control: holds today
done();
