// Runs the field cases on the built package, in Node 22, 24 and 26, Bun and Deno.
//
//     npm run field                              # all of them, everywhere
//     npm run field -- ownership memo            # those whose path contains one of the words
//     npm run field -- --runtime node-26         # in one runtime (may be repeated)
//     npm run field -- --jobs 1                  # one at a time; as many as there are cores when absent
//     npm run field -- --lib ../other/dist       # of another build
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, globSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { inRoot, needBuild, root, skipped } from '../../scripts/lib/project.ts';
import {
  bunPlaces,
  denoPlaces,
  type Executable,
  findExecutable,
  nodePlaces,
  type Places,
} from '../../scripts/lib/runtimes.ts';

/** Seconds that a case may take. */
const LIMIT = 20;

interface Runtime {
  readonly name: string;
  readonly places: Places;
  /** How its version begins. */
  readonly version?: string;
  /** The text before the file of the case. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

const here = inRoot('test/field');
const usingOnNode22 = pathToFileURL(path.join(here, 'using-on-node-22.mjs')).href;

const runtimes: readonly Runtime[] = [
  { name: 'node-22', places: nodePlaces(22), version: '22.', env: { NODE_OPTIONS: `--import=${usingOnNode22}` } },
  { name: 'node-24', places: nodePlaces(24), version: '24.' },
  { name: 'node-26', places: nodePlaces(26), version: '26.' },
  { name: 'bun', places: bunPlaces },
  { name: 'deno', places: denoPlaces, args: ['run', '--allow-all', '--node-modules-dir=manual', '--no-lock'] },
];

/** Checks that a runtime cannot pass with native async functions (README.md, "Out of reach"). One that passes is reported. */
interface OutOfReach {
  readonly file: string;
  readonly checks: readonly string[];
  readonly runtimes: readonly string[];
  readonly why: string;
}

const EVERYWHERE = runtimes.map(({ name }) => name);
const WITHOUT_ASYNC_IDS = ['bun', 'deno'];

const MEMOISED =
  'the work is a branch of the task that started it: nothing tells that others await it too; `shared()` is the remedy';
const AT_FOREIGN = 'a branch at a promise that is not the library’s is reached at its next await of the library only';
const CALLBACK = 'the runtime does not tell a callback that inherited a task from a branch of that task';

const outOfReach: readonly OutOfReach[] = [
  {
    file: 'ownership/a-memoised-promise-outlives-its-first-caller.mjs',
    checks: ['the second caller gets the result', 'a later caller gets the result', 'the second caller is not'],
    runtimes: EVERYWHERE,
    why: MEMOISED,
  },
  {
    file: 'executors/a-memoised-job-outlives-its-first-caller.mjs',
    checks: ['an async function around toThread', 'an async function around submit'],
    runtimes: EVERYWHERE,
    why: MEMOISED,
  },
  {
    file: 'ownership/a-branch-ends-before-its-group-is-left.mjs',
    checks: ['the group waits for the branch'],
    runtimes: EVERYWHERE,
    why: AT_FOREIGN,
  },
  {
    file: 'ownership/a-branch-ends-before-its-group-is-left.mjs',
    checks: ['no work after the cancellation'],
    runtimes: WITHOUT_ASYNC_IDS,
    why: AT_FOREIGN,
  },
  {
    file: 'cancellation/a-cancelled-task-ends-all-its-branches.mjs',
    checks: ['one at a foreign promise'],
    runtimes: EVERYWHERE,
    why: AT_FOREIGN,
  },
  {
    file: 'ownership/a-batch-collected-by-a-timer-outlives-its-first-caller.mjs',
    checks: ['collected by setTimeout', 'collected by queueMicrotask'],
    runtimes: WITHOUT_ASYNC_IDS,
    why: CALLBACK,
  },
  {
    file: 'ownership/a-batch-collected-by-a-timer-outlives-its-first-caller.mjs',
    checks: ['collected by setImmediate', 'nothing is unhandled'],
    runtimes: ['bun'],
    why: CALLBACK,
  },
  {
    file: 'ownership/a-request-handler-is-not-the-task-that-made-the-server.mjs',
    checks: ['the handler is not run as that task'],
    runtimes: ['bun'],
    why: CALLBACK,
  },
  {
    file: 'ownership/a-timer-callback-may-await-the-task-that-set-it.mjs',
    checks: ['the timer callback is not run as the task'],
    runtimes: WITHOUT_ASYNC_IDS,
    why: CALLBACK,
  },
];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    runtime: { type: 'string', multiple: true, default: EVERYWHERE },
    jobs: { type: 'string', default: String(os.availableParallelism()) },
    lib: { type: 'string' },
  },
});

const jobs = Number(values.jobs);
if (!Number.isInteger(jobs) || jobs < 1) wrong(`--jobs ${values.jobs}: a whole number from 1 on is expected`);
const lib = values.lib === undefined ? inRoot('dist') : path.resolve(values.lib);
if (values.lib === undefined) needBuild();
else if (!existsSync(path.join(lib, 'index.js'))) wrong(`--lib ${values.lib}: there is no index.js`);
for (const name of values.runtime)
  if (!EVERYWHERE.includes(name)) wrong(`no runtime ${name}; there are ${EVERYWHERE.join(', ')}`);

const all = globSync('*/*.mjs', { cwd: here })
  .map((file) => file.replaceAll(path.sep, '/'))
  .sort();
const files = all.filter((file) => positionals.length === 0 || positionals.some((word) => file.includes(word)));
if (files.length === 0) wrong(`no case's path contains ${positionals.join(' or ')}`);
for (const { file } of outOfReach)
  if (!all.includes(file)) wrong(`${file} is listed as out of reach, and there is no such case`);

const running = new Set<ChildProcess>();
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, () => {
    for (const child of running) kill(child);
    process.exit(130);
  });
}

process.exitCode = (await main()) ? 0 : 1;

function wrong(message: string): never {
  console.error(`field: ${message}`);
  process.exit(2);
}

/** What a case's process did. */
interface Ending {
  readonly how: string | null;
  readonly stdout: string;
  readonly stderr: string;
}

interface Tally {
  passed: number;
  failed: number;
  skipped: number;
  outOfReach: number;
}

interface Run {
  readonly runtime: Runtime;
  readonly executable: Executable;
  readonly file: string;
  readonly tally: Tally;
}

async function main(): Promise<boolean> {
  const began = performance.now();
  const tallies = new Map<string, Tally>();
  const queue: Run[] = [];
  for (const runtime of runtimes.filter(({ name }) => values.runtime.includes(name))) {
    const executable = findExecutable(runtime.places, runtime.version);
    if (executable === null) {
      skipped(`field cases in ${runtime.name}: it comes with \`npm ci\``);
      continue;
    }
    const tally: Tally = { passed: 0, failed: 0, skipped: 0, outOfReach: 0 };
    tallies.set(`${runtime.name.padEnd(9)}${executable.version.padEnd(10)}`, tally);
    for (const file of files) queue.push({ runtime, executable, file, tally });
  }
  queue.reverse();
  const work = async (): Promise<void> => {
    for (let run = queue.pop(); run !== undefined; run = queue.pop()) judge(run, await end(run));
  };
  await Promise.all(Array.from({ length: jobs }, work));
  for (const [title, { passed, failed, skipped: left, outOfReach: checks }] of tallies) {
    console.log(`${title}${passed} passed, ${failed} failed, ${left} skipped; ${checks} checks are out of reach`);
  }
  const sum = (key: keyof Tally): number => [...tallies.values()].reduce((total, tally) => total + tally[key], 0);
  const seconds = ((performance.now() - began) / 1_000).toFixed(0);
  console.log(`field: ${sum('passed')} passed, ${sum('failed')} failed, ${sum('skipped')} skipped in ${seconds} s`);
  return sum('failed') === 0;
}

/** Runs a case to its end, or to the end of its time. */
async function end({ runtime, executable, file }: Run): Promise<Ending> {
  const { ASYNCIO_DEBUG: _debug, NODE_OPTIONS: _options, ...env } = process.env;
  const child = spawn(executable.path, [...(runtime.args ?? []), path.join(here, file)], {
    cwd: root,
    detached: process.platform !== 'win32', // a group of its own, so that what it has started can be ended with it
    env: { ...env, NO_COLOR: '1', DENO_NO_UPDATE_CHECK: '1', ...runtime.env, ASYNCIO_TS: lib },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  running.add(child);
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  let how: string | null = null;
  const timer = setTimeout(() => {
    how = `no end after ${LIMIT} s`;
    kill(child);
  }, LIMIT * 1_000);
  const closed = once(child, 'close');
  const [code, signal] = (await once(child, 'exit')) as [number | null, string | null];
  clearTimeout(timer);
  kill(child);
  await Promise.race([closed, delay(1_000, undefined, { ref: false })]);
  running.delete(child);
  if (how === null && code !== 0) how = signal === null ? `exit code ${code}` : `ended by ${signal}`;
  return { how, stdout, stderr };
}

/** Ends a process with all that it has started. */
function kill(child: ChildProcess): void {
  try {
    if (process.platform === 'win32') child.kill('SIGKILL');
    else process.kill(-child.pid!, 'SIGKILL');
  } catch {
    // It has ended, and so has all that it started.
  }
}

/** Counts a case, and prints what went wrong in it. */
function judge({ runtime, file, tally }: Run, { how, stdout, stderr }: Ending): void {
  const lines = stdout.trim().split('\n');
  const last = lines.at(-1) ?? '';
  if (how === null && last.startsWith('SKIP ')) {
    tally.skipped++;
    console.log(`skip ${runtime.name.padEnd(8)} ${file}: ${last.slice(5)}`);
    return;
  }
  const listed = outOfReach
    .filter((entry) => entry.file === file && entry.runtimes.includes(runtime.name))
    .flatMap(({ checks }) => checks);
  const failures = lines.filter((line) => line.startsWith('FAIL '));
  const isExcused = (line: string): boolean => listed.some((check) => line.startsWith(`FAIL ${check}: expected `));
  const problems = failures.filter((line) => !isExcused(line)).map((line) => line.slice(5));
  tally.outOfReach += failures.length - problems.length;
  if (!/^\d+ passed, \d+ failed$/.test(last) || how?.startsWith('exit code ') === false) {
    problems.push(
      [how ?? 'it ended without saying how many checks passed', ...stderr.trim().split('\n').slice(-5)].join('\n'),
    );
  } else {
    for (const check of listed) {
      if (failures.some((line) => line.startsWith(`FAIL ${check}: expected `))) continue;
      const state = lines.includes(`ok   ${check}`) ? 'it passes' : 'there is no such check';
      problems.push(`stale: '${check}' is listed as out of reach in test/field/run.ts, and ${state}`);
    }
    if (problems.length === 0 && (how !== null) !== failures.length > 0)
      problems.push(`${last}, and ${how ?? 'exit code 0'}`);
  }
  if (problems.length === 0) {
    tally.passed++;
    return;
  }
  tally.failed++;
  console.log(`FAIL ${runtime.name.padEnd(8)} ${file}`);
  for (const problem of problems) console.log(problem.replaceAll(/^/gm, '       '));
}
