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
  { name: 'two tasks and a lock', main: increments, options: { level: 'any' }, schedules: 200_000 },
  { name: 'two replies', main: replies, options: {}, schedules: 200_000 },
  { name: 'an event', main: signal, options: { level: 'any' }, schedules: 200_000 },
  {
    name: 'two tasks and a lock, async functions',
    main: incrementsAsync,
    options: { level: 'any' },
    schedules: 20_000,
  },
  {
    name: "Shuttle's benchmark `lock`: three tasks, 200 increments each",
    main: lockBenchmark,
    options: { level: 'any' },
    schedules: 2_000,
  },
];

/** How many schedules of a program are run in a second of CPU time. */
export interface Speed {
  readonly name: string;
  readonly perSecond: number;
  /** Nanoseconds for each choice. */
  readonly perChoice: number;
}

/** Runs many schedules of some programs. CPU time tells more than the clock where other programs run. */
export async function measureSpeed(): Promise<Speed[]> {
  const all: Speed[] = [];
  for (const { name, main, options, schedules } of PROGRAMS) {
    await explore(main, { ...options, schedules: Math.ceil(schedules / 10) });
    const began = process.cpuUsage();
    const report = await explore(main, { ...options, schedules, strategy: 'random', seed: 2 });
    const { user, system } = process.cpuUsage(began);
    const seconds = (user + system) / 1e6;
    const choices = report.schedules * report.choices;
    all.push({ name, perSecond: report.schedules / seconds, perChoice: (seconds * 1e9) / choices });
  }
  return all;
}
