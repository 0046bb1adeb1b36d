import { setImmediate as macrotask } from 'node:timers/promises';
import {
  CancelledError,
  type CoroutineFunction,
  createTask,
  currentTask,
  EventLoop,
  type Executor,
  getRunningLoop,
  KeyboardInterrupt,
  Runner,
  run,
  sleep,
} from 'asyncio-ts';
import { describe, expect, test } from 'vitest';
import { InterruptibleHost } from '../../support/interrupts.ts';
import { runInProcess } from '../../support/processes.ts';
import { failure } from '../../support/programs.ts';
import { describeBoth } from '../../support/spellings.ts';

/** Runs a program on a host of its own, with a Ctrl-C at each of the given times. */
async function runInterrupted<T>(main: CoroutineFunction<T>, times: readonly number[]) {
  const host = new InterruptibleHost();
  const loop = new EventLoop({ host });
  for (const time of times) loop.callAt(time, () => host.interrupt());
  const outcome = await run(main, { loopFactory: () => loop }).catch((error: unknown) => error);
  return { outcome, seconds: host.time(), isListenedTo: host.isListenedTo };
}

describeBoth('the first Ctrl-C', (s) => {
  test('cancels the main task, which ends the run with a KeyboardInterrupt', async () => {
    const seen: unknown[] = [];
    const main = s.fn(function* () {
      seen.push(yield* failure(s, sleep(60)));
      throw seen[0];
    });
    const { outcome, seconds } = await runInterrupted(main, [1]);
    expect(outcome).toBeInstanceOf(KeyboardInterrupt);
    expect(outcome).toMatchObject({ name: 'KeyboardInterrupt', code: 'INTERRUPTED' });
    expect(seen).toEqual([expect.any(CancelledError)]);
    expect(seconds).toBe(1);
  });

  test('lets the main task clean up', async () => {
    const main = s.fn(function* () {
      try {
        yield* s.wait(sleep(60));
      } finally {
        yield* s.wait(sleep(4));
      }
    });
    const { outcome, seconds } = await runInterrupted(main, [1]);
    expect(outcome).toBeInstanceOf(KeyboardInterrupt);
    expect(seconds).toBe(5);
  });

  test('keeps the result of a main task that ignores the cancellation', async () => {
    const main = s.fn(function* () {
      yield* failure(s, sleep(60));
      return yield* s.wait(sleep(1, 'went on'));
    });
    expect(await runInterrupted(main, [1])).toMatchObject({ outcome: 'went on', seconds: 2 });
  });

  test('leaves another error of the main task as it is', async () => {
    const error = new Error('instead');
    const main = s.fn(function* () {
      yield* failure(s, sleep(60));
      throw error;
    });
    expect((await runInterrupted(main, [1])).outcome).toBe(error);
  });

  test('is not a KeyboardInterrupt when other code has cancelled the main task as well', async () => {
    const main = s.fn(function* () {
      const task = currentTask()!;
      getRunningLoop().callLater(1, () => task.cancel('by somebody else'));
      yield* s.wait(sleep(60));
    });
    expect((await runInterrupted(main, [1])).outcome).toBeInstanceOf(CancelledError);
  });

  test('cancels the other tasks after the main task', async () => {
    const trace: string[] = [];
    const noting = (name: string) =>
      s.fn(function* () {
        try {
          yield* s.wait(sleep(60));
        } finally {
          trace.push(name);
        }
      });
    const main = s.fn(function* () {
      createTask(noting('other'));
      yield* s.wait(noting('main')());
    });
    expect((await runInterrupted(main, [1])).outcome).toBeInstanceOf(KeyboardInterrupt);
    expect(trace).toEqual(['main', 'other']);
  });
});

describeBoth('the second Ctrl-C', (s) => {
  test('does not wait for the main task', async () => {
    let cleanedUp = false;
    const main = s.fn(function* () {
      try {
        yield* s.wait(sleep(60));
      } finally {
        yield* s.wait(sleep(30));
        cleanedUp = true;
      }
    });
    const { outcome, seconds } = await runInterrupted(main, [1, 2]);
    expect(outcome).toBeInstanceOf(KeyboardInterrupt);
    expect(seconds).toBe(2);
    expect(cleanedUp).toBe(false);
  });

  test('also ends a main task that ignores the cancellation', async () => {
    const main = s.fn(function* () {
      yield* failure(s, sleep(60));
      yield* s.wait(sleep(60));
      return 'went on';
    });
    const { outcome, seconds } = await runInterrupted(main, [1, 2]);
    expect(outcome).toBeInstanceOf(KeyboardInterrupt);
    expect(seconds).toBe(2);
  });
});

describeBoth('Ctrl-C during the clean-up', (s) => {
  /** A main task that leaves another one behind, whose clean-up takes 10 seconds. */
  function leaving(end: () => unknown = () => 'result') {
    const trace: string[] = [];
    const left = s.fn(function* () {
      try {
        yield* s.wait(sleep(60));
      } finally {
        trace.push('cleaning up');
        yield* s.wait(sleep(10));
        trace.push('cleaned up');
      }
    });
    const main = s.fn(function* () {
      createTask(left);
      yield* s.wait(sleep(1));
      return end();
    });
    return { main, trace };
  }

  test('lets the clean-up come to its end, and is a KeyboardInterrupt then', async () => {
    const { main, trace } = leaving();
    const { outcome, seconds, isListenedTo } = await runInterrupted(main, [2]);
    expect(outcome).toBeInstanceOf(KeyboardInterrupt);
    expect((outcome as Error).cause).toBeUndefined();
    expect(trace).toEqual(['cleaning up', 'cleaned up']);
    expect([seconds, isListenedTo]).toEqual([11, false]);
  });

  test('ends the wait for the clean-up when it comes again', async () => {
    const { main, trace } = leaving();
    const { outcome, seconds, isListenedTo } = await runInterrupted(main, [2, 3]);
    expect(outcome).toBeInstanceOf(KeyboardInterrupt);
    expect(trace).toEqual(['cleaning up']);
    expect([seconds, isListenedTo]).toEqual([3, false]);
  });

  test('ends the wait for the clean-up when the main task was ended by Ctrl-C', async () => {
    const { main, trace } = leaving();
    const { outcome, seconds } = await runInterrupted(main, [0.5, 3]);
    expect(outcome).toBeInstanceOf(KeyboardInterrupt);
    expect(trace).toEqual(['cleaning up']);
    expect(seconds).toBe(3);
  });

  test('keeps the error of the main task as its cause', async () => {
    const error = new Error('of main');
    const { main } = leaving(() => {
      throw error;
    });
    const { outcome } = await runInterrupted(main, [2]);
    expect(outcome).toBeInstanceOf(KeyboardInterrupt);
    expect((outcome as Error).cause).toBe(error);
  });

  test('comes out of close(), and the loop is closed', async () => {
    const host = new InterruptibleHost();
    const runner = new Runner({ loopFactory: () => new EventLoop({ host }) });
    const { main, trace } = leaving();
    expect(await runner.run(main)).toBe('result');
    const loop = runner.getLoop();
    loop.callLater(1, () => host.interrupt());
    await expect(runner.close()).rejects.toBeInstanceOf(KeyboardInterrupt);
    expect(trace).toEqual(['cleaning up', 'cleaned up']);
    expect(loop.isClosed()).toBe(true);
    await runner.close();
  });

  test('ends the wait for the default executor when it comes twice', async () => {
    const executor: Executor = {
      submit: (fn, ...args) => Promise.resolve(fn(...args)) as never,
      shutdown: () => new Promise<void>(() => {}),
    };
    const main = s.fn(function* () {
      getRunningLoop().setDefaultExecutor(executor);
    });
    const { outcome, seconds } = await runInterrupted(main, [20, 30]);
    expect(outcome).toBeInstanceOf(KeyboardInterrupt);
    expect(seconds).toBe(30);
  });
});

describe('the second Ctrl-C in an async function that waits for a foreign promise', () => {
  test('ends the run, although the function cannot be ended', async () => {
    const main = async () => {
      await new Promise(() => {});
    };
    const host = new InterruptibleHost();
    const ended = run(main, { loopFactory: () => new EventLoop({ host }) });
    const error = expect(ended).rejects.toBeInstanceOf(KeyboardInterrupt);
    for (let i = 0; i < 2; i++) {
      await macrotask();
      host.interrupt();
    }
    await error;
  }, 1_000);
});

describeBoth('listening to Ctrl-C', (s) => {
  test('ends with the run', async () => {
    expect(
      await runInterrupted(
        s.fn(function* () {}),
        [],
      ),
    ).toMatchObject({ isListenedTo: false });
    const failing = s.fn(function* () {
      throw new Error('failed');
    });
    expect(await runInterrupted(failing, [])).toMatchObject({ isListenedTo: false });
  });

  test('begins anew with each run of a runner', async () => {
    const host = new InterruptibleHost();
    await using runner = new Runner({ loopFactory: () => new EventLoop({ host }) });
    const interrupted = s.fn(function* () {
      expect(host.isListenedTo).toBe(true);
      getRunningLoop().callLater(1, () => host.interrupt());
      yield* s.wait(sleep(60));
    });
    for (let i = 0; i < 2; i++) {
      await expect(runner.run(interrupted)).rejects.toBeInstanceOf(KeyboardInterrupt);
      expect(host.isListenedTo).toBe(false);
    }
  });

  test('is nothing that a cancellation is mistaken for', async () => {
    const main = s.fn(function* () {
      currentTask()!.cancel();
      yield* s.wait(sleep(60));
    });
    expect((await runInterrupted(main, [])).outcome).toBeInstanceOf(CancelledError);
  });
});

describe('a real SIGINT', () => {
  test('is the Ctrl-C of a process, whose default handling is restored after the run', () => {
    const { stdout } = runInProcess(`
      import { run, sleep } from 'asyncio-ts';
      const interrupted = async () => {
        setImmediate(() => process.kill(process.pid, 'SIGINT'));
        await sleep(60);
      };
      const error = await run(interrupted).catch((error) => error);
      console.log(error.name, process.listenerCount('SIGINT'));
    `);
    expect(stdout).toBe('KeyboardInterrupt 0');
  });

  test('ends no process in the middle of its clean-up', () => {
    const { stdout } = runInProcess(`
      import { createTask, run, sleep } from 'asyncio-ts';
      const left = async () => {
        try {
          await sleep(60);
        } finally {
          console.log(process.listenerCount('SIGINT'));
          process.kill(process.pid, 'SIGINT');
          await new Promise((resolve) => process.once('SIGINT', resolve));
          console.log('cleaned up');
        }
      };
      const main = async () => {
        createTask(left);
        await sleep(0);
      };
      const error = await run(main).catch((error) => error);
      console.log(error.name, process.listenerCount('SIGINT'));
    `);
    expect(stdout).toBe('1\ncleaned up\nKeyboardInterrupt 0');
  });

  test('goes to the handler of the program instead when it has one', () => {
    const { stdout } = runInProcess(`
      import { run, Future } from 'asyncio-ts';
      const main = async () => {
        const future = new Future();
        process.on('SIGINT', () => future.setResult('handled by the program'));
        setImmediate(() => process.kill(process.pid, 'SIGINT'));
        return await future;
      };
      process.on('SIGINT', () => {});
      console.log(await run(main), process.listenerCount('SIGINT'));
    `);
    expect(stdout).toBe('handled by the program 2');
  });
});
