import { Worker } from 'node:worker_threads';
import { ContextVar, EventLoop, Future, getRunningLoop, run, sleep, ValueError } from 'asyncio-ts';
import { describe, expect, onTestFinished, test } from 'vitest';
import { manualLoop, virtualLoop } from '../../support/loops.ts';
import { fromSource, runInProcess } from '../../support/processes.ts';
import { describeBoth } from '../../support/spellings.ts';

const USR2 = 'SIGUSR2';

/** A loop on the runtime's host, closed after the test. */
function newLoop(): EventLoop {
  const loop = new EventLoop();
  onTestFinished(() => loop.close());
  return loop;
}

const send = (signal: NodeJS.Signals = USR2) => process.kill(process.pid, signal);
const listeners = () => process.listenerCount(USR2);

/** What a call throws. */
function thrown(fn: () => unknown): unknown {
  try {
    fn();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
}

describeBoth('a signal handler', (s) => {
  test('is called by the loop with its arguments, each time the signal comes', async () => {
    const seen: unknown[] = [];
    const main = s.fn(function* () {
      let received = new Future<void>();
      const handler = (a: string, b: number) => {
        seen.push([a, b]);
        received.setResult();
      };
      getRunningLoop().addSignalHandler(USR2, handler, 'a', 1);
      for (let i = 0; i < 2; i++) {
        send();
        yield* s.wait(received);
        received = new Future<void>();
      }
    });
    await run(main);
    expect(seen).toEqual([
      ['a', 1],
      ['a', 1],
    ]);
    expect(listeners()).toBe(0);
  });

  test('runs in a copy of the context in which it was added', async () => {
    const variable = new ContextVar<string>('variable');
    const main = s.fn(function* () {
      const received = new Future<string>();
      variable.set('then');
      getRunningLoop().addSignalHandler(USR2, () => received.setResult(variable.get()));
      variable.set('later');
      send();
      return yield* s.wait(received);
    });
    expect(await run(main)).toBe('then');
  });

  test('replaces the earlier one of its signal', async () => {
    const seen: string[] = [];
    const main = s.fn(function* () {
      const loop = getRunningLoop();
      const received = new Future<void>();
      loop.addSignalHandler(USR2, () => seen.push('first'));
      loop.addSignalHandler(USR2, () => received.setResult());
      expect(listeners()).toBe(1);
      send();
      yield* s.wait(received);
      yield* s.wait(sleep(0));
    });
    await run(main);
    expect(seen).toEqual([]);
  });

  test('that throws is reported, and stays', async () => {
    const main = s.fn(function* () {
      const loop = getRunningLoop();
      const reports: unknown[] = [];
      loop.addSignalHandler(USR2, () => {
        throw new Error('failed');
      });
      for (let i = 0; i < 2; i++) {
        const reported = new Future<void>();
        loop.setExceptionHandler((_loop, { exception }) => {
          reports.push((exception as Error).message);
          reported.setResult();
        });
        send();
        yield* s.wait(reported);
      }
      return reports;
    });
    expect(await run(main)).toEqual(['failed', 'failed']);
  });
});

describe('several loops', () => {
  test('may listen to one signal', async () => {
    const loops = [newLoop(), newLoop()];
    const received = loops.map((loop) => {
      const future = loop.createFuture<string>();
      loop.addSignalHandler(USR2, () => future.setResult('received'));
      return future;
    });
    expect(listeners()).toBe(2);
    send();
    expect(await Promise.all(loops.map((loop, i) => loop.runUntilComplete(received[i]!)))).toEqual([
      'received',
      'received',
    ]);
    expect(loops[0]!.removeSignalHandler(USR2)).toBe(true);
    expect(listeners()).toBe(1);
  });
});

describe('removeSignalHandler', () => {
  test('returns whether there was one, and restores the default handling', () => {
    const loop = newLoop();
    expect(loop.removeSignalHandler(USR2)).toBe(false);
    loop.addSignalHandler(USR2, () => {});
    expect([loop.removeSignalHandler(USR2), listeners(), loop.removeSignalHandler(USR2)]).toEqual([true, 0, false]);
  });

  test('is what closing the loop does for all', () => {
    const loop = new EventLoop();
    loop.addSignalHandler(USR2, () => {});
    loop.addSignalHandler('SIGHUP', () => {});
    loop.close();
    expect([listeners(), process.listenerCount('SIGHUP')]).toEqual([0, 0]);
  });
});

describe('a loop on its own host', () => {
  test('gets signals from it, and does nothing before its next iteration', async () => {
    const { loop, host, iterate } = manualLoop();
    const listening = new Map<string, () => void>();
    Object.assign(host, {
      onSignal(signal: string, listener: () => void) {
        listening.set(signal, listener);
        return () => listening.delete(signal);
      },
    });
    const seen: string[] = [];
    loop.addSignalHandler(USR2, () => seen.push('called'));
    listening.get(USR2)!();
    expect([seen, host.wantsTurn]).toEqual([[], true]);
    await iterate();
    expect(seen).toEqual(['called']);
    loop.close();
    expect(listening.size).toBe(0);
  });

  test('without signals throws an error that says so', () => {
    const { loop } = virtualLoop();
    expect(thrown(() => loop.addSignalHandler(USR2, () => {}))).toMatchObject({
      name: 'RuntimeError',
      code: 'NO_SIGNALS',
      message: expect.stringContaining(USR2),
    });
  });
});

describe('bad input to addSignalHandler', () => {
  const nothing = () => {};

  test.each([
    ['SIGNONE', ValueError, 'UNKNOWN_SIGNAL'],
    ['toString', ValueError, 'UNKNOWN_SIGNAL'],
  ])('a signal %s that does not exist is a ValueError', (signal, Class, code) => {
    const error = thrown(() => newLoop().addSignalHandler(signal, nothing));
    expect(error).toBeInstanceOf(Class);
    expect(error).toMatchObject({ code, message: expect.stringContaining(signal) });
  });

  test.each(['SIGKILL', 'SIGSTOP'])('%s cannot be caught', (signal) => {
    expect(thrown(() => newLoop().addSignalHandler(signal, nothing))).toMatchObject({
      name: 'RuntimeError',
      code: 'UNCATCHABLE_SIGNAL',
      message: `${signal} cannot be caught`,
    });
  });

  test('a number is a TypeError, here and in removeSignalHandler', () => {
    const loop = newLoop();
    for (const use of [() => loop.addSignalHandler(12 as never, nothing), () => loop.removeSignalHandler(12 as never)])
      expect(thrown(use)).toMatchObject({ name: 'TypeError', message: expect.stringContaining("'SIGTERM', got 12") });
  });

  test('coroutine functions and values that are not functions are TypeErrors', () => {
    const loop = newLoop();
    for (const callback of [async () => {}, function* () {}, 42, null])
      expect(thrown(() => loop.addSignalHandler(USR2, callback as never))).toMatchObject({
        name: 'TypeError',
        code: 'NOT_CALLABLE',
        message: expect.stringContaining('addSignalHandler()'),
      });
    expect(listeners()).toBe(0);
  });

  test('what fails leaves the earlier handler as it is', () => {
    const loop = newLoop();
    loop.addSignalHandler(USR2, nothing);
    thrown(() => loop.addSignalHandler(USR2, null as never));
    expect(loop.removeSignalHandler(USR2)).toBe(true);
  });

  test('a closed loop is a RuntimeError', () => {
    const loop = newLoop();
    loop.close();
    expect(thrown(() => loop.addSignalHandler(USR2, nothing))).toMatchObject({ code: 'LOOP_CLOSED' });
  });

  test('another thread than the main one is a RuntimeError', async () => {
    const source = `
      import { parentPort } from 'node:worker_threads';
      import { newEventLoop } from 'asyncio-ts';
      try {
        newEventLoop().addSignalHandler('SIGUSR2', () => {});
      } catch ({ name, code }) {
        parentPort.postMessage([name, code]);
      }
    `;
    const worker = new Worker(new URL(`data:text/javascript,${encodeURIComponent(source)}`), {
      execArgv: ['--import', fromSource],
    });
    expect(await new Promise((resolve) => worker.once('message', resolve))).toEqual([
      'RuntimeError',
      'NOT_MAIN_THREAD',
    ]);
  });
});

describe('a handler for SIGINT', () => {
  test('takes Ctrl-C over from run(), which has it back when the handler is removed', () => {
    const { stdout } = runInProcess(`
      import { Event, getRunningLoop, run, sleep } from 'asyncio-ts';
      const main = async () => {
        const loop = getRunningLoop();
        const interrupted = new Event();
        loop.addSignalHandler('SIGINT', () => interrupted.set());
        process.kill(process.pid, 'SIGINT');
        await interrupted.wait();
        console.log('handled');
        loop.removeSignalHandler('SIGINT');
        setImmediate(() => process.kill(process.pid, 'SIGINT'));
        await sleep(60);
      };
      const error = await run(main).catch((error) => error);
      console.log(error.name, process.listenerCount('SIGINT'));
    `);
    expect(stdout.split('\n')).toEqual(['handled', 'KeyboardInterrupt 0']);
  });
});

describe('a process', () => {
  test('is not kept alive by a handler', () => {
    const { stdout } = runInProcess(`
      import { getEventLoop } from 'asyncio-ts';
      getEventLoop().addSignalHandler('SIGTERM', () => {});
      process.on('exit', () => console.log('over'));
    `);
    expect(stdout).toBe('over');
  });
});
