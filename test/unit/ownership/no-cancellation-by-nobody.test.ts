import {
  CancelledError,
  createTask,
  currentTask,
  Future,
  gather,
  getRunningLoop,
  once,
  shield,
  sleep,
  type Task,
  taskGroup,
  timeout,
  waitFor,
} from 'asyncio-ts';
import { describe, expect, test } from 'vitest';
import { runInProcess } from '../../support/processes.ts';
import { failure, iterations, program, thrownBy } from '../../support/programs.ts';
import { outcome, simulated } from '../../support/simulated-runtime.ts';
import { describeBoth } from '../../support/spellings.ts';

/** R12: a CancelledError says who asked, for what, when and why. */

describeBoth('a CancelledError', (s) => {
  const waiting = () =>
    s.fn(function* () {
      yield* s.wait(sleep(60));
    });

  test(
    'says which task has asked for it, in message and in cancelRequest',
    program(s, function* () {
      const victim = createTask(waiting(), { name: 'GET /slow' });
      const canceller = createTask(
        s.fn(function* () {
          yield* s.wait(sleep(3));
          victim.cancel();
        }),
        { name: 'the watchdog' },
      );
      const error = yield* failure(s, victim);
      expect((error as Error).message).toBe("Task 'GET /slow' was cancelled by Task 'the watchdog'");
      expect(victim.cancelRequest).toMatchObject({ message: undefined, at: 3, through: null });
      expect(victim.cancelRequest!.by === canceller).toBe(true);
    }),
  );

  test(
    'of a task that ended because another was cancelled says so each time that it is thrown',
    program(s, function* () {
      const other = createTask(waiting(), { name: 'other' });
      const body = s.fn(function* () {
        yield* s.wait(other);
      });
      yield* failure(s, timeout(1, body));
      const task = createTask(body);
      const messages: string[] = [];
      for (let i = 0; i < 3; i++) messages.push(((yield* failure(s, task)) as Error).message);
      expect(new Set(messages).size).toBe(1);
      expect(messages[0]).toMatch(/^Task 'other' was cancelled .* by timeout\(1 s\)$/);
    }),
  );

  test(
    'says that code outside any task has asked for it',
    program(s, function* () {
      const victim = createTask(waiting(), { name: 'victim' });
      getRunningLoop().callLater(2, () => victim.cancel());
      const error = yield* failure(s, victim);
      expect((error as Error).message).toBe("Task 'victim' was cancelled");
      expect(victim.cancelRequest).toMatchObject({ by: null, at: 2 });
    }),
  );

  test(
    'has the message that was given, as it was',
    program(s, function* () {
      for (const message of ['why', '', 42, Object.create(null), null]) {
        const victim = createTask(waiting());
        yield* iterations(s, 2);
        victim.cancel(message);
        const error = yield* failure(s, victim);
        expect(error).toBeInstanceOf(CancelledError);
        expect((error as CancelledError).args).toEqual([message]);
        expect(victim.cancelRequest!.message).toBe(message);
        if (typeof message === 'string') expect((error as Error).message).toBe(message);
      }
    }),
  );

  test(
    'says that its deadline has passed, with the time that was given',
    program(s, function* () {
      const error = yield* failure(s, timeout(0.1, waiting()));
      const { cause } = error as { cause: CancelledError };
      expect(cause.message).toMatch(/was cancelled by timeout\(0\.1 s\)/);
      const waited = yield* failure(s, waitFor(waiting(), 0.2));
      expect((waited as { cause: CancelledError }).cause.message).toMatch(/0\.2 s/);
    }),
  );

  test(
    'says that a group has failed, and with what',
    program(s, function* () {
      let told = '';
      yield* failure(
        s,
        taskGroup(
          s.fn(function* (group) {
            group.createTask(
              s.fn(function* (): Generator<unknown, void, unknown> {
                yield* s.wait(sleep(1));
                throw new RangeError('no such page');
              }),
            );
            const sibling = group.createTask(waiting(), { name: 'sibling' });
            sibling.addDoneCallback(() => {
              told = sibling.cancelRequest!.through!;
            });
            yield* s.wait(sleep(60));
          }),
        ),
      );
      expect(told).toMatch(/a failure in its TaskGroup \(.*RangeError.*no such page/);
    }),
  );

  test(
    'that was passed on says from which task, and who asked for it first',
    program(s, function* () {
      const inner = createTask(waiting(), { name: 'inner' });
      const middle = createTask(
        s.fn(function* () {
          yield* s.wait(inner);
        }),
        { name: 'middle' },
      );
      const outer = createTask(
        s.fn(function* () {
          yield* s.wait(middle);
        }),
        { name: 'outer' },
      );
      yield* s.wait(sleep(1));
      outer.cancel();
      yield* failure(s, outer);
      const story = inner.cancelRequest!.through!;
      expect(story).toContain("Task 'outer' was cancelled by");
    }),
  );

  test(
    'says it to all code that reads the error of the task, the second and the third as well',
    program(s, function* () {
      const victim = createTask(waiting(), { name: 'victim' });
      yield* s.wait(sleep(1));
      victim.cancel();
      for (let i = 0; i < 3; i++) {
        const error = yield* failure(s, victim);
        expect((error as Error).message).toMatch(/^Task 'victim' was cancelled by Task-\d+$/);
      }
    }),
  );

  test(
    'says it to the line that has waited for a future, though other code has asked the future before',
    program(s, function* () {
      const future = new Future<void>();
      const victim = createTask(
        s.fn(function* () {
          const error = yield* failure(s, future);
          return (error as Error).message;
        }),
        { name: 'victim' },
      );
      yield* s.wait(sleep(1));
      victim.cancel();
      const seen = [thrownBy(() => future.result()), thrownBy(() => future.exception())];
      const told = yield* s.wait(victim);
      for (const message of [told, ...seen.map((error) => (error as Error).message)])
        expect(message).toMatch(/^Task 'victim' was cancelled by Task-\d+$/);
    }),
  );

  test(
    'of a future that a program cancels says which task did so, in each task that waits for it',
    program(s, function* () {
      class Reply extends Future<void> {}
      for (const [make, name] of [
        [() => new Future<void>(), 'A Future'],
        [() => new Reply(), 'A Reply'],
        [() => once(new EventTarget(), 'x'), 'An EventFuture'],
      ] as const) {
        const future = make();
        const told: unknown[] = [];
        const listen = s.fn(function* () {
          const error = yield* failure(s, future);
          told.push([(error as Error).message, (error as CancelledError).args]);
        });
        const waiters = [createTask(listen), createTask(listen)];
        const canceller = s.fn(function* () {
          future.cancel();
        });
        yield* s.wait(sleep(1));
        yield* s.wait(createTask(canceller, { name: 'the watchdog' }));
        yield* s.wait(gather(waiters));
        expect(told).toEqual(Array(2).fill([`${name} was cancelled by Task 'the watchdog'`, []]));
      }
    }),
  );

  test(
    'of a future that a callback cancels says that it was cancelled',
    program(s, function* () {
      const future = new Future<void>();
      getRunningLoop().callLater(1, () => future.cancel());
      expect(yield* failure(s, future)).toMatchObject({ message: 'A Future was cancelled', args: [] });
    }),
  );

  test(
    'of a future has the message that was given, as it was',
    program(s, function* () {
      for (const message of ['why', '', 42, null]) {
        const future = new Future<void>();
        future.cancel(message);
        expect(yield* failure(s, future)).toMatchObject({ message: String(message), args: [message] });
      }
    }),
  );

  test(
    'of a task that waits for a future which others cancel says who did so',
    program(s, function* () {
      const future = new Future<void>();
      const waiter = createTask(
        s.fn(function* () {
          yield* s.wait(shield(future));
        }),
      );
      yield* s.wait(sleep(1));
      future.cancel();
      expect((yield* failure(s, waiter)) as Error).toMatchObject({
        message: expect.stringMatching(/^A Future was cancelled by Task-\d+$/),
      });
      const [error] = yield* s.wait(gather([future], { returnExceptions: true }));
      expect(error).toMatchObject({ args: [''] });
    }),
  );

  test(
    'says it among the results of gather, for tasks, futures and gathers that were cancelled',
    program(s, function* () {
      const future = new Future<void>();
      const victim = createTask(waiting(), { name: 'victim' });
      const waiter = createTask(
        s.fn(function* () {
          yield* s.wait(future);
        }),
        { name: 'waiter' },
      );
      const inner = createTask(waiting(), { name: 'inner' });
      const all = gather([victim, future, waiter, gather([inner])], { returnExceptions: true });
      yield* s.wait(sleep(1));
      victim.cancel();
      waiter.cancel();
      inner.cancel();
      const messages = (yield* s.wait(all)).map((error) => (error as unknown as Error).message);
      expect(messages).toEqual([
        expect.stringMatching(/^Task 'victim' was cancelled by Task-\d+$/),
        expect.stringMatching(/^Task 'waiter' was cancelled by Task-\d+$/),
        expect.stringMatching(/^Task 'waiter' was cancelled by Task-\d+$/),
        expect.stringMatching(/^Task 'inner' was cancelled by Task-\d+$/),
      ]);
    }),
  );

  test(
    'of an AbortSignal says so, with its reason',
    program(s, function* () {
      const controller = new AbortController();
      const victim = createTask(waiting(), { name: 'victim', signal: controller.signal });
      yield* s.wait(sleep(1));
      controller.abort(new Error('the client has left'));
      const error = yield* failure(s, victim);
      expect(victim.cancelRequest!.through).toMatch(/AbortSignal/);
      expect((error as Error).message).toMatch(/the client has left/);
    }),
  );

  test(
    'that a task has asked for itself says so',
    program(s, function* () {
      const victim = createTask(
        s.fn(function* () {
          currentTask()!.cancel();
          yield* s.wait(sleep(60));
        }),
        { name: 'tired' },
      );
      expect(yield* failure(s, victim)).toMatchObject({ message: "Task 'tired' cancelled itself" });
    }),
  );

  test(
    'says the task of the deadline, where another one was made to wait for it',
    program(s, function* () {
      const inner = createTask(waiting(), { name: 'inner' });
      yield* failure(
        s,
        timeout(
          1,
          s.fn(function* () {
            yield* s.wait(inner);
          }),
        ),
      );
      expect(inner.cancelRequest!.through).toMatch(/timeout\(1 s\)/);
    }),
  );
});

describe('a CancelledError', () => {
  test(
    'says who asked in every branch, and in each its own',
    simulated(async () => {
      const told: string[] = [];
      const branch = async () => {
        try {
          await sleep(60);
        } catch (error) {
          told.push((error as Error).message);
          throw error;
        }
      };
      const task = createTask(() => Promise.all([outcome(timeout(1, branch)), branch()]), { name: 'of branches' });
      await sleep(2);
      task.cancel();
      await outcome(task);
      expect(told[0]).toMatch(/timeout\(1 s\)/);
      expect(told[1]).toBe("Task 'of branches' was cancelled by Task 'main'");
    }),
  );

  test(
    'says who asked in each await of one future, when the request was pending for the first of them',
    simulated(async ({ foreign }) => {
      const told: string[] = [];
      const future = new Future<void>();
      const branch = async (name: string) => {
        try {
          await future;
        } catch (error) {
          told.push(`${name}: ${(error as Error).message}`);
        }
      };
      const task = createTask(
        async () => {
          await foreign(5);
          await Promise.all([branch('first'), branch('second'), branch('third')]);
        },
        { name: 'victim' },
      );
      await sleep(1);
      task.cancel();
      await outcome(task);
      expect(told.sort()).toEqual(
        ['first', 'second', 'third'].map((name) => `${name}: Task 'victim' was cancelled by Task 'main'`),
      );
    }),
  );

  test(
    'of a line that has come back late says which request it has missed',
    simulated(async ({ foreign }) => {
      const told: string[] = [];
      const late = async () => {
        await foreign(5);
        try {
          await sleep(1);
        } catch (error) {
          told.push((error as Error).message);
        }
      };
      await outcome(timeout(1, () => late()));
      await sleep(10);
      expect(told).toEqual([expect.stringMatching(/was cancelled by a deadline that passed/)]);
    }),
  );

  test(
    'of a line that was left behind says that run() has ended, or its task',
    simulated(async () => {
      const told: string[] = [];
      const task = createTask(async () => {
        const line = async () => {
          try {
            await sleep(60);
          } catch (error) {
            told.push((error as Error).message);
          }
        };
        void line();
        await sleep(1);
        throw new RangeError('of the task');
      });
      await outcome(task);
      expect(told).toEqual([expect.stringMatching(/was cancelled by the end of its task/)]);
    }),
  );

  test('that leaves a process uncaught has a stack, and its story in the first line', () => {
    const { stderr, status } = runInProcess(`
      import { createTask, run, sleep } from 'asyncio-ts';
      await run(async () => {
        const task = createTask(() => sleep(60), { name: 'GET /slow' });
        await sleep(0.001);
        task.cancel();
        await task;
      });
    `);
    expect(status).not.toBe(0);
    expect(stderr).toMatch(/CancelledError: Task 'GET \/slow' was cancelled by Task-\d+/);
    expect(stderr).toMatch(/\n\s+at /);
  });

  test(
    'that leaves a task has a stack when it is read',
    simulated(async () => {
      const task = createTask(() => sleep(60));
      await sleep(1);
      task.cancel();
      const error: unknown = await task.then(String, (thrown: unknown) => thrown);
      expect((error as Error).stack).toMatch(/^CancelledError: Task-\d+ was cancelled by Task 'main'/);
    }),
  );
});

describe('a child that ends as cancelled although neither it nor its group was cancelled', () => {
  test(
    'is reported: its work is lost',
    simulated(async ({ reports, warnings }) => {
      const future = new Future<void>();
      getRunningLoop().callLater(1, () => future.cancel());
      const ended = await taskGroup(async (group) => {
        group.createTask(async () => await future, { name: 'lost' });
        return await sleep(5, 'the group went on');
      });
      expect(ended).toBe('the group went on');
      const told = [...reports.splice(0).map(({ message }) => String(message)), ...warnings.splice(0)];
      expect(told).toEqual([expect.stringMatching(/'lost'/)]);
    }),
  );

  test(
    'is not reported when it, its group, or a scope around was cancelled',
    simulated(async () => {
      await taskGroup(async (group) => {
        const child: Task<unknown> = group.createTask(() => sleep(60));
        await sleep(1);
        child.cancel();
      });
      await taskGroup(async (group) => {
        group.createTask(() => sleep(60));
        await sleep(1);
        group.cancel();
      });
      await outcome(
        timeout(1, () =>
          taskGroup(async (group) => {
            group.createTask(() => sleep(60));
          }),
        ),
      );
      await outcome(gather(createTask(() => sleep(1))));
    }),
  );
});
