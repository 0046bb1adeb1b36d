// Do the figures of `npm run bench` hold in a server? All workloads in one process again, but as a server has them: npm run
// bench:mixed. How it is measured is in README.md.
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { type LivingLoop, startLoop } from './lib/crowd.ts';
import { runOn } from './lib/library.ts';
import { printHead, quantity, times } from './lib/report.ts';
import { type Figure, LATEST, machine, type Results, read } from './lib/results.ts';
import { median, spread } from './lib/statistics.ts';
import { ASYNC, type Contender, GEN, NATIVE, type Subject } from './lib/subject.ts';
import { subjects } from './subjects/index.ts';

const USAGE = `usage: npm run bench:mixed -- [options]

  --only NAME      only this subject (again, or with commas, for several)
  --rounds N       so many rounds; 12 when absent
  --figures FILE   compare with the figures in this file, instead of measuring them first
  --loop KIND      crowd: a loop that lives, with tasks that wait in it (when absent)
                   empty: a loop that lives, with nothing else in it
                   own: a loop for each run, as npm run bench has it
  --gc KIND        full: a full collection before each run (when absent); minor: a minor one, as npm run bench has it
`;

/** So many times each function of each workload exists: what the engine learns of one place in the library is of all of them. */
const COPIES = 4;
const MOST = 2;

interface MixedOptions {
  readonly only: readonly string[];
  readonly rounds: number;
  readonly figures: string | null;
  readonly loop: string;
  readonly gc: string;
}

function optionsOf(args: string[]): MixedOptions {
  const { values } = parseArgs({
    args,
    options: {
      only: { type: 'string', multiple: true, default: [] },
      rounds: { type: 'string', default: '12' },
      figures: { type: 'string' },
      loop: { type: 'string', default: 'crowd' },
      gc: { type: 'string', default: 'full' },
    },
  });
  const rounds = Number(values.rounds);
  if (!Number.isInteger(rounds) || rounds < 1) throw new Error(`--rounds must be a whole number from 1`);
  if (!['crowd', 'empty', 'own'].includes(values.loop)) throw new Error('--loop is one of crowd, empty, own');
  if (!['full', 'minor'].includes(values.gc)) throw new Error('--gc is one of full, minor');
  const only = values.only.flatMap((names) => names.split(','));
  return { only, rounds, figures: values.figures ?? null, loop: values.loop, gc: values.gc };
}

/** Those in nanoseconds that need no processes of their own. */
function chosen({ only }: MixedOptions): Subject[] {
  const suited = subjects.filter(({ io, quantity }) => io === undefined && quantity === 'ns');
  const unknown = only.filter((name) => !suited.some((subject) => subject.name === name));
  if (unknown.length > 0) throw new Error(`no subject in nanoseconds is called ${unknown.join(', ')}`);
  return only.length === 0 ? suited : suited.filter(({ name }) => only.includes(name));
}

/** The same subject with functions of its own. */
async function copyOf(subject: Subject, copy: number): Promise<Contender[]> {
  const module: Record<string, unknown> = await import(`./subjects/${subject.name}.ts?copy=${copy}`);
  const found = Object.values(module).find((value) => (value as Partial<Subject>).name === subject.name);
  return (found as Subject).contenders.filter(({ name }) => [NATIVE, GEN, ASYNC].includes(name));
}

/** Samples in nanoseconds per operation, by subject and contender. */
type Samples = Map<string, Map<string, number[]>>;

async function measureMixed(rows: readonly Subject[], options: MixedOptions): Promise<Samples> {
  const samples: Samples = new Map(rows.map(({ name }) => [name, new Map()]));
  const copies: Contender[][][] = [];
  for (let copy = 0; copy < COPIES; copy++) copies.push(await Promise.all(rows.map((row) => copyOf(row, copy))));
  const living: LivingLoop | null = options.loop === 'own' ? null : await startLoop(options.loop === 'crowd');
  runOn(living?.loop ?? null);
  // One round more for each copy, which warms it up.
  for (let round = -COPIES; round < options.rounds; round++) {
    const copy = copies[(round + COPIES) % COPIES]!;
    for (const [at, row] of rows.entries()) {
      const contenders = copy[at]!;
      for (let i = 0; i < contenders.length; i++) {
        const { name, run } = contenders[(i + round + COPIES) % contenders.length]!;
        globalThis.gc?.({ type: options.gc === 'full' ? 'major' : 'minor' });
        const taken = (await run(row.count)) / row.count;
        if (round < 0) continue;
        const own = samples.get(row.name)!;
        if (!own.has(name)) own.set(name, []);
        own.get(name)!.push(taken);
      }
    }
  }
  runOn(null);
  await living?.close();
  return samples;
}

function figureOf(samples: Map<string, number[]>, name: string): Figure {
  const [own, native] = [samples.get(name)!, samples.get(NATIVE)!];
  const ratio = median(own.map((sample, round) => sample / native[round]!));
  return { name, median: median(own), spread: spread(own), ratio };
}

/** What `npm run bench` finds, in a process of its own. */
function benchFigures(rows: readonly Subject[]): Results {
  const script = path.join(import.meta.dirname, 'main.ts');
  const args = ['--expose-gc', script, '--only', rows.map(({ name }) => name).join()];
  console.warn('measuring what npm run bench measures …\n');
  const { status, error } = spawnSync(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  if (error !== undefined) throw error;
  if (status !== 0) throw new Error(`bench/main.ts ended with exit code ${status}`);
  return read(LATEST);
}

async function main(): Promise<void> {
  const options = optionsOf(process.argv.slice(2));
  if (globalThis.gc === undefined) throw new Error('collections can be asked for only with node --expose-gc');
  const rows = chosen(options);
  const figures = options.figures === null ? benchFigures(rows) : read(options.figures);
  printHead(machine(), false);
  const samples = await measureMixed(rows, options);
  const factors: Record<string, number[]> = { [GEN]: [], [ASYNC]: [] };
  console.log(`\n${'row'.padEnd(18)}${'native'.padStart(12)}${heading(GEN)}${heading(ASYNC)}`);
  for (const { name } of rows) {
    const own = samples.get(name)!;
    let line = name.padEnd(18) + `${quantity(median(own.get(NATIVE)!))} ns`.padStart(12);
    for (const spelling of [GEN, ASYNC]) {
      const { ratio } = figureOf(own, spelling);
      const known = figures.rows
        .find((row) => row.name === name)
        ?.figures.find((each) => each.name === spelling)?.ratio;
      const factor = ratio / (known ?? Number.NaN);
      factors[spelling]!.push(factor);
      line += times(ratio).padStart(10) + times(known ?? Number.NaN).padStart(10) + times(factor).padStart(9);
    }
    console.log(line);
  }
  for (const spelling of [GEN, ASYNC]) {
    const factor = median(factors[spelling]!);
    console.log(
      `median row, ${spelling}: ${times(factor)} its figure in npm run bench, goal ≤ ${MOST}: ${factor <= MOST ? 'met' : 'MISSED'}`,
    );
  }
}

const heading = (name: string): string => name.padStart(10) + 'in bench'.padStart(10) + 'factor'.padStart(9);

try {
  await main();
} catch (error) {
  console.error(`bench:mixed: ${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
  process.exitCode = 2;
}
