import { type Host, newEventLoop, sleep, ValueError } from 'asyncio-ts';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { manualLoop, virtualLoop } from '../../support/loops.ts';
import { describeBoth, runVirtually } from '../../support/spellings.ts';

const DAY = 24 * 3600;

describeBoth('timers run in order of their deadlines', (s) => {
  test('whatever the order of scheduling', async () => {
    const { loop } = virtualLoop();
    const trace: number[] = [];
    const sleeper = s.fn(function* (delay: number) {
      yield* s.wait(sleep(delay));
      trace.push(delay);
    });
    for (const delay of [3, 1, 2]) loop.createTask(() => sleeper(delay));
    await loop.runUntilComplete(() => sleeper(4));
    expect(trace).toEqual([1, 2, 3, 4]);
  });

  test('equal ones in order of scheduling', async () => {
    const { loop } = virtualLoop();
    const trace: number[] = [];
    const sleeper = s.fn(function* (i: number) {
      yield* s.wait(sleep(1));
      trace.push(i);
    });
    const numbers = Array.from({ length: 12 }, (_, i) => i);
    for (const i of numbers) loop.createTask(() => sleeper(i));
    await loop.runUntilComplete(sleep(2));
    expect(trace).toEqual(numbers);
  });
});

describe('a timer is due', () => {
  /** A host whose clock makes steps of half a second. */
  class CoarseHost implements Host {
    readonly resolution = 0.5;
    now = 0;

    time(): number {
      return this.now;
    }
    soon(): void {}
    at(): void {}
    ref(): void {}
    unref(): void {}
  }

  test('when its deadline is less than one step of the clock ahead', () => {
    const host = new CoarseHost();
    const loop = newEventLoop({ host });
    const trace: string[] = [];
    loop.callAt(1, () => trace.push('timer'));
    host.now = 0.5;
    loop.runOnce();
    expect(trace).toEqual([]);
    host.now = 0.51;
    loop.runOnce();
    expect(trace).toEqual(['timer']);
  });

  test('at the beginning of an iteration only', () => {
    const { loop, host } = manualLoop();
    const trace: string[] = [];
    loop.callAt(1, () => trace.push('timer'));
    loop.callSoon(() => host.advance(1));
    loop.callSoon(() => trace.push('callback'));
    loop.runOnce();
    expect(trace).toEqual(['callback']);
  });

  test('after callbacks that were ready before, all that are due together', () => {
    const { loop, host } = manualLoop();
    const trace: string[] = [];
    for (const when of [3, 1, 2]) loop.callAt(when, () => trace.push(`timer ${when}`));
    loop.callSoon(() => trace.push('callback'));
    host.advance(3);
    loop.runOnce();
    expect(trace).toEqual(['callback', 'timer 1', 'timer 2', 'timer 3']);
  });

  test('in the order of deadline and scheduling, for any timers', () => {
    const delays = fc.array(fc.integer({ min: -5, max: 5 }), { maxLength: 40 });
    fc.assert(
      fc.property(delays, (delays) => {
        const { loop, host } = manualLoop();
        const expected = delays.map((delay, i) => ({ delay, i })).sort((a, b) => a.delay - b.delay || a.i - b.i);
        const trace: { delay: number; i: number }[] = [];
        for (const [i, delay] of delays.entries()) loop.callLater(delay, () => trace.push({ delay, i }));
        host.advance(5);
        loop.runOnce();
        expect(trace).toEqual(expected);
      }),
    );
  });
});

describe('a delay', () => {
  test('may be negative: the timer is due at once, before those of a later deadline', () => {
    const { loop } = manualLoop();
    const trace: string[] = [];
    for (const delay of [0, -1, -60]) loop.callLater(delay, () => trace.push(`${delay}`));
    loop.runOnce();
    expect(trace).toEqual(['-60', '-1', '0']);
  });

  test('may be given in named units', () => {
    const { loop } = manualLoop();
    expect(loop.callLater({ minutes: 1, milliseconds: 500 }, () => {}).when()).toBe(60.5);
  });

  test('of infinity never ends', () => {
    const { loop, host } = manualLoop();
    const trace: string[] = [];
    loop.callLater(Number.POSITIVE_INFINITY, () => trace.push('timer'));
    host.advance(1e9);
    loop.runOnce();
    expect(trace).toEqual([]);
  });

  test('that is NaN is a ValueError, and nothing is scheduled', () => {
    const { loop, host } = manualLoop();
    const invalid = expect.objectContaining({ name: 'ValueError', code: 'INVALID_DELAY' });
    expect(() => loop.callLater(Number.NaN, () => {})).toThrow(invalid);
    expect(() => loop.callAt(Number.NaN, () => {})).toThrow(invalid);
    expect(() => sleep(Number.NaN)).toThrow(ValueError);
    expect(host.wantedAt).toBe(null);
  });

  test.each(['1', null, {}, [1]])('that is %o is a TypeError', (delay) => {
    const { loop } = manualLoop();
    expect(() => loop.callLater(delay as number, () => {})).toThrow(TypeError);
    expect(() => sleep(delay as number)).toThrow(TypeError);
  });
});

describeBoth('a delay of years', (s) => {
  test('is nothing special', async () => {
    const main = s.fn(function* () {
      yield* s.wait(sleep(1_000 * 365 * DAY));
    });
    expect(await runVirtually(main)).toEqual({ result: undefined, seconds: 1_000 * 365 * DAY });
  });
});

describe('a cancelled timer', () => {
  test('does not run', () => {
    const { loop, host } = manualLoop();
    const trace: string[] = [];
    const timer = loop.callLater(1, () => trace.push('cancelled'));
    loop.callLater(1, () => trace.push('other'));
    timer.cancel();
    host.advance(1);
    loop.runOnce();
    expect(trace).toEqual(['other']);
  });

  test('that is due already, but has not had its turn, does not run', () => {
    const { loop, host } = manualLoop();
    const trace: string[] = [];
    loop.callLater(1, () => timer.cancel());
    const timer = loop.callLater(1, () => trace.push('cancelled'));
    host.advance(1);
    loop.runOnce();
    expect(trace).toEqual([]);
  });

  test('stays in the heap until it reaches the top', () => {
    const { loop } = manualLoop();
    const first = loop.callLater(1, () => {});
    const second = loop.callLater(2, () => {});
    second.cancel();
    loop.runOnce();
    expect([...loop._timers]).toEqual([first, second]);
    first.cancel();
    loop.runOnce();
    expect([...loop._timers]).toEqual([]);
  });

  test.each([
    { scheduled: 101, cancelled: 50, left: 101 },
    { scheduled: 101, cancelled: 51, left: 50 },
    { scheduled: 100, cancelled: 99, left: 100 },
  ])('of $scheduled timers with $cancelled cancelled leaves $left in the heap', ({ scheduled, cancelled, left }) => {
    const { loop } = manualLoop();
    loop.callLater(1, () => {}); // at the top, so that none of the others is
    const timers = Array.from({ length: scheduled - 1 }, () => loop.callLater(2, () => {}));
    for (const timer of timers.slice(0, cancelled)) timer.cancel();
    loop.runOnce();
    expect(loop._timers.length).toBe(left);
  });
});
