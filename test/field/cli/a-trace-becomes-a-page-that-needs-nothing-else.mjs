// Whoever looks at a trace sends the page to somebody else: it must be one file, whole in every runtime, with the viewer of the built package.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { check, child, dist, done, temporary } from '../lib.mjs';

const cli = fileURLToPath(`${dist}cli/main.js`);
const program = temporary(
  'traced.mjs',
  `import { createTask, sleep } from '${dist}index.js';
export async function main() {
  await createTask(async () => await sleep(0.01), { name: '</script>nap' });
}`,
);
const trace = temporary('trace.json', '');
const recorded = await child([cli, 'run', '--trace', trace, program], { limit: 10 });
check('the program runs', recorded.code, 0);
const { traceEvents, otherData } = JSON.parse(readFileSync(trace, 'utf8'));
check('the trace says what it is', otherData.format, 'asyncio-ts trace');
check(
  'it has the wait',
  traceEvents.some(({ name, cat }) => name === 'sleep' && cat === 'wait'),
  true,
);
const page = await child([cli, 'trace', '--output', '-', trace], { limit: 10 });
check('the page is made', page.code, 0);
const html = String(page.stdout ?? page.out);
const module = /<script type="module">([\s\S]*?)<\/script>/.exec(html)?.[1] ?? '';
check('the viewer is in it', /function createTimeline\b/.test(module), true);
check('and imports nothing', /^\s*import\b/m.test(module), false);
check('names end no script', html.match(/<\/script>/g)?.length, 2);
done();
