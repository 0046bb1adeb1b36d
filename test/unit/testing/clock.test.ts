import { createTask, Event, Future, getRunningLoop, newEventLoop, Queue, run, sleep, timeout } from 'asyncio-ts';
import { LivelockError, VirtualClock } from 'asyncio-ts/testing';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { muteLog } from '../../support/loops.ts';
import { describeBoth } from '../../support/spellings.ts';

describeBoth('a clock that a test moves by hand', (s) => {
  const ticker = (seen: number[], interval: number, times: number) =>
    s.fn(function* () {
      for (let i = 0; i < times; i++) {
        yield* s.wait(sleep(interval));
        seen.push(getRunningLoop().time());
      }
      return 'done';
    });

  test('stands still until it is moved, and runs what is due up to the end', async () => {
    await using clock = new VirtualClock();
    const seen: number[] = [];
    const task = clock.start(ticker(seen, 0.1, 3));
    await clock.settle();
    expect(seen).toEqual([]);
    await clock.advance(0.1);
    expect(seen).toEqual([0.1]);
    await clock.advance({ milliseconds: 50 });
    expect(seen).toEqual([0.1]);
    expect(task.done()).toBe(false);
    await clock.advance(10);
    expect(seen.map((time) => time.toFixed(1))).toEqual(['0.1', '0.2', '0.3']);
    expect(task.result()).toBe('done');
    expect(clock.time()).toBeCloseTo(10.15, 9);
  });

  test('is not moved for ever by a program that waits for nothing, and tells what its tasks do', async () => {
    const clock = new VirtualClock(0, { maxSteps: 500 });
    const task = clock.start(
      s.fn(function* () {
        yield* s.wait(sleep(1));
        for (;;) yield* s.wait(sleep(0));
      }),
      { name: 'spinner' },
    );
    await clock.settle();
    const error = await Promise.resolve(clock.advance(2)).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(LivelockError);
    expect(String(error)).toContain('500 iterations of the loop without any time passing');
    expect(String(error)).toContain('spinner');
    expect(clock.time()).toBe(1);
    await clock.close();
    expect(task.cancelled()).toBe(true);
  });

  test('is closed though a task ignores that it is cancelled and waits for nothing', async () => {
    const clock = new VirtualClock(0, { maxSteps: 500 });
    let caught = 0;
    clock.start(
      s.fn(function* () {
        while (caught < 3) {
          try {
            yield* s.wait(sleep(0));
          } catch {
            caught++;
          }
        }
      }),
      { name: 'stubborn' },
    );
    await expect(Promise.resolve(clock.settle())).rejects.toThrow(LivelockError);
    await expect(clock.close()).rejects.toThrow('stubborn did not end when cancelled');
  });

  test('reaches a timer in steps whose sum is not exact', async () => {
    await using clock = new VirtualClock();
    const task = clock.start(
      s.fn(function* () {
        yield* s.wait(sleep(0.3));
      }),
    );
    await clock.advance(0.1);
    await clock.advance(0.1);
    await clock.advance(0.1);
    expect(task.done()).toBe(true);
  });

  test('lets the test await a task that it has made ready', async () => {
    await using clock = new VirtualClock();
    const ready = new Event();
    const task = clock.start(
      s.fn(function* () {
        yield* s.wait(ready.wait());
        return getRunningLoop().time();
      }),
    );
    await clock.advance(5);
    ready.set();
    expect(await task).toBe(5);
  });

  test('runs all that follows from what is due before it goes on', async () => {
    await using clock = new VirtualClock();
    const seen: string[] = [];
    const items = new Queue<string>();
    clock.start(
      s.fn(function* () {
        for (let i = 0; i < 2; i++) {
          const item = yield* s.wait(items.get());
          seen.push(`${item} at ${getRunningLoop().time()}`);
          yield* s.wait(sleep(1));
          seen.push(`done at ${getRunningLoop().time()}`);
        }
      }),
    );
    clock.start(
      s.fn(function* () {
        yield* s.wait(sleep(1));
        items.putNowait('first');
        yield* s.wait(sleep(5));
        items.putNowait('second');
      }),
    );
    await clock.advance(10);
    expect(seen).toEqual(['first at 1', 'done at 2', 'second at 6', 'done at 7']);
  });

  test('can be moved by a task of a loop that the test drives', async () => {
    const clock = new VirtualClock(100);
    const seen: number[] = [];
    const main = s.fn(function* () {
      const task = createTask(ticker(seen, 1, 3));
      yield* s.wait(clock.advance(1.5));
      expect(seen).toEqual([101]);
      yield* s.wait(clock.settle());
      expect(seen).toEqual([101]);
      yield* s.wait(clock.advance(2));
      return yield* s.wait(task);
    });
    expect(await run(main, { loopFactory: () => newEventLoop({ host: clock }) })).toBe('done');
    expect(clock.time()).toBe(103.5);
  });

  test('stops where it is when the task that moves it is cancelled', async () => {
    const clock = new VirtualClock();
    const main = s.fn(function* () {
      const mover = createTask(
        s.fn(function* () {
          yield* s.wait(clock.advance(100));
        }),
      );
      yield* s.wait(sleep(10));
      mover.cancel();
      yield* s.wait(sleep(0));
      return [mover.cancelled(), clock.time()];
    });
    expect(await run(main, { loopFactory: () => newEventLoop({ host: clock }) })).toEqual([true, 10]);
    await clock.advance(1);
    expect(clock.time()).toBe(11);
  });

  test('runs deadlines, and what a task does when they expire', async () => {
    await using clock = new VirtualClock();
    const task = clock.start(
      s.fn(function* () {
        try {
          yield* s.wait(
            timeout(
              2,
              s.fn(function* () {
                yield* s.wait(new Event().wait());
              }),
            ),
          );
        } catch (error) {
          return (error as Error).name;
        }
        return 'ended';
      }),
    );
    await clock.advance(1.9);
    expect(task.done()).toBe(false);
    await clock.advance(0.1);
    expect(task.result()).toBe('TimeoutError');
  });

  test('cancels what is left when it is closed, and lets it clean up', async () => {
    const trace: string[] = [];
    {
      await using clock = new VirtualClock();
      clock.start(
        s.fn(function* () {
          try {
            yield* s.wait(sleep(100));
          } finally {
            yield* s.wait(sleep(0));
            trace.push('cleaned up');
          }
        }),
      );
      await clock.advance(1);
    }
    expect(trace).toEqual(['cleaned up']);
  });

  test('says so when what is left needs time to clean up', async () => {
    const clock = new VirtualClock();
    clock.start(
      s.fn(function* () {
        try {
          yield* s.wait(sleep(100));
        } finally {
          yield* s.wait(sleep(1));
        }
      }),
      { name: 'slow' },
    );
    await clock.advance(1);
    await expect(clock.close()).rejects.toThrow('slow did not end when cancelled');
  });
});

describe('a clock that a test moves by hand', () => {
  afterEach(() => {
    vi.useRealTimers();
  });

  test('gives futures of the test its own loop', async () => {
    await using clock = new VirtualClock();
    const answer = clock.loop.createFuture<number>();
    const task = clock.start(async () => (await answer) + (await other));
    const other = new Future<number>();
    expect(other.getLoop()).toBe(clock.loop);
    answer.setResult(40);
    other.setResult(2);
    expect(await task).toBe(42);
  });

  test('tells when the next timer is due', async () => {
    await using clock = new VirtualClock();
    expect(clock.nextAt).toBe(null);
    clock.start(() => sleep(5));
    clock.start(() => sleep(3));
    await clock.settle();
    expect([clock.nextAt, String(clock)]).toEqual([3, '<VirtualClock 0 next=3>']);
  });

  test('settles promises of the program, however many steps they take', async () => {
    await using clock = new VirtualClock();
    const task = clock.start(async () => {
      for (let i = 0; i < 50; i++) await null;
      await sleep(0);
      for (let i = 0; i < 50; i++) await null;
      return 'settled';
    });
    await clock.settle();
    expect(task.result()).toBe('settled');
  });

  test('moves for several loops at a time', async () => {
    const clock = new VirtualClock();
    const seen: string[] = [];
    const loops = ['a', 'b'].map((name) => {
      const loop = newEventLoop({ host: clock });
      return loop.runUntilComplete(async () => {
        for (let i = 0; i < 2; i++) {
          await sleep(name === 'a' ? 2 : 3);
          seen.push(`${name}${loop.time()}`);
        }
      });
    });
    await clock.advance(10);
    await Promise.all(loops);
    expect(seen).toEqual(['a2', 'b3', 'a4', 'b6']);
  });

  test('is moved once at a time: an await that is missing is an error', async () => {
    await using clock = new VirtualClock();
    const moved = clock.advance(1);
    expect(() => clock.advance(1)).toThrow('await clock.advance');
    expect(() => clock.settle()).toThrow('being moved already');
    await moved;
    expect(clock.time()).toBe(1);
  });

  test.each(['3', { minutes: 1 }, Number.NaN, Number.POSITIVE_INFINITY, -1])('does not begin at %o', (now) => {
    expect(() => new VirtualClock(now as never)).toThrow(/^new VirtualClock: now must be/);
  });

  test.each([-1, Number.NaN, Number.POSITIVE_INFINITY])('moves forward by a finite time, not by %s', (seconds) => {
    expect(() => new VirtualClock().advance(seconds)).toThrow();
  });

  test('reports errors that nobody has looked at when it is closed', async () => {
    const logged = muteLog('error');
    const clock = new VirtualClock();
    clock.start(async () => {
      throw new Error('lost');
    });
    await clock.settle();
    await clock.close();
    expect(logged).toHaveBeenCalledOnce();
    expect(() => clock.start(async () => {})).toThrow('make a new VirtualClock');
  });

  test('has no loop of its own inside another one, and says what to do', async () => {
    const clock = new VirtualClock();
    const outcome = run(async () => clock.start(async () => {}));
    await expect(outcome).rejects.toThrow('newEventLoop({ host: clock })');
    await clock.close();
  });

  test('starts tasks from tasks of its own loop', async () => {
    await using clock = new VirtualClock();
    const task = clock.start(async () => await clock.start(() => sleep(2, 'slept')));
    await clock.advance(2);
    expect(await task).toBe('slept');
  });

  test('moves while timers are faked', async () => {
    vi.useFakeTimers();
    await using clock = new VirtualClock();
    const task = clock.start(() => sleep(5, 'slept'));
    await clock.advance(5);
    expect(task.result()).toBe('slept');
  });
});
