import {
  asCompleted,
  createTask,
  currentTask,
  ExceptionGroup,
  eagerTaskFactory,
  FIRST_COMPLETED,
  gather,
  getRunningLoop,
  shared,
  shield,
  sleep,
  TimeoutError,
  taskGroup,
  timeout,
  timeoutAt,
  wait,
  waitFor,
  wrapPromise,
} from 'asyncio-ts';
import { completion, type SweepEnding, type SweepReport, sweep } from 'asyncio-ts/testing';
import { expect, test } from 'vitest';
import { describeBoth, type Spelling } from '../../../support/spellings.ts';
import { many } from './support.ts';

/** Counts the bodies that have begun and not ended. */
class Ledger {
  open = 0;
  results: unknown[] = [];
}

class Broken extends Error {}

/** The main task was cancelled or ended by its deadline, and nothing inside has taken that for something else. */
function _isTold(_ledger: Ledger, { at, error }: SweepEnding): void {
  if (at === null) expect(error).toBe(null);
  else expect((error as Error).name).toBe(at.mode.startsWith('cancel') ? 'CancelledError' : 'TimeoutError');
}

/** The main task was cancelled or ended by its deadline, and nothing inside has taken that for something else. */
function isTold(_ledger: Ledger, { at, error }: SweepEnding): void {
  if (at === null) expect(error).toBe(null);
  else expect((error as Error).name).toBe(at.mode.startsWith('cancel') ? 'CancelledError' : 'TimeoutError');
}

/** A body that takes a second, gives way in between, and takes another second to clean up when it is cancelled. */
function worker(s: Spelling, ledger: Ledger, result: unknown = 1, seconds = 1) {
  return s.fn(function* () {
    ledger.open++;
    let isComplete = false;
    try {
      yield* s.wait(sleep(0));
      yield* s.wait(sleep(seconds));
      isComplete = true;
      return result;
    } finally {
      try {
        if (!isComplete) yield* s.wait(sleep(1));
      } finally {
        ledger.open--;
      }
    }
  });
}

function failing(s: Spelling, ledger: Ledger) {
  return s.fn(function* () {
    ledger.open++;
    try {
      yield* s.wait(sleep(1));
      throw new Broken('broken');
    } finally {
      ledger.open--;
    }
  });
}

function isBroken(error: unknown): boolean {
  return error instanceof Broken || (error instanceof ExceptionGroup && error.errors.every(isBroken));
}

describeBoth('whichever await is cancelled, no body is left that has begun', (s) => {
  async function swept(
    least: number,
    program: (ledger: Ledger) => Generator<unknown, unknown, unknown>,
    check?: (ledger: Ledger, ending: SweepEnding) => void,
  ): Promise<SweepReport> {
    const report = await sweep(s.fn(program), {
      setup: () => new Ledger(),
      expected: isBroken,
      check: (ledger, ending) => {
        expect(ledger.open).toBe(0);
        check?.(ledger, ending);
      },
    });
    many(report, least);
    return report;
  }

  test('gather(), also of gathers', async () => {
    await swept(30, function* (ledger) {
      const body = () => worker(s, ledger);
      yield* s.wait(gather(body(), gather(body(), body())));
    });
  });

  test('gather() that gives errors as results', async () => {
    await swept(20, function* (ledger) {
      yield* s.wait(
        gather([worker(s, ledger), failing(s, ledger), worker(s, ledger, 2, 2)], { returnExceptions: true }),
      );
    });
  });

  test('wait() with the first, and then with all', async () => {
    await swept(20, function* (ledger) {
      const tasks = [createTask(worker(s, ledger, 1, 1)), createTask(worker(s, ledger, 2, 2))];
      try {
        yield* s.wait(wait(tasks, { returnWhen: FIRST_COMPLETED }));
        yield* s.wait(wait(tasks));
      } finally {
        for (const task of tasks) task.cancel();
        yield* s.wait(gather(tasks, { returnExceptions: true }));
      }
    });
  });

  test('waitFor() and timeout() that are in time, that are not, and inside each other', async () => {
    await swept(
      40,
      function* (ledger) {
        const late = s.fn(function* (limited: () => Iterable<unknown>) {
          try {
            yield* s.wait(limited());
            throw new Error('that was to be too late');
          } catch (error) {
            if (!(error instanceof TimeoutError)) throw error;
            ledger.results.push(error);
          }
        });
        yield* s.wait(
          timeout(
            5,
            s.fn(() => s.wait(waitFor(worker(s, ledger), 4))),
          ),
        );
        yield* s.wait(
          timeout(
            9,
            s.fn(() => s.wait(late(() => timeout(0.5, worker(s, ledger))))),
          ),
        );
        yield* s.wait(late(() => waitFor(worker(s, ledger), 0.5)));
        const now = getRunningLoop().time();
        // Both at the same time, and a body that ends at that time.
        yield* s.wait(
          late(() =>
            timeoutAt(
              now + 1,
              s.fn(() =>
                s.wait(
                  timeoutAt(
                    now + 1,
                    s.fn(() => s.wait(sleep(2))),
                  ),
                ),
              ),
            ),
          ),
        );
      },
      isTold,
    );
  });

  test('the deadline of one is not that of another: the inner timeout makes no error of a cancellation of the whole', async () => {
    const seen: string[] = [];
    await swept(12, function* () {
      try {
        yield* s.wait(
          timeout(
            5,
            s.fn(() =>
              s.wait(
                timeout(
                  5,
                  s.fn(() => s.wait(sleep(1))),
                ),
              ),
            ),
          ),
        );
        yield* s.wait(
          waitFor(
            s.fn(() => s.wait(sleep(1))),
            5,
          ),
        );
      } catch (error) {
        seen.push((error as Error).name);
        throw error;
      }
    });
    expect(new Set(seen)).toEqual(new Set(['CancelledError']));
  });

  test('shield(): the inner task goes on, and is awaited by who made it', async () => {
    await swept(10, function* (ledger) {
      const inner = createTask(worker(s, ledger, 'inner'));
      const user = s.fn(() => s.wait(shield(inner)));
      try {
        yield* s.wait(gather([user, () => user()], { returnExceptions: true }));
      } finally {
        // Who is cancelled waits for it all the same: a shield is for that.
        yield* s.wait(wait([inner]));
        if (!inner.cancelled() && inner.exception() === null) ledger.results.push(inner.result());
      }
    });
  });

  test('shared(): a caller that is cancelled does not end the work of the others', async () => {
    const report = await sweep(
      s.fn(function* (ledger: Ledger) {
        const load = shared(
          s.fn(function* () {
            yield* s.wait(sleep(1)); // without a clean-up that takes time: for that nobody waits
            return 'loaded';
          }),
        );
        const user = s.fn(function* () {
          ledger.results.push(yield* s.wait(load()));
        });
        yield* s.wait(
          taskGroup(
            s.fn(function* (group) {
              for (let i = 0; i < 3; i++) group.createTask(user);
              yield* s.wait(sleep(0));
            }),
          ),
        );
      }),
      {
        setup: () => new Ledger(),
        modes: ['cancel', 'cancel-before', 'cancel-after'],
        check: (ledger, { at, error }) => {
          expect(ledger.open).toBe(0);
          const isUser = at !== null && error === null && at.operation === 'shared';
          if (error === null && (at === null || isUser)) expect(ledger.results.length).toBe(isUser ? 2 : 3);
        },
      },
    );
    many(report, 12);
  });

  test('taskGroup(), nested, with a limit, with children of children', async () => {
    await swept(60, function* (ledger) {
      yield* s.wait(
        taskGroup(
          s.fn(function* (group) {
            group.createTask(worker(s, ledger));
            group.createTask(() =>
              taskGroup(
                s.fn(function* (inner) {
                  for (let i = 0; i < 3; i++) inner.createTask(worker(s, ledger));
                  inner.createTask(
                    s.fn(function* () {
                      inner.createTask(worker(s, ledger));
                      yield* s.wait(sleep(1));
                    }),
                  );
                }),
                { limit: 2 },
              ),
            );
            yield* s.wait(sleep(0.5));
          }),
        ),
      );
    });
  });

  test('taskGroup() whose child or body fails, and one that cancels itself', async () => {
    await swept(50, function* (ledger) {
      const groups = [
        taskGroup(
          s.fn(function* (group) {
            group.createTask(worker(s, ledger, 1, 2));
            group.createTask(failing(s, ledger));
            yield* s.wait(sleep(5));
          }),
        ),
        taskGroup(
          s.fn(function* (group) {
            group.createTask(worker(s, ledger, 1, 2));
            yield* s.wait(sleep(1));
            throw new Broken('the body');
          }),
        ),
        taskGroup(
          s.fn(function* (group) {
            group.createTask(worker(s, ledger, 1, 2));
            yield* s.wait(sleep(1));
            group.cancel();
            yield* s.wait(sleep(5));
          }),
        ),
      ];
      for (const group of groups) {
        try {
          yield* s.wait(group);
        } catch (error) {
          if (!isBroken(error)) throw error;
        }
      }
    });
  });

  test('asCompleted(), in both of its ways', async () => {
    await swept(40, function* (ledger) {
      const tasks = [3, 1, 2].map((seconds) => createTask(worker(s, ledger, seconds, seconds)));
      try {
        const first = asCompleted(tasks);
        for (let next = yield* s.wait(first.nextFuture()); next.done !== true; ) {
          ledger.results.push(next.value);
          next = yield* s.wait(first.nextFuture());
        }
        for (const next of asCompleted([worker(s, ledger), worker(s, ledger)])) yield* s.wait(next);
      } finally {
        const left = [...tasks];
        for (const task of left) task.cancel();
        yield* s.wait(gather(left, { returnExceptions: true }));
        // Those that it has made itself go on; they end by themselves in a second.
        yield* s.wait(sleep(5));
      }
    });
  });

  test('asCompleted() gives what a reader who is cancelled does not take to the other one', async () => {
    await swept(
      20,
      function* (ledger) {
        const all = asCompleted([1, 2, 3, 4].map((seconds) => createTask(() => sleep(seconds, seconds))));
        const read = s.fn(function* () {
          for (let next = yield* s.wait(all.nextFuture()); next.done !== true; next = yield* s.wait(all.nextFuture())) {
            ledger.results.push(`${next.value.result()} at ${getRunningLoop().time()}`);
          }
        });
        try {
          yield* s.wait(gather([read, () => read()], { returnExceptions: true }));
          // What is left when both have claimed the last ones, and one of them has gone.
          yield* s.wait(read());
        } finally {
          yield* s.wait(sleep(5));
        }
      },
      ({ results }, { at, error }) => {
        if (at !== null && (error !== null || at.operation !== 'next')) return;
        expect(results.sort()).toEqual(['1 at 1', '2 at 2', '3 at 3', '4 at 4']); // each at once
      },
    );
  });

  test('tasks that start eagerly', async () => {
    await swept(12, function* (ledger) {
      getRunningLoop().setTaskFactory(eagerTaskFactory);
      yield* s.wait(
        taskGroup(
          s.fn(function* (group) {
            group.createTask(worker(s, ledger));
            group.createTask(worker(s, ledger, 2, 2));
          }),
        ),
      );
    });
  });

  test('wrapPromise(): what comes late is given back', async () => {
    const given = { taken: 0, back: 0 };
    await swept(
      10,
      function* () {
        const connect = s.fn(function* () {
          const late = (): void => {
            given.back++;
          };
          const promise = new Promise<string>((resolve) => {
            completion().addDoneCallback(() => {
              given.taken++;
              resolve('a connection');
            });
          });
          yield* s.wait(wrapPromise(promise, { onLate: late }));
          try {
            yield* s.wait(sleep(1));
          } finally {
            given.back++;
          }
        });
        yield* s.wait(
          taskGroup(
            s.fn(function* (group) {
              group.createTask(connect);
              group.createTask(connect);
            }),
          ),
        );
      },
      () => {
        expect(given.back).toBeLessThanOrEqual(given.taken);
      },
    );
    expect(given.back).toBe(given.taken);
  });

  test('a task that cancels itself or takes its cancellation back', async () => {
    await swept(10, function* (ledger) {
      const stubborn = s.fn(function* () {
        try {
          yield* s.wait(sleep(1));
        } catch {
          currentTask()!.uncancel();
        }
        yield* s.wait(worker(s, ledger)());
      });
      const task = createTask(stubborn);
      try {
        yield* s.wait(sleep(0.5));
        task.cancel();
        yield* s.wait(wait([task]));
      } finally {
        task.cancel();
        yield* s.wait(gather([task], { returnExceptions: true }));
      }
    });
  });
});
