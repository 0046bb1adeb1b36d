/** Random programs on the built library and on the model: see README.md. */
import { existsSync, readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { compare, type Difference, traceLines } from './compare.ts';
import { generate, Random } from './generate.ts';
import { type ModelTrace, runModel } from './model.ts';
import { MUTATIONS, type Mutation, PARTS, type Part } from './outcome.ts';
import type { Program, Spelling, Ticks, Trace } from './program.ts';
import { type Library, runReal } from './real.ts';
import { RULES } from './rules.ts';
import { showProgram, showTraces } from './show.ts';
import { shrink } from './shrink.ts';

interface Options {
  seeds: readonly [number, number];
  spellings: readonly Spelling[];
  program: string | null;
  mutation: Mutation | null;
  lib: string;
  stop: number;
  shrinks: number;
  isVerbose: boolean;
  /** Main sleeps at its end until all others have ended, so that `run()` leaves nothing behind. */
  hasTail: boolean;
  without: ReadonlySet<Part>;
}

const USAGE =
  'options: --seeds A..B, --prog FILE, --spelling async|gen|mixed|all, --mutate NAME|all, --lib DIST, --stop N, --shrink N, --tail, --without PART,..., --with PART,..., --verbose';

function parse(args: readonly string[]): Options {
  const options: Options = {
    seeds: [0, 300],
    spellings: ['async'],
    program: null,
    mutation: null,
    lib: 'dist',
    stop: 5,
    shrinks: 3,
    isVerbose: false,
    hasTail: false,
    without: new Set([...KNOWN_GAPS, ...('bun' in process.versions || 'deno' in process.versions ? ONLY_ON_NODE : [])]),
  };
  for (let i = 0; i < args.length; i++) {
    const value = (): string => args[++i] ?? fail(`${args[i - 1]} needs a value`);
    switch (args[i]) {
      case '--seeds': {
        const [from, to] = value().split('..').map(Number);
        if (from === undefined || Number.isNaN(from) || Number.isNaN(to)) fail('--seeds A..B, or --seeds A');
        options.seeds = [from!, to ?? from! + 1];
        break;
      }
      case '--spelling': {
        const given = value();
        options.spellings = given === 'all' ? ['async', 'gen', 'mixed'] : [given as Spelling];
        break;
      }
      case '--prog':
        options.program = value();
        break;
      case '--mutate':
        options.mutation = value() as Mutation;
        break;
      case '--lib':
        options.lib = value();
        break;
      case '--stop':
        options.stop = Number(value());
        break;
      case '--shrink':
        options.shrinks = Number(value());
        break;
      case '--without': {
        options.without = new Set([...options.without, ...partsOf(value())]);
        break;
      }
      case '--with': {
        const parts = partsOf(value());
        options.without = new Set([...options.without].filter((part) => !parts.includes(part)));
        break;
      }
      case '--tail':
        options.hasTail = true;
        break;
      case '--verbose':
        options.isVerbose = true;
        break;
      default:
        fail(`unknown option ${args[i]}`);
    }
  }
  return options;
}

function partsOf(given: string): Part[] {
  const parts = given.split(',') as Part[];
  if (parts.every((part) => part in PARTS)) return parts;
  const known = Object.entries(PARTS).map(([name, what]) => `  ${name}: ${what}`);
  return fail(`parts are\n${known.join('\n')}`);
}

function fail(message: string): never {
  process.stderr.write(`${message}\n${USAGE}\n`);
  process.exit(2);
}

/** Where the library is known to be wrong: left out unless `--with` says otherwise. */
const KNOWN_GAPS: readonly Part[] = [];

/** What only Node can tell: which code is a callback (R6, R8). */
const ONLY_ON_NODE: readonly Part[] = ['callbacks', 'bound', 'late'];

const options = parse(process.argv.slice(2));
const entry = resolve(options.lib, 'index.js');
if (!existsSync(entry)) fail(`${entry} is missing: npm run build`);
// Many programs have tasks whose errors are never retrieved. These reports are not printed.
console.error = () => {};
// Nor is what run() finds left behind.
console.warn = () => {};
const library = (await import(pathToFileURL(entry).href)) as Library;

interface Finding {
  readonly label: string;
  readonly program: Program;
  readonly spelling: Spelling;
}

/** How many differences depended on an order that is not promised. */
let orderDependent = 0;

/** Programs that differ once, and not again: something of an earlier program goes on. */
let unsteady = 0;

interface Comparison {
  readonly model: ModelTrace;
  readonly real: Trace;
  readonly difference: Difference | null;
}

/** How many other ways the model may go before a difference counts. */
const OTHER_WAYS = 40;

/**
 * Runs a program on both. What happens within one moment has an order that nobody has promised: where the model itself ends
 * differently when its handles and promises take another one, either result will do, and the comparison ends.
 */
async function runBoth(program: Program, spelling: Spelling, mutation: Mutation | null): Promise<Comparison> {
  const real = await runReal(library, program, spelling);
  const { without } = options;
  const model = runModel(program, { mutation, without, spelling });
  const difference = compare(model, real, !without.has('stories'));
  if (difference === null || (!difference.isStray && dependsOnOrder(program, difference.at, model, spelling, mutation)))
    return { model, real, difference: null };
  // A model that is wrong on purpose must be wrong where the right one is right.
  if (mutation !== null && (await runBoth(program, spelling, null)).difference !== null)
    return { model, real, difference: null };
  return { model, real, difference };
}

function dependsOnOrder(
  program: Program,
  at: Ticks,
  model: ModelTrace,
  spelling: Spelling,
  mutation: Mutation | null,
): boolean {
  for (let i = 0; i < OTHER_WAYS; i++) {
    const random = new Random(i);
    const other = runModel(program, {
      mutation,
      without: options.without,
      chance: () => random.next(),
      spelling,
    });
    if ((other.cut !== null && other.cut.at <= at) || (compare(model, other)?.at ?? Number.POSITIVE_INFINITY) <= at) {
      orderDependent++;
      return true;
    }
  }
  return false;
}

async function differs(program: Program, spelling: Spelling, mutation: Mutation | null): Promise<boolean> {
  return (await runBoth(program, spelling, mutation)).difference !== null;
}

async function report(
  { label, program, spelling }: Finding,
  isShrunk: boolean,
  mutation: Mutation | null,
): Promise<void> {
  const small = isShrunk ? await shrink(program, (candidate) => differs(candidate, spelling, mutation)) : program;
  const { model, real, difference } = await runBoth(small, spelling, mutation);
  console.log(`\n=== ${label}, ${spelling}: ${difference?.what ?? 'no difference'}`);
  console.log(showProgram(small));
  console.log(showTraces(model, real));
  if (isShrunk) console.log(`as JSON, for --prog: ${JSON.stringify(small)}`);
}

/** Compares programs until some have been found that differ. */
async function search(
  mutation: Mutation | null,
  most: number,
): Promise<{ findings: Finding[]; programs: number; cuts: Map<string, number>; moments: number }> {
  const findings: Finding[] = [];
  const cuts = new Map<string, number>();
  let programs = 0;
  let moments = 0;
  for (let seed = options.seeds[0]; seed < options.seeds[1] && findings.length < most; seed++) {
    const program = generate(seed, options.hasTail);
    for (const [i, spelling] of options.spellings.entries()) {
      programs++;
      const { model, difference } = await runBoth(program, spelling, mutation);
      if (i === 0 && model.cut !== null) cuts.set(model.cut.why, (cuts.get(model.cut.why) ?? 0) + 1);
      moments += model.entries.length;
      if (difference === null) continue;
      if (!(await differs(program, spelling, mutation))) {
        console.log(`seed ${seed}, ${spelling}: not steady. ${difference.what}; not so the second time`);
        unsteady++;
        continue;
      }
      findings.push({ label: `seed ${seed}`, program, spelling });
      if (options.isVerbose) console.log(`seed ${seed}, ${spelling}: ${difference.what}`);
    }
  }
  return { findings, programs, cuts, moments };
}

/** The programs written by hand: the model must do what they say, and so must the library. Returns those in which the library differs. */
async function checkRules(): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const { rule, title, program, trace } of RULES) {
    const model = runModel(program);
    const lines = traceLines(model);
    if (model.cut !== null || lines.join('\n') !== trace.join('\n')) {
      console.log(
        `FAIL the model: ${rule}, ${title}\n  expected\n    ${trace.join('\n    ')}\n  got\n    ${lines.join('\n    ')}`,
      );
      if (model.cut !== null) console.log(`  up to ${model.cut.at}: ${model.cut.why}`);
      process.exitCode = 1;
    }
    for (const spelling of options.spellings)
      if (await differs(program, spelling, null)) findings.push({ label: `${rule}, ${title}`, program, spelling });
  }
  return findings;
}

if (options.program !== null) {
  const program = JSON.parse(readFileSync(options.program, 'utf8')) as Program;
  let isWrong = false;
  for (const spelling of options.spellings) {
    await report({ label: options.program, program, spelling }, false, options.mutation);
    isWrong ||= await differs(program, spelling, options.mutation);
  }
  process.exitCode = isWrong ? 1 : 0;
} else if (options.mutation !== null) {
  // The other way round: a model that is wrong on purpose must be found out.
  const names = (options.mutation as string) === 'all' ? (Object.keys(MUTATIONS) as Mutation[]) : [options.mutation];
  for (const name of names) {
    if (!(name in MUTATIONS)) fail(`--mutate is one of: all, ${Object.keys(MUTATIONS).join(', ')}`);
    const { findings, programs } = await search(name, 1);
    const found = findings[0];
    console.log(
      found === undefined
        ? `FAIL ${name}: not found in ${programs} programs`
        : `ok   ${name}: found by ${found.label}, after ${programs} programs`,
    );
    if (found === undefined) process.exitCode = 1;
    else if (options.isVerbose) await report(found, true, name);
  }
} else {
  const ofRules = await checkRules();
  console.log(
    `${RULES.length} programs for the rules: ${ofRules.length === 0 ? 'all right' : `${ofRules.length} differ`}`,
  );
  for (const finding of ofRules) {
    if (options.isVerbose) await report(finding, false, null);
    else console.log(`  differs: ${finding.label}, ${finding.spelling}`);
    process.exitCode = 1;
  }
  const begin = performance.now();
  const { findings, programs, cuts, moments } = await search(null, options.stop);
  const seconds = (performance.now() - begin) / 1_000;
  for (const [i, finding] of findings.entries()) await report(finding, i < options.shrinks, null);
  const open = [...cuts.values()].reduce((sum, count) => sum + count, 0);
  console.log(
    `${programs} programs in ${seconds.toFixed(1)} s, ${moments} entries compared; ${open} reach a place that the contract leaves open`,
  );
  if (orderDependent > 0)
    console.log(`${orderDependent} differ where the model, too, depends on an order within one moment`);
  if (options.isVerbose)
    for (const [why, count] of [...cuts].sort((a, b) => b[1] - a[1])) console.log(`  ${count} × ${why}`);
  if (findings.length > 0 || unsteady > 0) {
    console.log(`${findings.length} differ`);
    process.exitCode = 1;
  }
}
