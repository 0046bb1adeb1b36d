// Builds the targets of a plan, several processes at a time. After Ctrl-C, no process is left.
//
//     node examples/build/main.ts examples/build/plan.json --jobs 4 --grace 5

import path from 'node:path';
import process from 'node:process';
import { parseArgs, styleText } from 'node:util';
import { KeyboardInterrupt, run } from 'asyncio-ts';
import { build, type State } from './build.ts';
import { PlanError, readPlan } from './plan.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    jobs: { type: 'string', short: 'j', default: '4' },
    grace: { type: 'string', default: '5' },
  },
});
const file = positionals[0] ?? path.join(import.meta.dirname, 'plan.json');

const COLOURS = { started: 'cyan', made: 'green', failed: 'red', skipped: 'yellow' } as const;

async function main(): Promise<number> {
  const targets = await readPlan(file);
  const width = Math.max(...targets.map(({ name }) => name.length));
  const say = (target: string, text: string) => console.log(`${target.padEnd(width)} | ${text}`);
  const states = await build(targets, {
    jobs: Number(values.jobs),
    gracePeriod: Number(values.grace),
    cwd: path.dirname(file),
    onLine: say,
    onState(target, state, detail) {
      const words = detail === undefined ? state : `${state}: ${detail}`;
      say(target, styleText(COLOURS[state], words));
    },
  });
  const count = (wanted: State) => [...states.values()].filter((state) => state === wanted).length;
  console.log(`${count('made')} made, ${count('failed')} failed, ${count('skipped')} skipped`);
  return count('failed') === 0 ? 0 : 1;
}

try {
  process.exitCode = await run(main);
} catch (error) {
  if (error instanceof KeyboardInterrupt) {
    console.log('interrupted');
    process.exitCode = 130;
  } else if (error instanceof PlanError) {
    console.error(`${file}: ${error.message}`);
    process.exitCode = 2;
  } else {
    throw error;
  }
}
