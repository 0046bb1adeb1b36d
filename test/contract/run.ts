// Runs the contract suite on the built package, in every runtime that is there.
//
//     npm run contract                      # all of them
//     npm run contract -- node-22 page      # some of them
import { needBuild, skipped } from '../../scripts/lib/project.ts';
import { bunPlaces, denoPlaces, nodePlaces } from '../../scripts/lib/runtimes.ts';
import type { Report } from './lib/report.ts';
import { browserRuntime } from './runtimes/browser.ts';
import { bundledRuntime } from './runtimes/bundled.ts';
import { withEsbuild, withEsbuildForNode, withRolldown, withVite, withWebpack } from './runtimes/bundlers.ts';
import { processRuntime } from './runtimes/processes.ts';
import type { Runtime } from './runtimes/runtime.ts';

const install = 'it comes with `npm ci`';

function node(major: number, name = `node-${major}`, entry = 'process.ts'): Runtime {
  return processRuntime({ name, advice: install, places: nodePlaces(major), version: `${major}.`, entry });
}

const runtimes: readonly Runtime[] = [
  node(22),
  node(24),
  node(26),
  node(26, 'worker-thread', 'worker-threads.ts'),
  processRuntime({ name: 'bun', advice: install, places: bunPlaces }),
  processRuntime({
    name: 'deno',
    advice: install,
    places: denoPlaces,
    args: ['run', '--allow-all', '--no-check', '--no-lock', '--no-remote'],
  }),
  bundledRuntime('esbuild', withEsbuild),
  bundledRuntime('esbuild-node', withEsbuildForNode),
  bundledRuntime('rolldown', withRolldown),
  bundledRuntime('vite', withVite),
  bundledRuntime('webpack', withWebpack),
  browserRuntime('page', 'page.ts'),
  browserRuntime('web-worker', 'page-with-worker.ts'),
];

needBuild();
process.exitCode = (await runAll(chosen(process.argv.slice(2)))) ? 0 : 1;

function chosen(names: readonly string[]): readonly Runtime[] {
  const unknown = names.filter((name) => !runtimes.some((runtime) => runtime.name === name));
  if (unknown.length > 0) {
    console.error(
      `contract: no runtime ${unknown.join(', ')}; there are ${runtimes.map(({ name }) => name).join(', ')}`,
    );
    process.exit(2);
  }
  return names.length === 0 ? runtimes : runtimes.filter(({ name }) => names.includes(name));
}

/** One after the other, because some checks look at real time. True when none breaks the contract. */
async function runAll(all: readonly Runtime[]): Promise<boolean> {
  const counts = { passed: 0, failed: 0, skipped: 0 };
  for (const runtime of all) counts[await outcomeOf(runtime)]++;
  console.log(`runtimes: ${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
  return counts.failed === 0;
}

async function outcomeOf({ name, advice, find }: Runtime): Promise<'passed' | 'failed' | 'skipped'> {
  const runSuite = find();
  if (runSuite === null) {
    skipped(`contract suite in ${name}: ${advice}`);
    return 'skipped';
  }
  try {
    const { version, report } = await runSuite();
    print(`${name.padEnd(14)}${version.padEnd(16)}`, report);
    return report.failures.length === 0 ? 'passed' : 'failed';
  } catch (error) {
    console.log(`FAILED  ${name.padEnd(14)}${error instanceof Error ? error.message : error}`);
    return 'failed';
  }
}

function print(title: string, { checks, failures, seconds }: Report): void {
  const outcome = failures.length === 0 ? 'passed' : 'FAILED';
  const count = failures.length === 0 ? '' : `  ${failures.length} failed`;
  console.log(`${outcome}  ${title}${String(checks).padStart(4)} checks  ${seconds.toFixed(1)} s${count}`);
  for (const { name, message } of failures) console.log(`\n  ${name}\n${message.trimEnd().replaceAll(/^/gm, '    ')}`);
  if (failures.length > 0) console.log();
}
