import {
  type CoroutineFunction,
  Future,
  getRunningLoop,
  newEventLoop,
  RuntimeHost,
  run,
  sleep,
  wait,
} from 'asyncio-ts';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { afterMicrotasks } from '../../../src/kernel/runtime/platform.ts';
import { describeBoth } from '../../support/spellings.ts';

const DAY = 24 * 3600;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

describe('the clock of the runtime', () => {
  test('is in seconds, and follows the clock of the runtime', () => {
    const host = new RuntimeHost();
    const begin = host.time();
    vi.advanceTimersByTime(1_500);
    expect(host.time() - begin).toBeCloseTo(1.5, 9);
    expect(host.resolution).toBeGreaterThan(0);
  });
});

describe('a turn soon', () => {
  test('comes in a microtask', async () => {
    const host = new RuntimeHost();
    const turn = vi.fn();
    host.soon(turn);
    expect(turn).not.toHaveBeenCalled();
    await Promise.resolve();
    expect(turn).toHaveBeenCalledOnce();
  });
});

describe('a turn at a time', () => {
  test('comes then, not before', () => {
    const host = new RuntimeHost();
    const turn = vi.fn();
    host.at(host.time() + 2, turn);
    vi.advanceTimersByTime(1_999);
    expect(turn).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(turn).toHaveBeenCalledOnce();
  });

  test('takes the place of the one asked for before', () => {
    const host = new RuntimeHost();
    const [first, second] = [vi.fn(), vi.fn()];
    host.at(host.time() + 1, first);
    host.at(host.time() + 2, second);
    vi.advanceTimersByTime(5_000);
    expect(first).not.toHaveBeenCalled();
    expect(second).toHaveBeenCalledOnce();
  });

  test('is taken back by null', () => {
    const host = new RuntimeHost();
    const turn = vi.fn();
    host.at(host.time() + 1, turn);
    host.at(null, turn);
    expect(vi.getTimerCount()).toBe(0);
  });

  test('in the past comes at once', () => {
    const host = new RuntimeHost();
    const turn = vi.fn();
    host.at(host.time() - 10, turn);
    vi.advanceTimersByTime(1);
    expect(turn).toHaveBeenCalledOnce();
  });
});

describe('a loop on this host', () => {
  test('keeps delays of more than 24 days, which the timers of the runtime cannot', async () => {
    const loop = newEventLoop();
    const begin = loop.time();
    let stopped = begin;
    loop.callLater(60 * DAY, () => {
      stopped = loop.time();
      loop.stop();
    });
    const run = loop.runForever();
    await vi.advanceTimersByTimeAsync(59 * DAY * 1_000);
    expect(loop.isRunning()).toBe(true);
    await vi.advanceTimersByTimeAsync((DAY + 1) * 1_000);
    await run;
    expect(stopped - begin).toBeCloseTo(60 * DAY, 2);
  });

  test('holds a timer while it runs, so that the process stays alive, and none while it does not', async () => {
    const loop = newEventLoop();
    loop.callLater(60, () => {});
    expect(vi.getTimerCount()).toBe(0);
    const run = loop.runForever();
    await Promise.resolve();
    expect(vi.getTimerCount()).toBe(2); // to stay alive, and the next deadline
    loop.stop();
    await run;
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('keeping the process alive', () => {
  test('lasts until the last of several loops has ended', () => {
    const host = new RuntimeHost();
    host.ref();
    host.ref();
    host.unref();
    expect(vi.getTimerCount()).toBe(1);
    host.unref();
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('afterMicrotasks', () => {
  /** Whether a microtask that was queued later comes first. */
  async function orderOf(schedule: (callback: () => void) => void): Promise<string[]> {
    const trace: string[] = [];
    await new Promise<void>((resolve) => {
      schedule(() => {
        trace.push('callback');
        resolve();
      });
      Promise.resolve().then(() => Promise.resolve().then(() => trace.push('microtask')));
    });
    return trace;
  }

  test.each([
    ['setImmediate', []],
    ['MessageChannel, without setImmediate', ['setImmediate']],
    ['setTimeout, without both', ['setImmediate', 'MessageChannel']],
  ])('calls when all microtasks have run, by %s', async (_by, missing) => {
    vi.useRealTimers();
    for (const name of missing) vi.stubGlobal(name, undefined);
    expect(await orderOf(afterMicrotasks)).toEqual(['microtask', 'callback']);
  });

  test('is what a host does after I/O', async () => {
    const host = new RuntimeHost();
    expect(await orderOf((turn) => host.afterIO(turn))).toEqual(['microtask', 'callback']);
  });
});

describe('Ctrl-C', () => {
  const listeners = () => process.listeners('SIGINT');

  test('has all listeners that were added, until they are removed', () => {
    const heard: string[] = [];
    const before = listeners();
    const ends = ['first', 'second'].map((name) => new RuntimeHost().onInterrupt(() => heard.push(name)));
    expect(listeners()).toHaveLength(before.length + 1);
    process.emit('SIGINT');
    expect(heard).toEqual(['first', 'second']);
    for (const end of ends) end?.();
    expect(listeners()).toEqual(before);
  });

  test('is left to the program when it has its own handler', () => {
    const host = new RuntimeHost();
    const own = () => {};
    process.on('SIGINT', own);
    expect(host.onInterrupt(() => {})).toBe(null);
    process.removeListener('SIGINT', own);
  });
});

describeBoth('what is due already', (s) => {
  /** Counts what a loop asks of its host, whose clock stands still here. */
  class CountingHost extends RuntimeHost {
    readonly timers: number[] = [];
    turnsAfterIO = 0;

    override at(when: number | null, turn: () => void): void {
      if (when !== null) this.timers.push(when);
      super.at(when, turn);
    }

    override afterIO(turn: () => void): void {
      this.turnsAfterIO++;
      super.afterIO(turn);
    }
  }

  const ran = async (main: CoroutineFunction<unknown>): Promise<CountingHost> => {
    const host = new CountingHost();
    await run(main, { loopFactory: () => newEventLoop({ host }) });
    return host;
  };

  test('runs without a timer of the runtime: callLater(0), callAt(now), a wait of no time, a sleep below the clock’s step', async () => {
    const host = await ran(
      s.fn(function* () {
        const loop = getRunningLoop();
        for (const schedule of [
          (f: () => void) => loop.callLater(0, f),
          (f: () => void) => loop.callLater(-1, f),
          (f: () => void) => loop.callAt(loop.time(), f),
        ]) {
          const future = new Future<void>();
          schedule(() => future.setResult());
          yield* s.wait(future);
        }
        const { pending } = yield* s.wait(wait([new Future()], { timeout: 0 }));
        expect(pending.size).toBe(1);
        yield* s.wait(sleep(1e-9));
      }),
    );
    expect(host.timers).toEqual([]);
    expect(host.turnsAfterIO).toBe(5);
  });

  test('leaves room for I/O when timers set each other anew', async () => {
    let turnsOfOthers = 0;
    const host = await ran(
      s.fn(function* () {
        const loop = getRunningLoop();
        const done = new Future<void>();
        const others = () => {
          if (++turnsOfOthers < 5) setImmediate(others);
          else done.setResult();
        };
        setImmediate(others);
        const again = () => {
          if (!done.done()) loop.callLater(0, again);
        };
        again();
        yield* s.wait(done);
      }),
    );
    expect(turnsOfOthers).toBe(5);
    expect(host.timers).toEqual([]);
  });

  test('runs after what was ready before, and before what it makes ready itself', async () => {
    const order: string[] = [];
    await ran(
      s.fn(function* () {
        const loop = getRunningLoop();
        const done = new Future<void>();
        loop.callLater(0, () => {
          order.push('timer');
          loop.callSoon(() => done.setResult());
          loop.callSoon(() => order.push('of the timer'));
        });
        loop.callSoon(() => order.push('soon'));
        yield* s.wait(done);
      }),
    );
    expect(order).toEqual(['soon', 'timer', 'of the timer']);
  });

  test('waits for its time otherwise', async () => {
    const host = new CountingHost();
    const running = run(
      s.fn(function* () {
        yield* s.wait(sleep(2));
      }),
      { loopFactory: () => newEventLoop({ host }) },
    );
    await vi.advanceTimersByTimeAsync(2_000);
    await running;
    expect([host.timers.length, host.turnsAfterIO]).toEqual([1, 0]);
  });
});
