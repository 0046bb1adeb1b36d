// What it costs to look into a program: the same workloads with nothing installed and with each of the instruments, in interleaved rounds of
// one process. With `--base DIST`, another build of the library takes part, to show what the instruments cost when none is installed:
//
//     npm run build && node --expose-gc bench/inspect.ts --base /path/to/other/dist

import { pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';

type Core = typeof import('../src/index.ts');
type Inspect = typeof import('../src/inspect/index.ts');
type Node = typeof import('../src/node/index.ts');

const { values } = parseArgs({ options: { base: { type: 'string' }, rounds: { type: 'string', default: '100' } } });
const rounds = Number(values.rounds);
if (!Number.isInteger(rounds) || rounds < 3) throw new Error('--rounds must be a whole number from 3');

const here = new URL('../dist/bundle/', import.meta.url).href;
const core = (await import(`${here}index.js`)) as Core;
const inspect = (await import(`${here}inspect/index.js`)) as Inspect;
const node = (await import(`${here}node/index.js`)) as Node;
const base =
  values.base === undefined ? null : ((await import(`${pathToFileURL(values.base).href}/bundle/index.js`)) as Core);

/** Slow ones take part in one of so many rounds. */
const SELDOM = 8;
const TASKS = 100;
const SWITCHES = 1_000;
const WAITS = 2_000;

interface Workload {
  readonly name: string;
  readonly operations: number;
  run(library: Core, debug: boolean): Promise<void>;
}

const workloads: readonly Workload[] = [
  {
    name: 'context switch, 100 generators',
    operations: TASKS * SWITCHES,
    run: (library, debug) =>
      library.run(
        function* () {
          function* body() {
            for (let i = 0; i < SWITCHES; i++) yield* library.sleep(0);
          }
          yield* library.gather(...Array.from({ length: TASKS }, () => body));
        },
        { debug },
      ),
  },
  {
    name: 'context switch, 100 async functions',
    operations: TASKS * SWITCHES,
    run: (library, debug) =>
      library.run(
        async () => {
          const body = async (): Promise<void> => {
            for (let i = 0; i < SWITCHES; i++) await library.sleep(0);
          };
          await library.gather(...Array.from({ length: TASKS }, () => body));
        },
        { debug },
      ),
  },
  {
    name: 'a wait for an item, generators',
    operations: WAITS,
    run: (library, debug) =>
      library.run(
        function* () {
          const queue = new library.Queue<number>(1);
          const producer = library.createTask(function* () {
            for (let i = 0; i < WAITS; i++) yield* queue.put(i);
          });
          for (let i = 0; i < WAITS; i++) yield* queue.get();
          yield* producer;
        },
        { debug },
      ),
  },
  {
    name: 'a wait for an item, async functions',
    operations: WAITS,
    run: (library, debug) =>
      library.run(
        async () => {
          const queue = new library.Queue<number>(1);
          const producer = library.createTask(async () => {
            for (let i = 0; i < WAITS; i++) await queue.put(i);
          });
          for (let i = 0; i < WAITS; i++) await queue.get();
          await producer;
        },
        { debug },
      ),
  },
  {
    name: 'spawn and join, generators',
    operations: 2_000,
    run: (library, debug) =>
      library.run(
        function* () {
          function* body() {}
          for (let i = 0; i < 2_000; i++) yield* library.createTask(body);
        },
        { debug },
      ),
  },
  {
    name: 'spawn and join, async functions',
    operations: 2_000,
    run: (library, debug) =>
      library.run(
        async () => {
          const body = async (): Promise<void> => {};
          for (let i = 0; i < 2_000; i++) await library.createTask(body);
        },
        { debug },
      ),
  },
];

interface Variant {
  readonly name: string;
  readonly library: Core;
  readonly debug?: boolean;
  /** Takes so long that the others get more rounds. */
  readonly isSlow?: boolean;
  /** Installs it; gives what takes it away. */
  install(): () => void;
}

const nothing = (): (() => void) => () => {};
let counted = 0;
const count = (): void => {
  counted++;
};

const variants: readonly Variant[] = [
  { name: 'nothing installed', library: core, install: nothing },
  ...(base === null ? [] : [{ name: 'the other build', library: base, install: nothing }]),
  {
    name: 'counters of tasks',
    library: core,
    install: () =>
      core.addInstrument({ taskSpawned: count, taskFinished: count, cancelRequested: count, errorReported: count }),
  },
  { name: 'a counter of steps', library: core, install: () => core.addInstrument({ beforeStep: count }) },
  { name: 'publishDiagnostics(), nobody listens', library: core, install: () => node.publishDiagnostics() },
  {
    name: 'watchStalls()',
    library: core,
    install: () => {
      const watch = node.watchStalls({ threshold: 0.5 });
      return () => watch.close();
    },
  },
  { name: 'recordPlaces()', isSlow: true, library: core, install: () => inspect.recordPlaces() },
  { name: 'debug mode', isSlow: true, library: core, debug: true, install: nothing },
];

/** Microseconds. The fastest of many short samples is one that nothing else on the machine has interrupted. */
const busy = (): number => performance.now() * 1e3;

const { gc } = globalThis as { gc?: () => void };
const samples = new Map<string, number[]>();
const key = (workload: Workload, variant: Variant): string => `${workload.name}\n${variant.name}`;

for (let round = -2; round < rounds; round++) {
  for (const workload of workloads) {
    // The order changes, so that none always comes after the one that leaves most garbage.
    for (let at = 0; at < variants.length; at++) {
      const variant = variants[(at + round + variants.length * 2) % variants.length]!;
      if (variant.isSlow === true && round % SELDOM !== 0) continue;
      const remove = variant.install();
      gc?.();
      const began = busy();
      await workload.run(variant.library, variant.debug === true);
      const nanoseconds = ((busy() - began) * 1e3) / workload.operations;
      remove();
      if (round < 0) continue; // warms up
      const known = samples.get(key(workload, variant));
      if (known === undefined) samples.set(key(workload, variant), [nanoseconds]);
      else known.push(nanoseconds);
    }
  }
}

for (const workload of workloads) {
  console.log(`\n${workload.name} (ns each, the fastest of ${rounds})`);
  const reference = Math.min(...samples.get(key(workload, variants[0]!))!);
  for (const variant of variants) {
    const own = Math.min(...samples.get(key(workload, variant))!);
    const change = ((own / reference - 1) * 100).toFixed(1);
    console.log(`  ${variant.name.padEnd(38)} ${own.toFixed(1).padStart(9)}  ${change.padStart(8)} %`);
  }
}

/** What a place costs, at the depth at which an `await` is: a stack of a few frames, a whole one, and a number. */
function costOf(take: () => unknown): number {
  const deep = (depth: number): unknown => (depth === 0 ? take() : [deep(depth - 1)]);
  const times: number[] = [];
  for (let round = 0; round < 30; round++) {
    const began = busy();
    for (let i = 0; i < 2_000; i++) deep(12);
    times.push(((busy() - began) * 1e3) / 2_000);
  }
  return Math.min(...times);
}

const V8 = Error as ErrorConstructor & { stackTraceLimit: number; captureStackTrace(target: object): void };
let serial = 0;
const plain = costOf(() => ++serial);
console.log('\na place, taken 12 calls deep (ns more than a counter)');
for (const limit of [1, 4, 8, 24]) {
  const before = V8.stackTraceLimit;
  V8.stackTraceLimit = limit;
  const cost = costOf(() => {
    const target = {};
    V8.captureStackTrace(target);
    return target;
  });
  V8.stackTraceLimit = before;
  console.log(`  captureStackTrace, ${String(limit).padStart(2)} frames ${(cost - plain).toFixed(0).padStart(8)}`);
}
if (counted === 0) throw new Error('the counters have not counted');
