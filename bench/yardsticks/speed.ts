import { createTask, Event, gather, Lock, sleep } from 'asyncio-ts';
import { completion, type ExploreOptions, explore } from 'asyncio-ts/testing';

/** A program of which many schedules are run. */
interface Program {
  readonly name: string;
  readonly main: () => Promise<unknown> | Generator<unknown, unknown, unknown>;
  readonly options: ExploreOptions;
  readonly schedules: number;
}

function* increments() {
  let value = 0;
  const lock = new Lock();
  function* increment() {
    yield* lock.acquire();
    const before = value;
    yield* sleep(0);
    value = before + 1;
    lock.release();
  }
  yield* gather(increment(), increment());
  if (value !== 2) throw new Error('lost');
}

async function incrementsAsync() {
  let value = 0;
  const lock = new Lock();
  const increment = async () => {
    await lock.acquire();
    const before = value;
    await sleep(0);
    value = before + 1;
    lock.release();
  };
  await gather(increment(), increment());
  if (value !== 2) throw new Error('lost');
}

function* replies() {
  const seen: number[] = [];
  function* ask(number: number) {
    seen.push(yield* completion(number));
  }
  yield* gather(ask(1), ask(2));
  if (seen.length !== 2) throw new Error('lost');
}

function* signal() {
  const event = new Event();
  function* waiter() {
    yield* event.wait();
  }
  const task = createTask(waiter());
  yield* sleep(0);
  event.set();
  yield* task;
}

/** Three tasks that increment under a lock 200 times: the program of Shuttle's benchmark `lock`. */
function* lockBenchmark() {
  const lock = new Lock();
  let value = 0;
  function* increment() {
    for (let i = 0; i < 200; i++) {
      yield* sleep(0);
      yield* lock.acquire();
      value++;
      lock.release();
    }
  }
  yield* gather(increment(), increment(), increment());
  if (value !== 600) throw new Error('lost');
}

const PROGRAMS: readonly Program[] = [
  { name: 'two tasks, a lock', main: increments, options: { level: 'any' }, schedules: 300_000 },
  { name: 'two replies', main: replies, options: {}, schedules: 300_000 },
  { name: 'an event', main: signal, options: { level: 'any' }, schedules: 300_000 },
  { name: 'two tasks, a lock (async functions)', main: incrementsAsync, options: { level: 'any' }, schedules: 3_000 },
  { name: "Shuttle's lock benchmark", main: lockBenchmark, options: { level: 'any' }, schedules: 1_000 },
];

/** Prints how many schedules are run in a second. */
export async function measureSpeed(): Promise<void> {
  console.log(
    '\n| program | strategy | schedules a second | choices | ns per choice |\n| --- | --- | --: | --: | --: |',
  );
  for (const { name, main, options, schedules } of PROGRAMS) {
    for (const strategy of ['random', 'pct', 'portfolio'] as const) {
      await explore(main, { ...options, strategy, schedules: Math.ceil(schedules / 10) });
      const began = performance.now();
      const report = await explore(main, { ...options, strategy, schedules, seed: 2 });
      const seconds = (performance.now() - began) / 1_000;
      const perSecond = Math.round(report.schedules / seconds).toLocaleString('en-US');
      const perChoice = Math.round((seconds * 1e9) / report.schedules / report.choices);
      console.log(`| ${name} | ${strategy} | ${perSecond} | ${report.choices} | ${perChoice} |`);
    }
  }
}
