import {
  allTasks,
  CancelledError,
  coroutine,
  createTask,
  currentSignal,
  currentTask,
  type EventLoop,
  eagerTaskFactory,
  getRunningLoop,
  sleep,
  timeout,
} from 'asyncio-ts';
import { expect, test } from 'vitest';
import type { UseTaskOptions } from '../../../src/pages/options.ts';
import type { TaskPolicy } from '../../../src/pages/policy.ts';
import { TaskRunner, withControls } from '../../../src/pages/task-runner.ts';
import { muteLog } from '../../support/loops.ts';
import { failure } from '../../support/programs.ts';
import { describeBoth, runVirtually, type Spelling } from '../../support/spellings.ts';

/** A runner of a function that works for some seconds, cleans up for some, and writes down what it does and what is shown, with the time. */
function watched(s: Spelling, options: UseTaskOptions = {}, { work = 2, cleanUp = 0 } = {}) {
  const events: string[] = [];
  const now = (): number => getRunningLoop().time();
  const fn = s.fn(function* (name: string) {
    events.push(`${now()} ${name} begins`);
    try {
      yield* s.wait(sleep(work));
      if (name.startsWith('bad')) throw new RangeError(name);
      return name.toUpperCase();
    } catch (error) {
      if (error instanceof CancelledError && cleanUp > 0) yield* s.wait(sleep(cleanUp));
      throw error;
    } finally {
      events.push(`${now()} ${name} ends`);
    }
  });
  const runner = new TaskRunner(fn, { name: 'work', ...options });
  const shown: string[] = [];
  runner.subscribe(() => {
    const { status, value, waiting } = runner.getState();
    shown.push(`${now()} ${status} ${value ?? '-'}${waiting > 0 ? ` +${waiting}` : ''}`);
  });
  return { runner, events, shown };
}

/** Catches the errors that the loop would report. */
function reportsOf(loop: EventLoop): string[] {
  const reports: string[] = [];
  loop.setExceptionHandler((_loop, { exception, message }) => reports.push(`${message}: ${exception}`));
  return reports;
}

describeBoth('a task function', (s) => {
  const inLoop = async <T>(body: () => Generator<unknown, T, unknown>): Promise<T> =>
    (await runVirtually(s.fn(body))).result;

  test('is idle, then running, then done with its value, which stays while it runs again', () =>
    inLoop(function* () {
      const { runner, shown } = watched(s);
      expect(runner.getState()).toEqual({
        status: 'idle',
        value: undefined,
        error: undefined,
        isRunning: false,
        waiting: 0,
      });
      const task = runner.run('a');
      expect(task.getName()).toBe('work');
      expect(runner.getState().isRunning).toBe(true);
      expect(yield* s.wait(task)).toBe('A');
      expect(runner.getState()).toEqual({
        status: 'done',
        value: 'A',
        error: undefined,
        isRunning: false,
        waiting: 0,
      });
      yield* s.wait(runner.run('b'));
      expect(shown).toEqual(['0 running -', '2 done A', '2 running A', '4 done B']);
    }));

  test('fails with its error in the state, beside the last value', () =>
    inLoop(function* () {
      const { runner, shown } = watched(s);
      yield* s.wait(runner.run('a'));
      runner.run('bad');
      yield* s.wait(sleep(2.25));
      expect(String(runner.getState().error)).toBe('RangeError: bad');
      runner.run('b');
      expect(runner.getState().error).toBeUndefined();
      yield* s.wait(sleep(3));
      expect(shown).toEqual(['0 running -', '2 done A', '2 running A', '4 failed A', '4.25 running A', '6.25 done B']);
    }));

  test('has its error reported when nobody reads it, and not when the state is asked for it or the task awaited', () =>
    inLoop(function* () {
      const loop = getRunningLoop();
      const reports = reportsOf(loop);
      const { runner } = watched(s);
      runner.run('bad 1');
      yield* s.wait(sleep(5));
      expect(reports).toEqual([expect.stringContaining('RangeError: bad 1')]);
      runner.run('bad 2');
      yield* s.wait(sleep(2.1));
      expect(String(runner.getState().error)).toBe('RangeError: bad 2');
      yield* s.wait(sleep(5));
      expect(String(yield* failure(s, runner.run('bad 3')))).toContain('bad 3');
      yield* s.wait(sleep(5));
      expect(reports).toHaveLength(1);
    }));

  test('does not count as looked at when its state is copied with the controls', () =>
    inLoop(function* () {
      const reports = reportsOf(getRunningLoop());
      const { runner } = watched(s);
      const before = withControls(runner.getState(), runner);
      before.run('bad');
      yield* s.wait(sleep(2.1));
      const { status, value, isRunning } = withControls(runner.getState(), runner);
      expect([status, value, isRunning]).toEqual(['failed', undefined, false]);
      yield* s.wait(sleep(2));
      expect(reports).toHaveLength(1);
      expect(String(withControls(runner.getState(), runner).error)).toBe('RangeError: bad');
    }));

  test('gets the signal and the task of the call, and its arguments', () =>
    inLoop(function* () {
      const seen: unknown[] = [];
      const runner = new TaskRunner(
        s.fn(function* (a: number, b: string) {
          seen.push(a, b, currentTask()?.getName(), currentSignal().aborted);
          const signal = currentSignal();
          try {
            yield* s.wait(sleep(60));
          } finally {
            seen.push(signal?.aborted);
          }
        }),
        { name: 'load' },
      );
      runner.run(1, 'x');
      yield* s.wait(sleep(1));
      runner.cancel();
      yield* s.wait(sleep(1));
      expect(seen).toEqual([1, 'x', 'load', false, true]);
    }));

  test('is cancelled by cancel(), runs until its clean-up is over, and is not disturbed by a second cancel()', () =>
    inLoop(function* () {
      const { runner, events, shown } = watched(s, {}, { work: 60, cleanUp: 3 });
      const task = runner.run('a');
      yield* s.wait(sleep(1));
      expect(runner.cancel('enough')).toBe(true);
      yield* s.wait(sleep(1));
      expect(runner.cancel('more')).toBe(false);
      expect(runner.getState().status).toBe('running');
      yield* s.wait(sleep(5));
      expect(String(yield* failure(s, task))).toBe('CancelledError: enough');
      expect(events).toEqual(['0 a begins', '4 a ends']);
      expect(shown).toEqual(['0 running -', '4 cancelled -']);
      expect(runner.cancel()).toBe(false);
    }));

  test('is warned of when it has not ended five seconds after it was cancelled, once', () =>
    inLoop(function* () {
      const warnings = muteLog('warn');
      const long = watched(s, { name: 'long' }, { work: 60, cleanUp: 20 });
      const short = watched(s, { name: 'short' }, { work: 60, cleanUp: 4.5 });
      for (const { runner } of [long, short]) {
        runner.run('a');
        runner.run('b');
      }
      yield* s.wait(sleep(1));
      for (const { runner } of [long, short]) {
        runner.cancel();
        runner.run('c');
      }
      yield* s.wait(sleep(30));
      expect(warnings).toHaveBeenCalledOnce();
      expect(String(warnings.mock.calls)).toContain('useTask: long was cancelled 5 s ago and has not ended');
    }));

  test('is cancelled with all that wait', () =>
    inLoop(function* () {
      const { runner, events, shown } = watched(s, { policy: 'queue' });
      const tasks = [runner.run('a'), runner.run('b'), runner.run('c')];
      yield* s.wait(sleep(1));
      runner.cancel();
      yield* s.wait(sleep(10));
      expect(tasks.map((task) => task.cancelled())).toEqual([true, true, true]);
      expect(events).toEqual(['0 a begins', '1 a ends']);
      expect(shown).toEqual(['0 running -', '0 running - +1', '0 running - +2', '1 running -', '1 cancelled -']);
    }));

  test('is done when it catches its cancellation and returns', () =>
    inLoop(function* () {
      const runner = new TaskRunner(
        s.fn(function* () {
          try {
            yield* s.wait(sleep(60));
            return 'all';
          } catch {
            return 'some';
          }
        }),
        {},
      );
      runner.run();
      yield* s.wait(sleep(1));
      runner.cancel();
      yield* s.wait(sleep(1));
      expect(runner.getState()).toMatchObject({ status: 'done', value: 'some' });
    }));

  test('is idle at once after reset(), and begins again when the clean-up is over', () =>
    inLoop(function* () {
      const { runner, events, shown } = watched(s, {}, { cleanUp: 3 });
      yield* s.wait(runner.run('a'));
      runner.run('b');
      yield* s.wait(sleep(1));
      runner.reset();
      expect(runner.getState()).toMatchObject({ status: 'idle', value: undefined, isRunning: false });
      runner.run('c');
      yield* s.wait(sleep(10));
      expect(events.slice(2)).toEqual(['2 b begins', '6 b ends', '6 c begins', '8 c ends']);
      expect(shown.slice(2)).toEqual(['2 running A', '3 idle -', '3 running - +1', '6 running -', '8 done C']);
      runner.reset();
      expect(runner.getState().status).toBe('idle');
    }));

  test('stays idle when what was reset ends', () =>
    inLoop(function* () {
      const { runner, shown } = watched(s, {}, { cleanUp: 3 });
      runner.run('a');
      yield* s.wait(sleep(1));
      runner.reset();
      yield* s.wait(sleep(10));
      expect(shown).toEqual(['0 running -', '1 idle -']);
    }));

  test('is cancelled at the end of its component, and refuses calls after it', () =>
    inLoop(function* () {
      const { runner, events } = watched(s);
      const task = runner.run('a');
      yield* s.wait(sleep(1));
      runner.close();
      runner.leave();
      const late = runner.run('b');
      const errors = [yield* failure(s, task), yield* failure(s, late)];
      expect(errors.map(String)).toEqual([
        expect.stringMatching(/^CancelledError: Task 'work' was cancelled by the end of its component/),
        expect.stringMatching(/^CancelledError: Task 'work' was cancelled by its component, which had ended before/),
      ]);
      runner.open();
      yield* s.wait(runner.run('c'));
      expect(events).toEqual(['0 a begins', '1 a ends', '1 c begins', '3 c ends']);
    }));

  test('takes a newer function for calls to come, not for those that wait', () =>
    inLoop(function* () {
      const naming = (prefix: string) =>
        s.fn(function* (name: string) {
          yield* s.wait(sleep(1));
          return prefix + name;
        });
      const runner = new TaskRunner(naming('old '), { policy: 'queue' });
      const tasks = [runner.run('a'), runner.run('b')];
      runner.update(naming('new '), { policy: 'queue' });
      tasks.push(runner.run('c'));
      const values: string[] = [];
      for (const task of tasks) values.push(yield* s.wait(task));
      expect(values).toEqual(['old a', 'old b', 'new c']);
    }));

  test('may give anything that a task can wait for, and fails otherwise', () =>
    inLoop(function* () {
      const kinds: readonly (readonly [() => unknown, unknown])[] = [
        [() => Promise.resolve('promise'), 'promise'],
        [() => sleep(1, 'coroutine'), 'coroutine'],
        [() => createTask(() => sleep(1, 'task')), 'task'],
        [
          coroutine(
            s.fn(function* () {
              return yield* s.wait(sleep(1, 'lazy'));
            }),
          ),
          'lazy',
        ],
        [() => 'plain', 'TypeError: a coroutine was expected'],
        [
          () => {
            throw new RangeError('at once');
          },
          'RangeError: at once',
        ],
      ];
      reportsOf(getRunningLoop());
      for (const [fn, outcome] of kinds) {
        const runner = new TaskRunner(fn as () => Promise<unknown>, {});
        const task = runner.run();
        yield* s.wait(sleep(2));
        const { status, value, error } = runner.getState();
        expect(status === 'done' ? value : String(error)).toEqual(
          status === 'done' ? outcome : expect.stringContaining(String(outcome)),
        );
        expect(task.done()).toBe(true);
      }
    }));

  test('leaves nothing behind, however often its component comes and goes', () =>
    inLoop(function* () {
      const reports = reportsOf(getRunningLoop());
      for (let i = 0; i < 500; i++) {
        const { runner } = watched(
          s,
          { policy: (['restart', 'latest', 'queue', 'drop'] as const)[i % 4] },
          { cleanUp: 1 },
        );
        const unsubscribe = runner.subscribe(() => {});
        for (const name of ['a', 'b', 'bad']) runner.run(name);
        if (i % 3 === 0) yield* s.wait(sleep(0.01));
        unsubscribe();
        runner.close();
        runner.leave();
      }
      yield* s.wait(sleep(5));
      expect(allTasks().size).toBe(1);
      expect(reports).toEqual([]);
    }));

  test('may be called by its listeners, and by itself', () =>
    inLoop(function* () {
      const { runner, events } = watched(s, { policy: 'queue' });
      const unsubscribe = runner.subscribe(() => {
        unsubscribe();
        runner.run('b');
      });
      yield* s.wait(runner.run('a'));
      yield* s.wait(sleep(5));
      expect(events).toEqual(['0 a begins', '2 a ends', '2 b begins', '4 b ends']);

      const again: TaskRunner<[number], number> = new TaskRunner(
        s.fn(function* (left: number) {
          if (left > 0) again.run(left - 1);
          yield* s.wait(sleep(1));
          return left;
        }),
        {},
      );
      again.run(3);
      yield* s.wait(sleep(5));
      expect(again.getState()).toMatchObject({ status: 'done', value: 0 });
    }));

  test('is not called before the next iteration, also where tasks are eager', () =>
    inLoop(function* () {
      getRunningLoop().setTaskFactory(eagerTaskFactory);
      const { runner, events } = watched(s, { policy: 'drop' });
      runner.run('a');
      expect(events).toEqual([]);
      runner.run('b');
      yield* s.wait(sleep(5));
      expect(events).toEqual(['0 a begins', '2 a ends']);
    }));

  test('is shown to all listeners although one throws, which is reported', () =>
    inLoop(function* () {
      const reports = reportsOf(getRunningLoop());
      const bad = new TaskRunner(
        s.fn(function* () {
          yield* s.wait(sleep(1));
          return 1;
        }),
        { name: 'bad' },
      );
      bad.subscribe(() => {
        throw new TypeError('no element');
      });
      let calls = 0;
      const unsubscribe = bad.subscribe(() => calls++);
      yield* s.wait(bad.run());
      unsubscribe();
      yield* s.wait(bad.run());
      expect(calls).toBe(2);
      expect(reports).toHaveLength(4);
      expect(reports[0]).toBe('showing the state of bad has failed: TypeError: no element');
    }));

  describePolicies(s);
});

function describePolicies(s: Spelling): void {
  interface Row {
    readonly policy: TaskPolicy;
    readonly events: readonly string[];
    readonly shown: readonly string[];
    readonly ends: string;
  }

  // Calls a, b, c at 0, 1 and 1.5 s; each works for 2 s, and cleans up for 1 s when it is cancelled.
  const rows: readonly Row[] = [
    {
      policy: 'restart',
      events: ['0 a begins', '2 a ends', '2 c begins', '4 c ends'],
      shown: ['0 running -', '1 running - +1', '2 running -', '4 done C'],
      ends: 'cancelled cancelled C',
    },
    {
      policy: 'latest',
      events: ['0 a begins', '2 a ends', '2 c begins', '4 c ends'],
      shown: ['0 running -', '1 running - +1', '2 running -', '4 done C'],
      ends: 'A cancelled C',
    },
    {
      policy: 'queue',
      events: ['0 a begins', '2 a ends', '2 b begins', '4 b ends', '4 c begins', '6 c ends'],
      shown: ['0 running -', '1 running - +1', '1.5 running - +2', '2 running A +1', '4 running B', '6 done C'],
      ends: 'A B C',
    },
    {
      policy: 'drop',
      events: ['0 a begins', '2 a ends'],
      shown: ['0 running -', '2 done A'],
      ends: 'A cancelled cancelled',
    },
  ];

  test.each(rows)('keeps the policy $policy', async ({ policy, events, shown, ends }) => {
    await runVirtually(
      s.fn(function* () {
        const { runner, ...happened } = watched(s, { policy }, { cleanUp: 1 });
        const tasks = [runner.run('a')];
        yield* s.wait(sleep(1));
        tasks.push(runner.run('b'));
        yield* s.wait(sleep(0.5));
        tasks.push(runner.run('c'));
        yield* s.wait(sleep(10));
        expect(happened).toEqual({ events, shown });
        expect(tasks.map((task) => (task.cancelled() ? 'cancelled' : task.result())).join(' ')).toBe(ends);
      }),
    );
  });

  test.each(rows)(
    'with the policy $policy lets a call begin after the clean-up of one that was cancelled',
    async ({ policy }) => {
      await runVirtually(
        s.fn(function* () {
          const { runner, events } = watched(s, { policy }, { cleanUp: 1 });
          runner.run('a');
          yield* s.wait(sleep(1));
          runner.leave();
          const again = runner.run('b');
          expect(yield* s.wait(again)).toBe('B');
          expect(events).toEqual(['0 a begins', '2 a ends', '2 b begins', '4 b ends']);
          expect(runner.getState()).toMatchObject({ status: 'done', value: 'B' });
        }),
      );
    },
  );

  test.each(rows)('with the policy $policy passes over a waiting call whose task was cancelled', async ({ policy }) => {
    await runVirtually(
      s.fn(function* () {
        const { runner, events, shown } = watched(s, { policy }, { cleanUp: 1 });
        runner.run('a');
        yield* s.wait(sleep(1));
        const waiting = runner.run('b');
        waiting.cancel();
        yield* s.wait(sleep(10));
        expect(events.join()).not.toContain('b begins');
        expect(waiting.cancelled()).toBe(true);
        const last = policy === 'restart' ? 'cancelled -' : 'done A';
        expect(shown.at(-1)).toBe(`2 ${last}`);
      }),
    );
  });

  test('accepts a call in the moment in which somebody has got the result of the one before, also with the policy drop', async () => {
    await runVirtually(
      s.fn(function* () {
        const { runner } = watched(s, { policy: 'drop' });
        const values: string[] = [];
        for (const name of ['a', 'b', 'c']) values.push(yield* s.wait(runner.run(name)));
        runner.run('d').then(() => runner.run('e'));
        yield* s.wait(sleep(5));
        expect(values).toEqual(['A', 'B', 'C']);
        expect(runner.getState().value).toBe('E');
      }),
    );
  });

  test('with a deadline inside is not taken for one that ends', async () => {
    await runVirtually(
      s.fn(function* () {
        let ended = 0;
        const slow = s.fn(function* () {
          try {
            yield* s.wait(sleep(60));
          } finally {
            yield* s.wait(sleep(5));
          }
        });
        const runner = new TaskRunner(
          s.fn(function* () {
            try {
              yield* s.wait(timeout(1, slow));
            } finally {
              ended = getRunningLoop().time();
            }
          }),
          { policy: 'drop' },
        );
        runner.run();
        yield* s.wait(sleep(2));
        const refused = runner.run();
        yield* s.wait(sleep(1));
        expect(refused.cancelled()).toBe(true);
        runner.cancel();
        yield* s.wait(sleep(10));
        expect(ended).toBe(3);
        expect(runner.getState().status).toBe('cancelled');
      }),
    );
  });

  test('ends its call when a task that awaits it is cancelled', async () => {
    await runVirtually(
      s.fn(function* () {
        const { runner, shown } = watched(s);
        const waiter = createTask(function* () {
          return yield* runner.run('a');
        });
        yield* s.wait(sleep(1));
        waiter.cancel();
        yield* s.wait(sleep(5));
        expect(shown).toEqual(['0 running -', '1 cancelled -']);
      }),
    );
  });
}
