import {
  CancelledError,
  createTask,
  currentTask,
  EventLoop,
  type ExceptionContext,
  type Executor,
  getRunningLoop,
  run,
  sleep,
} from 'asyncio-ts';
import { VirtualHost } from 'asyncio-ts/testing';
import { expect, test } from 'vitest';
import { muteLog, virtualLoop } from '../../support/loops.ts';
import { failure, iterations } from '../../support/programs.ts';
import { describeBoth, runVirtually } from '../../support/spellings.ts';

describeBoth('run', (s) => {
  test('gives what main returns', async () => {
    const main = s.fn(function* () {
      return yield* s.wait(sleep(1, 'result'));
    });
    expect(await runVirtually(main)).toEqual({ result: 'result', seconds: 1 });
  });

  test('rejects with what main throws', async () => {
    const error = new Error('of main');
    const main = s.fn(function* () {
      throw error;
    });
    await expect(runVirtually(main)).rejects.toBe(error);
  });

  test('closes its loop, also after a failure', async () => {
    for (const fails of [false, true]) {
      const { loop } = virtualLoop();
      const main = s.fn(function* () {
        if (fails) throw new Error('of main');
      });
      await run(main, { loopFactory: () => loop }).catch(() => {});
      expect(loop.isClosed()).toBe(true);
    }
  });

  test('names the main task, and runs it in a context of its own', async () => {
    const main = s.fn(function* () {
      return currentTask()!.getName();
    });
    expect(await runVirtually(main, { name: 'the main task' })).toMatchObject({ result: 'the main task' });
  });

  test('turns debug mode on or off, and does not change it without the option', async () => {
    const main = s.fn(function* () {
      return getRunningLoop().getDebug();
    });
    expect(await runVirtually(main, { debug: true })).toMatchObject({ result: true });
    expect(await runVirtually(main)).toMatchObject({ result: false });
    using loop = virtualLoop().loop;
    loop.setDebug(true);
    expect(await run(main, { debug: false, loopFactory: () => loop })).toBe(false);
  });
});

describeBoth('the end of a run', (s) => {
  test('cancels the tasks that are left, and waits for their clean-up', async () => {
    const trace: string[] = [];
    const left = (seconds: number) =>
      s.fn(function* () {
        try {
          yield* s.wait(sleep(60));
        } finally {
          yield* s.wait(sleep(seconds));
          trace.push(`after ${seconds}`);
        }
      });
    const main = s.fn(function* () {
      createTask(left(5));
      createTask(left(2));
      yield* s.wait(sleep(1));
      trace.push('main');
    });
    expect(await runVirtually(main)).toMatchObject({ seconds: 6 });
    expect(trace).toEqual(['main', 'after 2', 'after 5']);
  });

  test('waits also for a task that refuses to be cancelled', async () => {
    let finished = false;
    const stubborn = s.fn(function* () {
      yield* failure(s, sleep(60));
      yield* s.wait(sleep(9));
      finished = true;
    });
    const main = s.fn(function* () {
      createTask(stubborn);
      yield* iterations(s, 1);
    });
    expect(await runVirtually(main)).toMatchObject({ seconds: 9 });
    expect(finished).toBe(true);
  });

  test('comes after the first step of a task that main has made at its very end', async () => {
    const trace: string[] = [];
    const last = s.fn(function* () {
      trace.push('began');
      yield* s.wait(sleep(60));
      trace.push('went on');
    });
    const main = s.fn(function* () {
      createTask(last);
    });
    expect(await runVirtually(main)).toMatchObject({ seconds: 0 });
    expect(trace).toEqual(['began']);
  });

  test('reports the errors of tasks that fail then, and keeps the result of main', async () => {
    const reports: ExceptionContext[] = [];
    const error = new TypeError('in the clean-up');
    const failing = s.fn(function* () {
      yield* failure(s, sleep(60));
      throw error;
    });
    const main = s.fn(function* () {
      getRunningLoop().setExceptionHandler((_loop, context) => {
        reports.push(context);
      });
      createTask(failing, { name: 'failing' });
      createTask(sleep(60));
      yield* iterations(s, 2);
      return 'result';
    });
    expect(await runVirtually(main)).toMatchObject({ result: 'result' });
    expect(reports).toHaveLength(1);
    expect(reports[0]).toMatchObject({
      message: 'unhandled exception during asyncio.run() shutdown',
      exception: error,
    });
    expect(reports[0]!.task!.getName()).toBe('failing');
  });

  test('keeps the error of main when tasks that are left fail too', async () => {
    const error = new Error('of main');
    const failing = s.fn(function* () {
      yield* failure(s, sleep(60));
      throw new Error('of the task that is left');
    });
    const main = s.fn(function* () {
      getRunningLoop().setExceptionHandler(() => {});
      createTask(failing);
      yield* iterations(s, 2);
      throw error;
    });
    await expect(runVirtually(main)).rejects.toBe(error);
  });

  test('ends the tasks, then the executor, then the loop', async () => {
    const trace: string[] = [];
    const { loop } = virtualLoop();
    const executor: Executor = {
      submit: (fn, ...args) => Promise.resolve(fn(...args)) as never,
      shutdown: async () => {
        trace.push(`executor, while the loop is ${loop.isClosed() ? 'closed' : 'open'}`);
      },
    };
    const left = s.fn(function* () {
      try {
        yield* s.wait(sleep(60));
      } finally {
        trace.push('task');
      }
    });
    const main = s.fn(function* () {
      getRunningLoop().setDefaultExecutor(executor);
      createTask(left);
      expect(yield* s.wait(getRunningLoop().runInExecutor(null, () => 'ran'))).toBe('ran');
    });
    await run(main, { loopFactory: () => loop });
    expect(trace).toEqual(['task', 'executor, while the loop is open']);
    expect(loop.isClosed()).toBe(true);
  });

  test('waits 300 seconds for the executor, and then warns', async () => {
    const warn = muteLog('warn');
    const executor: Executor = {
      submit: (fn, ...args) => Promise.resolve(fn(...args)) as never,
      shutdown: () => new Promise<void>(() => {}),
    };
    const main = s.fn(function* () {
      getRunningLoop().setDefaultExecutor(executor);
    });
    expect(await runVirtually(main)).toMatchObject({ seconds: 300 });
    expect(warn).toHaveBeenCalledExactlyOnceWith(expect.stringContaining('within 300 seconds'));
  });
});

describeBoth('an AbortSignal given to run', (s) => {
  test('cancels main when it is aborted, and explains the error', async () => {
    const host = new VirtualHost();
    const controller = new AbortController();
    const reason = new Error('the user went away');
    const main = s.fn(function* () {
      getRunningLoop().callLater(1, () => controller.abort(reason));
      try {
        yield* s.wait(sleep(60));
      } finally {
        yield* s.wait(sleep(2));
      }
    });
    const options = { signal: controller.signal, loopFactory: () => new EventLoop({ host }) };
    const error = await run(main, options).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(CancelledError);
    expect((error as CancelledError).cause).toBe(reason);
    expect(host.time()).toBe(3);
  });

  test('keeps main from beginning when it is aborted already', async () => {
    let began = false;
    const main = s.fn(function* () {
      began = true;
    });
    const signal = AbortSignal.abort('too late');
    await expect(runVirtually(main, { signal })).rejects.toMatchObject({ name: 'CancelledError', cause: 'too late' });
    expect(began).toBe(false);
  });

  test('keeps the result of a main task that ignores the cancellation', async () => {
    const controller = new AbortController();
    const main = s.fn(function* () {
      getRunningLoop().callLater(1, () => controller.abort());
      yield* failure(s, sleep(60));
      return 'went on';
    });
    expect(await runVirtually(main, { signal: controller.signal })).toEqual({ result: 'went on', seconds: 1 });
  });

  test('is not listened to after the run', async () => {
    const controller = new AbortController();
    const listening = new Set<unknown>();
    const { signal } = controller;
    const add = signal.addEventListener.bind(signal);
    signal.addEventListener = ((type: 'abort', listener: () => void) => {
      listening.add(listener);
      add(type, listener);
    }) as never;
    signal.removeEventListener = ((_type: string, listener: () => void) => {
      listening.delete(listener);
    }) as never;
    const main = s.fn(function* () {
      return listening.size;
    });
    expect(await runVirtually(main, { signal })).toMatchObject({ result: 1 });
    expect(listening.size).toBe(0);
  });
});
