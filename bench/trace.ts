// What instruments cost: nothing installed, counters, the flight recorder, tracing, side by side in one run. `node --expose-gc bench/trace.ts`
import { addInstrument, createTask, Lock, sleep } from 'asyncio-ts';
import { startFlightRecorder, startTracing } from 'asyncio-ts/inspect';
import { now } from './lib/clock.ts';
import { run } from './lib/library.ts';
import { main } from './lib/main.ts';
import type { Contender, Subject, Workload } from './lib/subject.ts';
import { switchMany } from './subjects/switch-many.ts';
import { switchOne } from './subjects/switch-one.ts';

/** What is installed while a workload runs; each returns what removes it. */
const INSTALLED: Readonly<Record<string, () => () => void>> = {
  nothing: () => () => {},
  counters: () => {
    const counts = { alive: 0, started: 0, failed: 0 };
    return addInstrument({
      taskSpawned() {
        counts.alive++;
        counts.started++;
      },
      taskFinished(_task, failure) {
        counts.alive--;
        if (failure !== null) counts.failed++;
      },
    });
  },
  'flight recorder': () => {
    const recorder = startFlightRecorder({ events: 10_000 });
    return () => recorder.stop();
  },
  tracing: () => {
    const tracing = startTracing({ onEvents() {} });
    return () => tracing.stop();
  },
};

/** A hundred tasks take a lock and give way while they have it: every turn is a wait that another task ends. */
function handsLockOn(count: number): Promise<number> {
  return run(function* () {
    const lock = new Lock();
    const begin = now();
    const tasks = Array.from({ length: 100 }, () =>
      createTask(function* () {
        for (let i = 0; i < count / 100; i++) {
          yield* lock.acquire();
          yield* sleep(0);
          lock.release();
        }
      }),
    );
    for (const task of tasks) yield* task;
    return now() - begin;
  });
}

function spawns(count: number): Promise<number> {
  return run(function* () {
    const begin = now();
    for (let i = 0; i < count; i++) yield* createTask(function* () {});
    return now() - begin;
  });
}

function workloadOf({ contenders }: Subject, name: string): Workload {
  return contenders.find((contender) => contender.name === name)!.run;
}

function subject(name: string, title: string, unit: string, count: number, workload: Workload): Subject {
  const contenders = Object.entries(INSTALLED).map(
    ([installed, install]): Contender => ({
      name: installed,
      async run(operations) {
        const remove = install();
        try {
          return await workload(operations);
        } finally {
          remove();
        }
      },
    }),
  );
  return { name, title, unit, quantity: 'ns', count, rounds: 31, goals: null, contenders };
}

await main([
  subject('one-gen', 'one task gives way, generators', 'switch', 100_000, workloadOf(switchOne, 'gen')),
  subject('one-async', 'one task gives way, async functions', 'switch', 100_000, workloadOf(switchOne, 'async')),
  subject('many-gen', 'a hundred tasks take turns, generators', 'switch', 50_000, workloadOf(switchMany, 'gen')),
  subject(
    'many-async',
    'a hundred tasks take turns, async functions',
    'switch',
    50_000,
    workloadOf(switchMany, 'async'),
  ),
  subject('lock', 'a lock is handed on', 'wait', 20_000, handsLockOn),
  subject('spawn', 'a task is made and awaited', 'task', 10_000, spawns),
]);
