// A program that is out of file descriptors for a moment, just when it has its first job for a thread, gets an error
// for that job. When there are descriptors again, the next job runs.
import { check, done, inProcess, lines, skip } from '../lib.mjs';

if (process.platform === 'win32') skip('needs ulimit');
const result = await inProcess(
  `
  const fs = await import('node:fs');
  await core.run(async () => {
    const attempt = async () => {
      try { return await core.timeout(3, async () => await node.toThread(() => 'works')); } catch (error) { return error.name; }
    };
    const held = [];
    try { for (;;) held.push(fs.openSync('/dev/null')); } catch {}
    const during = await attempt();
    for (const fd of held) fs.closeSync(fd);
    console.log(during === 'works' ? 'works' : 'error', await attempt(), await attempt());
  });
  process.exit();`,
  { setup: 'ulimit -n 64', limit: 12 },
);
const outcomes = lines(result.stdout).at(-1)?.split(' ') ?? [result.hung ? 'HANGS' : result.stderr.slice(-200)];
check('the next job runs', outcomes[1], 'works');
check('and the one after it', outcomes[2], 'works');
done();
