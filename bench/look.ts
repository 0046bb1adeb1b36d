// What `asyncio ps` and `top` take, and what they cost the process that is looked at: node bench/look.ts, after npm run build.
// The least of many runs is told beside the median: on a machine that has other work, the median is mostly about that.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { createTask, Event, run, sleep, taskGroup } from '../dist/index.js';
import { makeLens } from '../dist/inspect/lens.js';
import { viewsOfThisCopy } from '../dist/kernel/lowlevel.js';

const MAIN = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url));
const INDEX = new URL('../dist/bundle/index.js', import.meta.url).href;
const TARGET = `
  import { createTask, Event, run } from '${INDEX}';
  function* f() { yield* new Event().wait(); }
  async function main() {
    for (let i = 0; i < 20; i++) createTask(i % 2 ? f() : async () => await new Event().wait());
    setInterval(() => {}, 1_000);
    console.log('ready');
    if (process.argv.includes('spin')) setTimeout(() => { for (;;); }, 10);
    await new Event().wait();
  }
  await run(main);`;
const RUNS = 20;
const TASKS = 100_000;

function tell(what: string, samples: readonly number[], unit = 'ms'): void {
  const sorted = samples.toSorted((a, b) => a - b);
  const [least, median, most] = [sorted[0]!, sorted[sorted.length >> 1]!, sorted.at(-1)!].map((value) =>
    value.toFixed(1),
  );
  console.log(`${what.padEnd(62)} least ${least} ${unit}, median ${median} ${unit}, most ${most} ${unit}`);
}

async function start(...args: string[]): Promise<ChildProcess> {
  const child = spawn(process.execPath, ['--inspect-port=0', '--input-type=module', '-e', TARGET, ...args], {
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  await once(child.stdout!, 'data');
  return child;
}

/** From the start of a command to its first output. */
async function firstOutput(...args: string[]): Promise<number> {
  const began = performance.now();
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  const time = performance.now() - began;
  if (child.exitCode === null) await once(child, 'exit');
  return time;
}

async function repeat(measure: () => Promise<number>): Promise<number[]> {
  const samples: number[] = [];
  for (let i = 0; i < RUNS; i++) samples.push(await measure());
  return samples;
}

tell('node -p 0, for comparison', await repeat(() => firstOutput('-p', '0')));
for (const [kind, args] of [
  ['that waits', []],
  ['in a loop that never ends', ['spin']],
] as const) {
  const target = await start(...args);
  tell(
    `first output of asyncio ps, of a process ${kind}`,
    await repeat(() => firstOutput(MAIN, 'ps', String(target.pid))),
  );
  target.kill('SIGKILL');
}

// How long a page stops a program with very many tasks; in this process, where nothing but the page is in the figure.
await run(async function main() {
  const event = new Event();
  function* generator() {
    yield* event.wait();
  }
  const group = createTask(() =>
    taskGroup(async (group) => {
      for (let i = 0; i < TASKS; i++)
        group.createTask(i % 2 === 0 ? generator() : async () => void (await event.wait()));
    }),
  );
  await sleep(0.5);
  const worst: number[] = [];
  const lists: number[] = [];
  const sums: number[] = [];
  for (let look = 0; look < RUNS; look++) {
    const lens = makeLens([{ views: viewsOfThisCopy() }]);
    const times: number[] = [];
    const timed = <T>(part: () => T): T => {
      const began = performance.now();
      const result = part();
      times.push(performance.now() - began);
      return result;
    };
    timed(() => lens.begin());
    lists.push(times[0]!);
    for (let from: number | null = 0; from !== null; ) {
      const at: number = from;
      // As a tool asks for it: as text.
      from = (
        JSON.parse(timed(() => JSON.stringify(lens.page(at, { limit: 500, seconds: 0.003 })))) as {
          next: number | null;
        }
      ).next;
      await sleep(0);
    }
    worst.push(Math.max(...times));
    sums.push(times.reduce((sum, time) => sum + time, 0));
  }
  tell(`the list of ${TASKS} tasks`, lists);
  tell(`the longest stop while ${TASKS} tasks are looked at`, worst);
  tell('all of its stops together', sums);
  event.set();
  await group;
});

// What counting costs each step.
await run(async function main() {
  const SWITCHES = 200_000;
  function* switching() {
    for (let i = 0; i < SWITCHES / 100; i++) yield* sleep(0);
  }
  const measure = async (): Promise<number> => {
    const began = process.cpuUsage();
    await taskGroup(async (group) => {
      for (let i = 0; i < 100; i++) group.createTask(switching());
    });
    const { user, system } = process.cpuUsage(began);
    return ((user + system) * 1_000) / SWITCHES;
  };
  const lens = makeLens([{ views: viewsOfThisCopy() }]);
  const [without, counted]: [number[], number[]] = [[], []];
  for (let i = 0; i < RUNS; i++) {
    without.push(await measure());
    const stop = lens.count();
    counted.push(await measure());
    stop();
  }
  tell('a step (sleep(0), generators), nothing installed', without, 'ns');
  tell('the same while top counts', counted, 'ns');
});
