import { type EventLoop, type Host, KeyboardInterrupt, newEventLoop, SystemExit, sleep, ValueError } from 'asyncio-ts';
import { ManualHost } from 'asyncio-ts/testing';
import { describe, expect, test } from 'vitest';
import { manualLoop, muteLog, virtualLoop } from '../../support/loops.ts';
import { describeBoth } from '../../support/spellings.ts';

describeBoth('callSoon always beats callLater(0)', (s) => {
  test('an iteration runs exactly what was ready when it began', async () => {
    const { loop, iterate } = manualLoop();
    const trace: string[] = [];
    const a = s.fn(function* () {
      trace.push('A');
      loop.callLater(0, () => trace.push('timer'));
      loop.callSoon(() => trace.push('soon'));
    });
    const b = s.fn(function* () {
      trace.push('B');
    });
    loop.createTask(a);
    loop.createTask(b);
    await iterate();
    expect(trace).toEqual(['A', 'B']);
    await iterate();
    expect(trace).toEqual(['A', 'B', 'soon', 'timer']);
  });

  test('a task that yields for ever lets every other task run between two of its steps', async () => {
    const { loop, iterate } = manualLoop();
    const trace: string[] = [];
    const greedy = s.fn(function* () {
      for (;;) {
        trace.push('greedy');
        yield* s.wait(sleep(0));
      }
    });
    loop.createTask(greedy);
    await iterate();
    loop.callLater(0, () => trace.push('timer'));
    loop.callSoon(() => trace.push('soon'));
    await iterate(2);
    expect(trace).toEqual(['greedy', 'greedy', 'soon', 'timer', 'greedy']);
  });
});

describe('an iteration', () => {
  test('looks at the clock once, after the callbacks that were ready have had their turn', () => {
    const { loop, host } = manualLoop();
    const trace: string[] = [];
    loop.callLater(1, () => trace.push('timer'));
    loop.callSoon(() => {
      host.advance(2);
      trace.push('first');
    });
    loop.callSoon(() => trace.push('second'));
    loop.runOnce();
    expect(trace).toEqual(['first', 'second']);
    loop.runOnce();
    expect(trace).toEqual(['first', 'second', 'timer']);
  });

  test('within an iteration is none', () => {
    const { loop } = manualLoop();
    const trace: string[] = [];
    loop.callSoon(() => {
      loop.callSoon(() => trace.push('next'));
      loop.runOnce();
      trace.push('here');
    });
    loop.runOnce();
    expect(trace).toEqual(['here']);
  });

  test('makes the loop the running one, for its time only', () => {
    const { loop } = manualLoop();
    const seen: boolean[] = [];
    loop.callSoon(() => seen.push(loop.isRunning()));
    loop.runOnce();
    expect([...seen, loop.isRunning()]).toEqual([true, false]);
  });

  test('continues from microtasks while the step of an async function is open', async () => {
    const { loop } = manualLoop();
    const trace: string[] = [];
    loop.createTask(async () => {
      await null;
      trace.push('step');
    });
    loop.callSoon(() => trace.push('callback'));
    loop.runOnce();
    loop.runOnce(); // does nothing: the iteration is not over
    expect(trace).toEqual([]);
    expect(loop.isRunning()).toBe(true);
    await new Promise(setImmediate);
    expect(trace).toEqual(['step', 'callback']);
  });

  test('does not wait for a foreign promise', async () => {
    const { loop, iterate } = manualLoop();
    const foreign = Promise.withResolvers<string>();
    const trace: string[] = [];
    loop.createTask(async () => {
      trace.push(await foreign.promise);
    });
    loop.callSoon(() => trace.push('callback'));
    await iterate();
    expect(trace).toEqual(['callback']);
    foreign.resolve('step');
    await iterate();
    expect(trace).toEqual(['callback', 'step']);
  });
});

describeBoth('stop', (s) => {
  test('before the run: exactly one iteration', async () => {
    const { loop } = virtualLoop();
    const trace: string[] = [];
    const main = s.fn(function* () {
      trace.push('first');
      yield* s.wait(sleep(0));
      trace.push('second');
    });
    loop.createTask(main);
    loop.stop();
    await loop.runForever();
    expect(trace).toEqual(['first']);
    loop.stop();
    await loop.runForever();
    expect(trace).toEqual(['first', 'second']);
  });

  test('in a callback: the rest of the iteration still runs, added callbacks wait for the next run', async () => {
    const { loop } = virtualLoop();
    const trace: string[] = [];
    const stopper = s.fn(function* () {
      loop.stop();
      loop.callSoon(() => trace.push('added'));
    });
    loop.createTask(stopper);
    loop.callSoon(() => trace.push('rest'));
    await loop.runForever();
    expect(trace).toEqual(['rest']);
    loop.stop();
    await loop.runForever();
    expect(trace).toEqual(['rest', 'added']);
  });

  test("before runUntilComplete's future is done: a RuntimeError", async () => {
    const { loop } = virtualLoop();
    const main = s.fn(function* () {
      yield* s.wait(sleep(10));
    });
    loop.callLater(1, () => loop.stop());
    await expect(loop.runUntilComplete(main)).rejects.toThrow('Event loop stopped before Future completed.');
    expect(loop.time()).toBe(1);
  });

  test('what the final step of runUntilComplete has queued still runs', async () => {
    const { loop } = virtualLoop();
    const trace: string[] = [];
    const main = s.fn(function* () {
      yield* s.wait(sleep(1));
      loop.callSoon(() => {
        trace.push('queued by the final step');
        loop.callSoon(() => trace.push('queued by that'));
      });
      return 'result';
    });
    expect(await loop.runUntilComplete(main)).toBe('result');
    expect(trace).toEqual(['queued by the final step']);
  });

  test('a run after a stopped one runs the remaining callbacks', async () => {
    const { loop } = virtualLoop();
    const main = s.fn(function* () {
      yield* s.wait(sleep(10));
      return 'done';
    });
    const task = loop.createTask(main);
    loop.callLater(1, () => loop.stop());
    await loop.runForever();
    expect(await loop.runUntilComplete(task)).toBe('done');
    expect(loop.time()).toBe(10);
  });
});

describe('runOnce', () => {
  test('ends a run that stop() asked to end', async () => {
    const { loop } = manualLoop();
    const run = loop.runForever();
    loop.stop();
    expect(loop.isRunning()).toBe(true);
    loop.runOnce();
    expect(loop.isRunning()).toBe(false);
    await run;
  });

  test('throws a KeyboardInterrupt when driven by hand; the rest stays queued', () => {
    const { loop } = manualLoop();
    const trace: string[] = [];
    loop.callSoon(() => {
      throw new KeyboardInterrupt();
    });
    loop.callSoon(() => trace.push('rest'));
    expect(() => loop.runOnce()).toThrow(KeyboardInterrupt);
    expect(trace).toEqual([]);
    loop.runOnce();
    expect(trace).toEqual(['rest']);
  });
});

describe('a loop that is running', () => {
  const refusal = 'This event loop is already running';

  test('cannot be run', async () => {
    const { loop } = virtualLoop();
    const run = loop.runForever();
    await expect(loop.runForever()).rejects.toThrow(refusal);
    await expect(loop.runUntilComplete(loop.createFuture())).rejects.toThrow(refusal);
    loop.stop();
    await run;
  });

  test('cannot run another loop from its callbacks', async () => {
    const { loop } = virtualLoop();
    const other = virtualLoop().loop;
    let refused: Promise<void> | null = null;
    loop.callSoon(() => {
      refused = other.runForever();
      refused.catch(() => {});
    });
    loop.stop();
    await loop.runForever();
    await expect(refused).rejects.toThrow('Cannot run the event loop while another loop is running');
  });

  test('cannot be closed', async () => {
    const { loop } = virtualLoop();
    const run = loop.runForever();
    expect(() => loop.close()).toThrow('Cannot close a running event loop');
    loop.stop();
    await run;
    loop.close();
    expect(loop.isClosed()).toBe(true);
  });
});

describeBoth('close', (s) => {
  test('empties the queues', async () => {
    const { loop, host } = manualLoop();
    const trace: string[] = [];
    const main = s.fn(function* () {
      trace.push('step');
    });
    loop.callSoon(() => trace.push('soon'));
    loop.callLater(1, () => trace.push('timer'));
    loop.createTask(main);
    loop.close();
    expect(host.wantedAt).toBe(null);
    host.advance(2);
    expect(() => loop.runOnce()).toThrow('Event loop is closed');
    expect(trace).toEqual([]);
  });

  test('is final: whatever would schedule something or run the loop is refused', async () => {
    const { loop } = manualLoop();
    const main = s.fn(function* () {});
    const future = loop.createFuture<void>();
    future.addDoneCallback(() => {});
    loop.close();
    const closed = expect.objectContaining({ name: 'RuntimeError', code: 'LOOP_CLOSED' });
    const calls = [
      () => loop.callSoon(() => {}),
      () => loop.callSoonThreadsafe(() => {}),
      () => loop.callLater(1, () => {}),
      () => loop.callAt(1, () => {}),
      () => loop.createTask(main),
      () => loop.runInExecutor(null, () => {}),
      () => future.setResult(undefined),
    ];
    for (const call of calls) expect(call).toThrow(closed);
    await expect(loop.runForever()).rejects.toThrow(closed);
    await expect(loop.runUntilComplete(main)).rejects.toThrow(closed);
  });

  test('twice is harmless', () => {
    const { loop } = manualLoop();
    loop.close();
    loop.close();
    expect(loop.isClosed()).toBe(true);
  });
});

describeBoth('a KeyboardInterrupt or SystemExit', (s) => {
  test.each([new KeyboardInterrupt(), new SystemExit(3)])(
    '$name of a callback leaves the run at once',
    async (error) => {
      const { loop } = virtualLoop();
      const trace: string[] = [];
      const main = s.fn(function* () {
        trace.push('step');
      });
      loop.callSoon(() => {
        throw error;
      });
      loop.createTask(main);
      await expect(loop.runForever()).rejects.toBe(error);
      expect(trace).toEqual([]);
      loop.stop();
      await loop.runForever();
      expect(trace).toEqual(['step']);
    },
  );

  test('of a task is stored in it and leaves the run at once', async () => {
    const { loop } = virtualLoop();
    const trace: string[] = [];
    const interrupt = new KeyboardInterrupt();
    const main = s.fn(function* () {
      yield* s.wait(sleep(1));
      throw interrupt;
    });
    const task = loop.createTask(main);
    loop.callLater(1, () => trace.push('rest'));
    await expect(loop.runForever()).rejects.toBe(interrupt);
    expect(task.exception()).toBe(interrupt);
    loop.stop();
    await loop.runForever();
    expect(trace).toEqual(['rest']);
  });
});

describe('the clock', () => {
  class ClockHost extends ManualHost {
    now = 100;

    override time(): number {
      return this.now;
    }
  }

  function clockLoop(): { loop: EventLoop; host: ClockHost } {
    const host = new ClockHost();
    return { loop: newEventLoop({ host }), host };
  }

  test('never goes back, even when the one of the host does, which is reported once', () => {
    const warn = muteLog('warn');
    const { loop, host } = clockLoop();
    loop.time();
    host.now = 40;
    expect([loop.time(), loop.time()]).toEqual([100, 100]);
    expect(warn).toHaveBeenCalledOnce();
    expect(warn.mock.lastCall).toEqual([expect.stringContaining('went back from 100 to 40 seconds')]);
    host.now = 101;
    expect(loop.time()).toBe(101);
  });

  test('of a host that goes back delays timers, but no timer is lost', () => {
    muteLog('warn');
    const { loop, host } = clockLoop();
    const trace: string[] = [];
    loop.callLater(1, () => trace.push('timer'));
    host.now = 50;
    loop.runOnce();
    expect(trace).toEqual([]);
    host.now = 101;
    loop.runOnce();
    expect(trace).toEqual(['timer']);
  });

  test.each([Number.NaN, undefined])('that gives %o is refused', (now) => {
    const { loop, host } = clockLoop();
    host.now = now as number;
    expect(() => loop.time()).toThrow(ValueError);
    expect(() => loop.callLater(1, () => {})).toThrow("The host's time() must return a number of seconds");
  });
});

describe('what the loop asks its host for', () => {
  test('a turn soon, when something is ready', () => {
    const { loop, host } = manualLoop();
    loop.callLater(5, () => {});
    loop.callSoon(() => {});
    expect(host.wantsTurn).toBe(true);
  });

  test('a turn at the earliest deadline, when only timers are left', () => {
    const { loop, host } = manualLoop();
    loop.callLater(5, () => {});
    const earliest = loop.callLater(3, () => {});
    expect([host.wantsTurn, host.wantedAt]).toEqual([false, 3]);
    earliest.cancel();
    loop.runOnce();
    expect([host.wantsTurn, host.wantedAt]).toEqual([false, 5]);
  });

  test('nothing, when nothing is left', () => {
    const { loop, host } = manualLoop();
    const timer = loop.callLater(5, () => {});
    timer.cancel();
    loop.runOnce();
    expect([host.wantsTurn, host.wantedAt]).toEqual([false, null]);
  });

  test('to keep the program alive, for the time of a run', async () => {
    const calls: string[] = [];
    class CountingHost extends ManualHost {
      override ref(): void {
        calls.push('ref');
      }
      override unref(): void {
        calls.push('unref');
      }
    }
    const loop = newEventLoop({ host: new CountingHost() });
    const run = loop.runForever();
    expect(calls).toEqual(['ref']);
    loop.stop();
    loop.runOnce();
    await run;
    expect(calls).toEqual(['ref', 'unref']);
  });

  test('I/O first, when a turn takes longer than a millisecond', () => {
    const host = new SlowHost();
    const loop = newEventLoop({ host });
    let left = 10_000;
    const again = () => {
      host.now += 1e-5;
      if (--left > 0) loop.callSoon(again);
      else loop.stop();
    };
    loop.callSoon(again);
    loop.runForever();
    const begin = host.now;
    host.turn();
    expect(host.asked).toBe('after I/O');
    expect(left).toBeGreaterThan(0);
    expect(host.now - begin).toBeGreaterThanOrEqual(0.001);
    expect(host.now - begin).toBeLessThan(0.01);
    while (loop.isRunning()) host.turn();
    expect(left).toBe(0);
  });

  /** A host whose turns are the test's, and whose clock is moved by what runs. */
  class SlowHost implements Host {
    readonly resolution = 1e-9;
    now = 0;
    asked: 'soon' | 'after I/O' | null = null;
    turn: () => void = () => {};

    time(): number {
      return this.now;
    }
    soon(turn: () => void): void {
      this.asked = 'soon';
      this.turn = turn;
    }
    afterIO(turn: () => void): void {
      this.asked = 'after I/O';
      this.turn = turn;
    }
    at(): void {}
    ref(): void {}
    unref(): void {}
  }
});

describeBoth('debug mode', (s) => {
  test('reports callbacks and steps that take longer than slowCallbackDuration', async () => {
    const warn = muteLog('warn');
    const { loop: debugged, host, iterate } = manualLoop();
    using loop = debugged;
    loop.setDebug(true);
    loop.slowCallbackDuration = 2;
    const main = s.fn(function* main() {
      host.advance(1);
      yield* s.wait(sleep(0));
      host.advance(3);
    });
    loop.createTask(main, { name: 'slow one' });
    await iterate(2);
    expect(warn.mock.calls).toEqual([[expect.stringMatching(/^Executing <Task .*'slow one'.* took 3\.000 seconds$/)]]);
  });
});
