import {
  createTask,
  currentSignal,
  currentTask,
  getRunningLoop,
  sleep,
  type Task,
  type TaskGroup,
  taskGroup,
  timeout,
  waitFor,
} from 'asyncio-ts';
import { describe, expect, test } from 'vitest';
import { collectGarbage } from '../../support/gc.ts';
import { failure, program } from '../../support/programs.ts';
import { outcome, simulated } from '../../support/simulated-runtime.ts';
import { describeBoth } from '../../support/spellings.ts';

/** `currentSignal()` is that of the innermost scope; `task.signal` likewise for a line of the task, and the task's for others. */

describeBoth('the signal', (s) => {
  test(
    'of a deadline is aborted when it passes, and that of the task is not',
    program(s, function* () {
      const ofTask = currentSignal();
      const signals: AbortSignal[] = [];
      const body = s.fn(function* () {
        signals.push(currentSignal(), currentTask()!.signal);
        yield* s.wait(sleep(60));
      });
      yield* failure(s, timeout(1, body));
      expect(signals[0] === signals[1]).toBe(true);
      expect(signals[0] === ofTask).toBe(false);
      expect([signals[0]!.aborted, ofTask.aborted]).toEqual([true, false]);
      expect(signals[0]!.reason).toMatchObject({
        name: 'CancelledError',
        message: expect.stringMatching(/timeout\(1 s\)/),
      });
      expect(currentSignal() === ofTask).toBe(true);
    }),
  );

  test(
    'of all scopes of a task is aborted when the task is cancelled, the outer ones with the inner ones',
    program(s, function* () {
      const signals: AbortSignal[] = [];
      const inner = s.fn(function* () {
        signals.push(currentSignal());
        yield* s.wait(sleep(60));
      });
      const outer = s.fn(function* () {
        signals.push(currentSignal());
        yield* s.wait(timeout(50, inner));
      });
      const task = createTask(
        s.fn(function* () {
          signals.push(currentSignal());
          yield* s.wait(taskGroup(outer));
        }),
      );
      yield* s.wait(sleep(1));
      expect(signals.map(({ aborted }) => aborted)).toEqual([false, false, false]);
      expect(new Set(signals).size).toBe(3);
      task.cancel('why');
      expect(signals.map(({ aborted }) => aborted)).toEqual([true, true, true]);
      yield* failure(s, task);
    }),
  );

  test(
    'of an outer scope is left alone when an inner one ends; the inner one is aborted with the outer one',
    program(s, function* () {
      const signals: AbortSignal[] = [];
      const inner = s.fn(function* () {
        signals.push(currentSignal());
        yield* s.wait(sleep(60));
      });
      const outer = s.fn(function* () {
        signals.push(currentSignal());
        yield* failure(s, timeout(1, inner));
        expect(signals.map(({ aborted }) => aborted)).toEqual([false, true]);
        yield* s.wait(timeout(50, inner));
      });
      yield* failure(s, timeout(2, outer));
      expect(signals.map(({ aborted }) => aborted)).toEqual([true, true, true]);
    }),
  );

  test(
    'asked for from outside is that of the task, whatever scope its line is in',
    program(s, function* () {
      let inside: AbortSignal | undefined;
      const body = s.fn(function* () {
        inside = currentSignal();
        yield* failure(s, sleep(60));
        yield* s.wait(sleep(2));
      });
      const task = createTask(
        s.fn(function* () {
          yield* s.wait(timeout(2, body));
          yield* s.wait(sleep(60));
        }),
      );
      yield* s.wait(sleep(1));
      const { signal } = task;
      expect(signal === inside).toBe(false);
      yield* s.wait(sleep(2));
      expect([inside!.aborted, signal.aborted]).toEqual([true, false]);
      task.cancel();
      expect(signal.aborted).toBe(true);
      yield* failure(s, task);
    }),
  );

  test(
    'that is asked for when the scope was cancelled already is aborted',
    program(s, function* () {
      const seen: boolean[] = [];
      const body = s.fn(function* () {
        try {
          yield* s.wait(sleep(60));
        } finally {
          seen.push(currentSignal().aborted);
        }
      });
      yield* failure(s, timeout(1, body));
      const task = createTask(body);
      yield* s.wait(sleep(1));
      task.cancel();
      yield* failure(s, task);
      expect(seen).toEqual([true, true]);
    }),
  );

  test(
    'is a new one after the requests were taken back',
    program(s, function* () {
      const signals: AbortSignal[] = [];
      const task: Task<unknown> = createTask(
        s.fn(function* () {
          signals.push(currentSignal());
          yield* failure(s, sleep(60));
          currentTask()!.uncancel();
          signals.push(currentSignal());
          return yield* s.wait(sleep(1, 'carried on'));
        }),
      );
      yield* s.wait(sleep(1));
      task.cancel();
      expect(yield* s.wait(task)).toBe('carried on');
      expect(signals.map(({ aborted }) => aborted)).toEqual([true, false]);
    }),
  );

  test(
    'is the same for all code in a scope',
    program(s, function* () {
      const first = currentSignal();
      yield* s.wait(sleep(1));
      expect(currentSignal() === first).toBe(true);
      yield* s.wait(waitFor(sleep(1), 5));
      expect(currentSignal() === first).toBe(true);
    }),
  );
});

describe('the signal of a branch', () => {
  test(
    'that a child task was given delivers nothing to the line whose signal it is',
    simulated(async ({ foreign }) => {
      let child: Task<unknown> | null = null;
      const task = createTask(async () => {
        child = createTask(() => sleep(60), { signal: currentSignal() });
        await foreign(2);
        await sleep(60);
      });
      await sleep(1);
      task.cancel('enough');
      expect(await outcome(task)).toBe('CancelledError');
      expect(await outcome(child!)).toBe('CancelledError');
      expect(getRunningLoop().time()).toBe(2);
      expect(child!.cancelRequest).toMatchObject({ message: 'enough', through: 'an AbortSignal' });
    }),
  );

  test(
    'is that of its own deadline: those of its siblings do not abort it',
    simulated(async () => {
      const signals: AbortSignal[] = [];
      const limited = (seconds: number) =>
        outcome(
          timeout(seconds, async () => {
            signals.push(currentSignal());
            await sleep(3);
          }),
        );
      const ends = await Promise.all([limited(1), limited(5), limited(2)]);
      expect(ends).toEqual(['TimeoutError', undefined, 'TimeoutError']);
      expect(signals.map(({ aborted }) => aborted)).toEqual([true, false, true]);
    }),
  );

  test(
    'is that of its scope after a foreign promise as well',
    simulated(async ({ foreign }) => {
      const seen: unknown[] = [];
      await outcome(
        timeout(2, async () => {
          const signal = currentSignal();
          await foreign(1);
          seen.push(currentSignal() === signal, currentTask()!.signal === signal);
          await sleep(60);
        }),
      );
      expect(seen).toEqual([true, true]);
    }),
  );

  test(
    'of code outside is one that nothing aborts, and inside its own deadline that deadline’s',
    simulated(async ({ timer, foreign }) => {
      const seen: unknown[] = [];
      timer(1, async () => {
        const own = currentSignal();
        let signal: AbortSignal | undefined;
        await outcome(
          timeout(1, async () => {
            signal = currentSignal();
            await sleep(60);
          }),
        );
        seen.push(own.aborted, signal?.aborted);
      });
      await foreign(10);
      expect(seen).toEqual([false, true]);
    }),
  );

  test(
    'aborts before the waits throw, for every scope once',
    simulated(async () => {
      const log: string[] = [];
      const body = async () => {
        currentSignal().addEventListener('abort', () => log.push(`abort at ${getRunningLoop().time()}`));
        try {
          await sleep(60);
        } finally {
          log.push('threw');
        }
      };
      await outcome(timeout(1, body));
      expect(log).toEqual(['abort at 1', 'threw']);
    }),
  );

  test(
    'of a scope that was left is aborted with the task as long as somebody has it, and one that nobody has is forgotten',
    simulated(async () => {
      const kept: AbortSignal[] = [];
      const forgotten: WeakRef<AbortSignal>[] = [];
      let collected = false;
      const task = createTask(async () => {
        for (let i = 0; i < 100; i++) {
          await timeout(5, async () => {
            const signal = currentSignal();
            if (i % 10 === 0) kept.push(signal);
            else forgotten.push(new WeakRef(signal));
          });
        }
        await sleep(60);
      });
      await sleep(1);
      await collectGarbage();
      collected = forgotten.filter((ref) => ref.deref() === undefined).length > 80;
      task.cancel();
      await outcome(task);
      expect([collected, kept.length, kept.every(({ aborted }) => aborted)]).toEqual([true, 10, true]);
    }),
  );

  test(
    'of a scope that is not left is aborted even if only its listener refers to it',
    simulated(async () => {
      const log: string[] = [];
      /** Nothing but the signal leads to the line that waits here. */
      const untilAborted = () =>
        new Promise<void>((resolve) =>
          currentSignal().addEventListener('abort', () => resolve(log.push('aborted') as never)),
        );
      const task = createTask(() =>
        Promise.all([
          timeout(50, () => timeout(null, untilAborted)),
          timeout(50, async () => {
            // Left, while an inner scope is not: the line in it was begun and not awaited.
            timeout(null, untilAborted).then(() => {});
          }),
        ]),
      );
      await sleep(1);
      await collectGarbage();
      task.cancel();
      await outcome(task);
      expect(log).toEqual(['aborted', 'aborted']);
    }),
  );
});

describeBoth('a listener of a signal that reads its reason', (s) => {
  /** As a listener that logs why: it stands for no line of the task. */
  const listen = (signal: AbortSignal | undefined): void => {
    signal?.addEventListener('abort', () => void signal.reason);
  };
  const sleeping = s.fn(function* () {
    yield* s.wait(sleep(60));
  });

  test(
    'takes no cancellation from a task that has not begun',
    program(s, function* () {
      const task = createTask(sleeping);
      listen(task.signal);
      expect(task.cancel('why')).toBe(true);
      expect(yield* failure(s, task)).toMatchObject({ name: 'CancelledError', message: 'why' });
      expect(getRunningLoop().time()).toBe(0);
    }),
  );

  test(
    'takes no cancellation from a task that cancels itself, in its first step or later',
    program(s, function* () {
      for (const steps of [0, 1]) {
        const log: unknown[] = [];
        const task = createTask(
          s.fn(function* () {
            for (let i = 0; i < steps; i++) yield* s.wait(sleep(0));
            listen(currentSignal());
            currentTask()!.cancel('why');
            log.push(yield* failure(s, sleep(60)));
          }),
        );
        yield* s.wait(task);
        expect(log).toMatchObject([{ name: 'CancelledError', message: 'why' }]);
      }
    }),
  );

  test(
    'takes no deadline from a body that was about to go on',
    program(s, function* () {
      const body = s.fn(function* () {
        listen(currentSignal());
        yield* s.wait(sleep(1));
        yield* s.wait(sleep(60));
      });
      expect(yield* failure(s, timeout(1, body))).toMatchObject({ name: 'TimeoutError' });
      expect(getRunningLoop().time()).toBe(1);
    }),
  );

  test(
    'takes no end from a group whose body was about to go on',
    program(s, function* () {
      const body = s.fn(function* (group: TaskGroup) {
        listen(currentSignal());
        getRunningLoop().callSoon(() => group.cancel());
        yield* s.wait(sleep(0));
        yield* s.wait(sleep(60));
      });
      yield* s.wait(taskGroup(body));
      expect(getRunningLoop().time()).toBe(0);
    }),
  );
});
