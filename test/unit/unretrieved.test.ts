import {
  createTask,
  type ExceptionContext,
  Future,
  gather,
  getRunningLoop,
  KeyboardInterrupt,
  SystemExit,
  sleep,
  wait,
} from 'asyncio-ts';
import { describe, expect, test } from 'vitest';
import { collectGarbage } from '../support/gc.ts';
import { virtualLoop } from '../support/loops.ts';
import { runInProcess } from '../support/processes.ts';
import { failure, iterations, program } from '../support/programs.ts';
import { describeBoth, runVirtually, type Spelling } from '../support/spellings.ts';

/** Collects garbage until a report has come. The number of rounds is bounded, so that a report that never comes is a failure. */
async function collectedReport(reports: ExceptionContext[]): Promise<ExceptionContext> {
  for (let round = 0; round < 50 && reports.length === 0; round++) await collectGarbage();
  expect(reports).toHaveLength(1);
  return reports.pop()!;
}

/** A task that fails at once. */
function failing(s: Spelling, error: unknown) {
  const body = s.fn(function* () {
    throw error;
  });
  return createTask(body);
}

describeBoth('an error that is not retrieved', (s) => {
  test('is reported when the task is collected', async () => {
    const { loop } = virtualLoop();
    const reports: ExceptionContext[] = [];
    loop.setExceptionHandler((_loop, context) => reports.push(context));
    const error = new Error('forgotten');
    const main = s.fn(function* () {
      failing(s, error);
      yield* iterations(s, 3);
    });
    await loop.runUntilComplete(main);
    expect(reports).toEqual([]);
    const report = await collectedReport(reports);
    expect(report).toMatchObject({ message: 'Task exception was never retrieved', exception: error });
    loop.close();
  });

  test('is reported when the loop closes, with the task if it still lives', async () => {
    const { loop } = virtualLoop();
    const reports: ExceptionContext[] = [];
    loop.setExceptionHandler((_loop, context) => reports.push(context));
    const error = new Error('forgotten');
    const kept: { task?: Future<unknown> } = {};
    const main = s.fn(function* () {
      kept.task = failing(s, error);
      yield* iterations(s, 3);
    });
    await loop.runUntilComplete(main);
    loop.close();
    expect(reports).toHaveLength(1);
    expect(reports[0]).toMatchObject({ message: 'Task exception was never retrieved', exception: error });
    expect(reports[0]!.future === kept.task).toBe(true);
  });

  test('of a plain future is reported by its own name', async () => {
    const reports: string[] = [];
    const main = s.fn(function* () {
      getRunningLoop().setExceptionHandler((_loop, { message }) => {
        reports.push(message!);
      });
      new Future().setException(new Error('forgotten'));
      yield* iterations(s, 1);
    });
    await runVirtually(main);
    expect(reports).toEqual(['Future exception was never retrieved']);
  });

  const retrieved: Record<string, (task: Future<unknown>) => Generator<unknown, void, unknown>> = {
    *'result()'(task) {
      expect(() => task.result()).toThrow('looked at');
    },
    *'exception()'(task) {
      task.exception();
    },
    *await(task) {
      yield* failure(s, task);
    },
    *'cancel() of the done task'(task) {
      expect(task.cancel()).toBe(false);
    },
    *'a gather that is awaited'(task) {
      yield* failure(s, gather(task));
    },
  };
  for (const [by, retrieve] of Object.entries(retrieved)) {
    test(
      `counts as seen by ${by}`,
      program(s, function* () {
        const task = failing(s, new Error('looked at'));
        yield* iterations(s, 3);
        yield* retrieve(task);
      }),
    );
  }

  const notRetrieved: Record<string, (task: Future<unknown>) => Generator<unknown, void, unknown>> = {
    *'addDoneCallback()'(task) {
      task.addDoneCallback(() => {});
      yield* iterations(s, 1);
    },
    *'wait()'(task) {
      yield* s.wait(wait([task]));
    },
    *'done() and cancelled()'(task) {
      expect([task.done(), task.cancelled()]).toEqual([true, false]);
    },
  };
  for (const [by, ignore] of Object.entries(notRetrieved)) {
    test(`does not count as seen by ${by}`, async () => {
      const reports: string[] = [];
      const main = s.fn(function* () {
        getRunningLoop().setExceptionHandler((_loop, { message }) => {
          reports.push(message!);
        });
        const task = failing(s, new Error('not looked at'));
        yield* iterations(s, 3);
        yield* ignore(task);
      });
      await runVirtually(main);
      expect(reports).toEqual(['Task exception was never retrieved']);
    });
  }

  test('of a failed gather is reported as its own', async () => {
    const reports: string[] = [];
    const main = s.fn(function* () {
      getRunningLoop().setExceptionHandler((_loop, { message }) => {
        reports.push(message!);
      });
      gather(failing(s, new Error('first')), failing(s, new Error('second')));
      yield* iterations(s, 5);
    });
    await runVirtually(main);
    expect(reports).toEqual([expect.stringMatching(/Gathering.*exception was never retrieved/)]);
  });

  test('of a task that is seen after all is not reported once more', async () => {
    const reports: ExceptionContext[] = [];
    const { loop } = virtualLoop();
    loop.setExceptionHandler((_loop, context) => reports.push(context));
    const future = new Future({ loop });
    future.setException(new Error('seen'));
    future.exception();
    loop.close();
    expect(reports).toEqual([]);
  });
});

describeBoth('KeyboardInterrupt and SystemExit in a task', (s) => {
  for (const interrupt of [new KeyboardInterrupt(), new SystemExit(3)]) {
    test(`a ${interrupt.name} is stored, and ends the run at once`, async () => {
      const { loop } = virtualLoop();
      const kept: { task?: Future<unknown> } = {};
      const main = s.fn(function* () {
        kept.task = failing(s, interrupt);
        yield* s.wait(sleep(60));
      });
      const task = loop.createTask(main);
      await expect(loop.runUntilComplete(task)).rejects.toBe(interrupt);
      expect(loop.time()).toBe(0);
      expect(kept.task!.exception()).toBe(interrupt);
      expect(task.done()).toBe(false);
      task.cancel();
      await expect(loop.runUntilComplete(task)).rejects.toMatchObject({ name: 'CancelledError' });
      loop.close();
    });
  }
});

describe('an error that is not retrieved until the process ends', () => {
  test('is reported then', () => {
    const { status, stderr } = runInProcess(`
      import { createTask } from 'asyncio-ts';
      globalThis.kept = createTask(async () => { throw new Error('forgotten'); });
    `);
    expect(stderr).toContain('Task exception was never retrieved');
    expect(stderr).toContain('Error: forgotten');
    expect(status).toBe(0);
  });
});
