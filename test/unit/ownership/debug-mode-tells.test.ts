import { createTask, gather, sleep, type Task, taskGroup, timeout, waitFor, wrapPromise } from 'asyncio-ts';
import { describe, expect, test } from 'vitest';
import { outcome, type SimulatedRuntime, simulated } from '../../support/simulated-runtime.ts';

/** What debug mode says of ordinary JavaScript, once for each place, and what is said outside it. */

/** The place of a report is in this file. */
const HERE = /debug-mode-tells\S*:\d+/;

/** A test whose program makes a mistake at each of two places, several times; each place is reported once. */
function toldOncePerPlace(
  told: RegExp,
  mistakes: (runtime: SimulatedRuntime) => readonly (() => PromiseLike<unknown>)[],
  debug = true,
): () => Promise<void> {
  return simulated(
    async (runtime) => {
      const made = mistakes(runtime);
      for (let i = 0; i < 3; i++) for (const mistake of made) await mistake();
      await runtime.foreign(20);
      const reports = runtime.warnings.splice(0).filter((report) => told.test(report));
      expect(reports).toEqual(made.map(() => expect.stringMatching(HERE)));
      expect(new Set(reports).size).toBe(made.length);
    },
    { debug },
  );
}

const work = async () => await sleep(1, 'worked');

/** Past the types, which refuse a promise. */
const asTask = (promise: Promise<unknown>) => promise as never;

describe('debug mode reports', () => {
  test(
    'a promise that is given to gather',
    toldOncePerPlace(/^gather\(\) was given a promise/, () => [
      async () => await gather(work(), work()),
      async () => await gather([work()]),
    ]),
  );

  test(
    'a deadline that has passed while a body was waiting for a foreign promise',
    toldOncePerPlace(
      /^timeout\(1 s\).* has passed while its body waited for a promise that this library did not make/,
      ({ foreign }) => [
        () => outcome(timeout(1, async () => await foreign(5))),
        () => outcome(timeout(1, async () => await foreign(5, 'late'))),
        async () => await outcome(waitFor(async () => await foreign(5), 1)),
        async () => await outcome(waitFor(async () => await foreign(5, 'late'), 1)),
      ],
    ),
  );

  test(
    'a value that is dropped because it came too late, and has to be closed',
    toldOncePerPlace(/onLate/, ({ foreign }) => [
      () => outcome(waitFor(wrapPromise(foreign(2, { close: () => {} })), 1)),
      () => outcome(waitFor(wrapPromise(foreign(2, { release: () => {} })), 1)),
      async () => await outcome(waitFor(foreign(2, { close: () => {} }), 1)),
      async () => await outcome(waitFor(foreign(2, { release: () => {} }), 1)),
    ]),
  );

  test(
    'a value that comes when a deadline around a plain function has passed, and has to be closed',
    toldOncePerPlace(/^(timeout|waitFor)\(\): the wait was given up.*onLate/, ({ foreign }) => [
      () => outcome(timeout(1, () => foreign(2, { close: () => {} }))),
      () => outcome(timeout(1, () => foreign(2, { [Symbol.dispose]: () => {} }))),
      async () => await outcome(waitFor(() => foreign(2, { release: () => {} }), 1)),
    ]),
  );

  test(
    'a line that a task has left behind, when the task ends',
    toldOncePerPlace(/has left an await behind/, () => [
      () =>
        createTask(async () => {
          void (async () => await sleep(1))();
        }),
      () =>
        createTask(async () => {
          void (async () => await sleep(2))();
          await sleep(0);
        }),
    ]),
  );

  test(
    'an await of a branch beside another one',
    toldOncePerPlace(/awaits in two places at once/, () => [
      async () => await Promise.all([work(), (async () => await sleep(1))()]),
      async () => await Promise.all([work(), (async () => await sleep(2))()]),
    ]),
  );

  test(
    'an await of a callback that counts as a line of the task, because it has awaited a foreign promise',
    toldOncePerPlace(/awaits in two places at once/, ({ timer, foreign }) => [
      async () => {
        timer(1, async () => {
          await foreign(1);
          await sleep(1);
        });
        await sleep(5);
      },
    ]),
  );

  test(
    'a task that has swallowed a cancellation',
    simulated(
      async ({ warnings }) => {
        const task: Task<unknown> = createTask(async () => await outcome(sleep(60)), { name: 'stubborn' });
        await sleep(1);
        task.cancel();
        await task;
        expect(warnings.splice(0)).toEqual([
          expect.stringMatching(/'stubborn'.*swallowed a CancelledError.*rethrowIfCancelled/),
        ]);
      },
      { debug: true },
    ),
  );
});

describe('debug mode says nothing', () => {
  const correct: [what: string, program: (runtime: SimulatedRuntime) => PromiseLike<unknown>][] = [
    [
      'of tasks, groups and gather of functions',
      () => taskGroup(async (g) => await gather(work, () => g.createTask(work))),
    ],
    ['of deadlines that are kept or pass over waits of the library', () => outcome(timeout(1, () => sleep(60)))],
    [
      'of a wrapped promise that is given up, with onLate',
      ({ foreign }) => outcome(waitFor(wrapPromise(foreign(2, { close: () => {} }), { onLate: () => {} }), 1)),
    ],
    ['of promises of others that are in time', ({ foreign }) => timeout(5, async () => await foreign(1))],
    [
      'of values that have to be closed and are in time, or of others that are late',
      async ({ foreign }) => {
        await timeout(5, () => foreign(1, { close: () => {} }));
        await waitFor(() => foreign(1, { close: () => {} }), 5);
        await outcome(timeout(1, () => foreign(2, 'late')));
        await outcome(timeout(1, () => Promise.reject(new RangeError('failed'))));
      },
    ],
    [
      'of a callback of the runtime, which belongs to no task',
      async ({ timer }) => {
        timer(1, () => outcome(sleep(1)));
        await sleep(5);
      },
    ],
    [
      'of a cancelled task',
      async () => {
        const task = createTask(() => sleep(60));
        await sleep(1);
        task.cancel();
        return await outcome(task);
      },
    ],
  ];

  for (const [what, program] of correct) {
    test(
      what,
      simulated(
        async (runtime) => {
          await program(runtime);
          await sleep(20);
        },
        { debug: true },
      ),
    );
  }
});

describe('outside debug mode', () => {
  test(
    'a promise that is given to createTask is reported as well, once for each place',
    toldOncePerPlace(
      /^createTask\(\) was given a promise/,
      () => [async () => await createTask(asTask(work())), async () => await createTask(asTask(work()))],
      false,
    ),
  );

  test(
    'nothing else is reported',
    simulated(async ({ foreign, timer }) => {
      await gather(work(), work());
      await outcome(timeout(1, async () => await foreign(5)));
      await outcome(waitFor(wrapPromise(foreign(2, { close: () => {} })), 1));
      await createTask(async () => {
        void work();
      });
      timer(1, () => outcome(sleep(1)));
      await Promise.all([work(), work()]);
      await sleep(20);
    }),
  );
});
