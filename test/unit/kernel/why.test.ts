import { createTask, currentTask, getRunningLoop, sleep, type Task, taskGroup, timeout, wait } from 'asyncio-ts';
import { expect, test } from 'vitest';
import { recordPlaces } from '../../../src/kernel/lowlevel.ts';
import { describeBoth, runVirtually, type Spelling } from '../../support/spellings.ts';

const sleepFor = (s: Spelling, seconds: number) =>
  s.fn(function* () {
    yield* s.wait(sleep(seconds));
  });

/** Cleans up for five seconds when it is cancelled. */
const cleaningUp = (s: Spelling) =>
  s.fn(function* () {
    try {
      yield* s.wait(sleep(60));
    } finally {
      yield* s.wait(sleep(5));
    }
  });

/** Catches the cancellation, and goes on. */
const stubborn = (s: Spelling, result: string, waitsAgain = true) =>
  s.fn(function* () {
    try {
      yield* s.wait(sleep(10));
    } catch {
      // As programs do that forget rethrowIfCancelled().
    }
    if (waitsAgain) yield* s.wait(sleep(5));
    return result;
  });

describeBoth('task.why() tells why a task is cancelled', (s) => {
  const inMain = (body: () => Generator<unknown, void, unknown>) => runVirtually(s.fn(body), { name: 'Main' });

  test('nothing, when nobody has asked', async () => {
    await inMain(function* () {
      const task = createTask(sleepFor(s, 1));
      yield* s.wait(task);
      expect([task.why(), currentTask()?.why()]).toEqual([null, null]);
    });
  });

  test('who asked, when, and with what message', async () => {
    await inMain(function* () {
      const task = createTask(sleepFor(s, 60), { name: 'load' });
      yield* s.wait(sleep(1.5));
      task.cancel('too late');
      expect(task.why()?.outcome).toBe('pending');
      yield* s.wait(wait([task]));
      const why = task.why();
      expect({ ...why }).toEqual({
        requests: [
          {
            by: 'Main',
            message: 'too late',
            at: 1.5,
            through: null,
            text: "Task 'load' was cancelled by Task 'Main': too late",
          },
        ],
        outcome: 'cancelled',
        wentOnAt: null,
      });
      expect(String(why)).toBe("Task 'load' was cancelled by Task 'Main': too late (at 1.500 s): cancelled");
    });
  });

  test('that it has been delivered, also after a deadline has passed at a foreign promise', async () => {
    await inMain(function* () {
      const foreign = Promise.withResolvers<void>();
      const late = async () => {
        await foreign.promise;
        await sleep(1);
      };
      const body = s.fn(function* () {
        try {
          yield* s.wait(timeout(1, late));
        } catch {
          // The deadline has passed while it waited for the promise, and was kept for its next await.
        }
        yield* s.wait(cleaningUp(s)());
      });
      const task = createTask(body);
      yield* s.wait(sleep(2));
      foreign.resolve();
      yield* s.wait(sleep(1));
      task.cancel();
      yield* s.wait(sleep(1));
      expect(task.why()?.outcome).toBe('delivered');
    });
  });

  test('that it has been delivered, also while the request of a deadline waits for another line', async () => {
    await inMain(function* () {
      const foreign = Promise.withResolvers<void>();
      const late = async () => {
        await foreign.promise;
      };
      const body = s.fn(function* () {
        timeout(1, late).then(
          () => {},
          () => {},
        );
        yield* s.wait(cleaningUp(s)());
      });
      const task = createTask(body);
      yield* s.wait(sleep(2));
      task.cancel();
      expect(task.why()?.outcome).toBe('pending');
      yield* s.wait(sleep(1));
      expect(task.why()?.outcome).toBe('delivered');
      foreign.resolve();
    });
  });

  test('a message that is an object is kept, and described in the text', async () => {
    await inMain(function* () {
      const task = createTask(sleepFor(s, 60), { name: 'load' });
      yield* s.wait(sleep(1));
      const reason = { code: 7 };
      task.cancel({ msg: reason });
      yield* s.wait(wait([task]));
      const [request] = task.why()!.requests;
      expect(request!.message).toBe(reason);
      expect(request!.text).toBe("Task 'load' was cancelled by Task 'Main': <Object object>");
      expect(String(task.why())).not.toContain('[object');
    });
  });

  test('a callback has no name', async () => {
    await inMain(function* () {
      const task = createTask(sleepFor(s, 60), { name: 'load' });
      getRunningLoop().callLater(2, () => task.cancel());
      yield* s.wait(wait([task]));
      expect(task.why()?.requests).toEqual([
        { by: null, message: undefined, at: 2, through: null, text: "Task 'load' was cancelled" },
      ]);
    });
  });

  test('through which group', async () => {
    await inMain(function* () {
      let slow!: Task<void>;
      try {
        yield* s.wait(
          taskGroup(
            s.fn(function* (group) {
              slow = group.createTask(sleepFor(s, 60), { name: 'slow' }) as Task<void>;
              group.createTask(
                s.fn(function* () {
                  yield* s.wait(sleep(1));
                  throw new Error('broken');
                }),
              );
              yield* s.wait(sleep(9));
            }),
          ),
        );
      } catch {
        // The group tells of the failure.
      }
      expect(slow.why()?.requests[0]).toMatchObject({
        at: 1,
        through: "a failure in its TaskGroup (Error('broken'))",
        text: "Task 'slow' was cancelled by a failure in its TaskGroup (Error('broken'))",
      });
    });
  });

  test('the whole chain of tasks that await each other, back to the deadline that began it', async () => {
    await inMain(function* () {
      const inner = createTask(sleepFor(s, 60), { name: 'inner' });
      const outer = createTask(
        s.fn(function* () {
          yield* s.wait(inner);
        }),
        { name: 'outer' },
      );
      try {
        yield* s.wait(
          timeout(
            3,
            s.fn(function* () {
              yield* s.wait(outer);
            }),
          ),
        );
      } catch {
        // The deadline has passed.
      }
      const chain = inner.why()?.requests.map(({ through }) => through) ?? [];
      expect(chain).toHaveLength(3);
      expect(chain.at(-1)).toMatch(/^timeout\(3 s\)|<Timeout/);
      expect(inner.why()?.requests.at(-1)?.at).toBe(3);
    });
  });

  test('of a very long chain the first requests and the one that began it, without taking long', async () => {
    await inMain(function* () {
      const last = createTask(sleepFor(s, 60), { name: 'last' });
      let first = last as Task<unknown>;
      for (let at = 0; at < 3_000; at++) {
        const next = first;
        first = createTask(
          s.fn(function* () {
            yield* s.wait(next);
          }),
        );
      }
      yield* s.wait(sleep(1));
      first.setName('first');
      first.cancel('enough');
      yield* s.wait(wait([first, last]));
      const requests = last.why()?.requests ?? [];
      expect(requests.length).toBe(51);
      expect(requests.at(-1)).toMatchObject({ by: 'Main', message: 'enough' });
      expect(requests[0]?.text).toContain("Task 'first' was cancelled by Task 'Main': enough");
    });
  });

  test('the deadline around the part that is being cancelled', async () => {
    await inMain(function* () {
      const task = createTask(
        s.fn(function* () {
          yield* s.wait(
            timeout(
              1,
              s.fn(function* () {
                try {
                  yield* s.wait(sleep(60));
                } finally {
                  yield* s.wait(sleep(5));
                }
              }),
            ),
          );
        }),
        { name: 'cleaning' },
      );
      yield* s.wait(sleep(2));
      expect(task.why()).toMatchObject({ outcome: 'delivered', requests: [{ by: 'cleaning', at: 1 }] });
      yield* s.wait(wait([task]));
      expect(task.exception()).toBeInstanceOf(Error);
    });
  });

  test('that it was swallowed, and where it went on, when places are recorded', async () => {
    recordPlaces(true);
    try {
      await inMain(function* () {
        const task = createTask(stubborn(s, 'all the same'), { name: 'stubborn' });
        yield* s.wait(sleep(1));
        task.cancel();
        yield* s.wait(sleep(1));
        expect(task.why()?.outcome).toBe('delivered');
        expect(yield* s.wait(task)).toBe('all the same');
        const why = task.why();
        expect(why?.outcome).toBe('swallowed');
        expect(why?.wentOnAt).toMatch(/(why\.test|spellings)\.ts:\d+:\d+$/);
        expect(String(why)).toMatch(/swallowed; went on to wait at \S+:\d+:\d+$/);
      });
    } finally {
      recordPlaces(false);
    }
  });

  test('no place, when it never waited again', async () => {
    recordPlaces(true);
    try {
      await inMain(function* () {
        const task = createTask(stubborn(s, 'at once', false));
        yield* s.wait(sleep(1));
        task.cancel();
        yield* s.wait(task);
        expect(task.why()).toMatchObject({ outcome: 'swallowed', wentOnAt: null });
      });
    } finally {
      recordPlaces(false);
    }
  });

  test('that it was taken back', async () => {
    await inMain(function* () {
      const task: Task<string> = createTask(
        s.fn(function* () {
          try {
            yield* s.wait(sleep(10));
          } catch {
            currentTask()?.uncancel();
          }
          return 'on purpose';
        }),
      );
      yield* s.wait(sleep(1));
      task.cancel();
      yield* s.wait(task);
      expect(task.why()?.outcome).toBe('taken back');
    });
  });

  test('that the task failed instead', async () => {
    await inMain(function* () {
      const task = createTask(
        s.fn(function* () {
          try {
            yield* s.wait(sleep(10));
          } catch {
            throw new Error('while cleaning up');
          }
        }),
      );
      yield* s.wait(sleep(1));
      task.cancel();
      yield* s.wait(wait([task]));
      expect([task.why()?.outcome, String(task.exception())]).toEqual(['failed', 'Error: while cleaning up']);
    });
  });
});
