// Known bugs as small programs, and how soon the explorer finds them: `npm run bench:yardsticks`.
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { loadFamilies } from './families.ts';
import type { Family } from './kernel.ts';
import { checkFixed, isReached, type Measured, measure, SEEDS } from './measure.ts';
import { documentOf, speedTable, summaryOf, tableOf } from './report.ts';
import { measureSpeed } from './speed.ts';

const USAGE = `usage: npm run bench:yardsticks -- [options]

  --only WORD     only families and programs with this word in their names
  --long          100,000 schedules of each fixed form instead of 1,000
  --seeds N       so many explorations of each program (default: ${SEEDS})
  --no-speed      do not measure how many schedules are run in a second
  --write         write docs/testing-yardsticks.md
`;
const DOCUMENT = new URL('../../docs/testing-yardsticks.md', import.meta.url);

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    long: { type: 'boolean', default: false },
    seeds: { type: 'string', default: String(SEEDS) },
    'no-speed': { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    help: { type: 'boolean', short: 'h', default: false },
  },
});

if (values.help) console.log(USAGE);
else if (values.write && (values.only !== undefined || values.seeds !== String(SEEDS))) {
  console.error('bench:yardsticks: --write is for all programs and seeds: leave out --only and --seeds');
  process.exitCode = 2;
} else await run();

async function run(): Promise<void> {
  const fixedSchedules = values.long ? 100_000 : 1_000;
  const parts: { family: Family; measured: Measured[] }[] = [];
  for (const family of (await loadFamilies()).map(selected)) {
    if (family.kernels.length === 0) continue;
    const measured = await measureFamily(family, fixedSchedules);
    parts.push({ family, measured });
    console.log(`\n## ${family.name}\n\n${tableOf(family, measured)}\n\n${summaryOf(family, measured)}`);
  }
  const count = parts.reduce((sum, { measured }) => sum + measured.length, 0);
  const fixed = `${fixedSchedules.toLocaleString('en-US')} schedules of each of the ${count} fixed forms were run as well, without a failure.`;
  console.log(`\n${fixed}`);
  const speeds = values['no-speed'] ? [] : await measureSpeed();
  if (speeds.length > 0) console.log(`\n${speedTable(speeds)}`);
  if (values.write) writeFileSync(DOCUMENT, documentOf(parts, fixed, speeds));
}

function selected(family: Family): Family {
  const { only } = values;
  if (only === undefined || family.name.includes(only)) return family;
  return { ...family, kernels: family.kernels.filter(({ name }) => name.includes(only)) };
}

async function measureFamily(family: Family, fixedSchedules: number): Promise<Measured[]> {
  const all: Measured[] = [];
  for (const kernel of family.kernels) {
    process.stderr.write(`${kernel.name} …\n`);
    const figures = [];
    for (const strategy of family.strategies ?? ['portfolio' as const]) {
      const figure = await measure(kernel, strategy, Number(values.seeds));
      figures.push(figure);
      if (!isReached(kernel, figure)) {
        const { median, rate } = figure;
        console.log(
          `${kernel.name}: ${strategy} needs ${median ?? 'too many'} schedules${rate === null ? '' : `, rate ${rate}`}`,
        );
      }
    }
    await checkFixed(kernel, fixedSchedules);
    all.push({ kernel, figures });
  }
  return all;
}
