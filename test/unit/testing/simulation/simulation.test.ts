import { createTask, Event, gather, getRunningLoop, newEventLoop, sleep } from 'asyncio-ts';
import { describe, expect, test } from 'vitest';
import { type Decider, Simulation, simulationOf } from '../../../../src/testing/simulation/simulation.ts';
import { muteLog } from '../../../support/loops.ts';
import { describeBoth } from '../../../support/spellings.ts';

/** Takes the last way wherever there are several, or the first. */
class Extreme implements Decider {
  readonly choosesReady: boolean;
  readonly slack: number;
  readonly asked: string[] = [];
  readonly #takesLast: boolean;

  constructor({ takesLast = true, choosesReady = false, slack = 0 } = {}) {
    this.#takesLast = takesLast;
    this.choosesReady = choosesReady;
    this.slack = slack;
  }

  choose(kind: string, count: number): number {
    this.asked.push(`${kind} ${count}`);
    return this.#takesLast ? count - 1 : 0;
  }
}

describeBoth('a simulation', (s) => {
  test('tells how a program has ended, and how much time has passed', async () => {
    const simulation = new Simulation();
    const fine = await simulation.run(
      s.fn(function* () {
        yield* s.wait(sleep(5));
        return 42;
      }),
    );
    expect(fine).toEqual({ value: { value: 42 }, failure: null, problems: [], seconds: 5 });
    const error = new RangeError('too far');
    const failed = await simulation.run(
      s.fn(function* () {
        yield* s.wait(sleep(3));
        throw error;
      }),
    );
    expect(failed).toEqual({ value: null, failure: { error }, problems: [], seconds: 3 });
    simulation.close();
  });

  test.each([
    { what: 'main task', isMain: true },
    { what: 'task that is left', isMain: false },
  ])('that is abandoned gives its $what no more turns, though that refuses to end', async ({ isMain }) => {
    const simulation = new Simulation();
    let turns = 0;
    const stubborn = s.fn(function* () {
      for (;;) {
        try {
          yield* s.wait(sleep(1));
        } catch {}
        if (++turns === 50) setImmediate(() => simulation.abandon());
      }
    });
    const main = s.fn(function* () {
      createTask(stubborn);
      yield* s.wait(sleep(5));
    });
    const { seconds } = await simulation.run(isMain ? stubborn : main);
    expect(seconds).toBeGreaterThan(0);
    const before = turns;
    expect(before).toBeGreaterThanOrEqual(50);
    for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
    expect(turns).toBe(before);

    expect((await simulation.run(s.fn(() => s.wait(sleep(2, 'next'))))).value).toEqual({ value: 'next' });
    simulation.close();
  });

  test('runs one program after the other from 0, on one loop, with the same names of tasks', async () => {
    const simulation = new Simulation();
    const loops = new Set<unknown>();
    const main = s.fn(function* () {
      const loop = getRunningLoop();
      loops.add(loop);
      const task = createTask(
        s.fn(function* () {
          yield* s.wait(sleep(1));
        }),
      );
      yield* s.wait(task);
      return [task.getName(), loop.time(), simulationOf(loop) === simulation];
    });
    const endings = [await simulation.run(main), await simulation.run(main)];
    expect(endings.map(({ value }) => value?.value)).toEqual([
      ['Task-2', 1, true],
      ['Task-2', 1, true],
    ]);
    expect(loops.size).toBe(1);
    simulation.close();
  });

  test('takes a new loop after a program that has left something in it', async () => {
    const simulation = new Simulation({ failOnLeaks: true });
    const logged = muteLog('error');
    const first = await simulation.run(
      s.fn(function* () {
        getRunningLoop().callLater(1, () => logged('late'));
      }),
    );
    expect(first.problems.map(({ name }) => name)).toEqual(['LeakError']);
    const second = await simulation.run(
      s.fn(function* () {
        yield* s.wait(sleep(10));
      }),
    );
    expect(second.problems).toEqual([]);
    expect(logged).not.toHaveBeenCalled();
    simulation.close();
  });

  test('asks nobody about timers of one deadline without a decider, and the decider with one', async () => {
    const main = s.fn(function* () {
      const order: string[] = [];
      for (const name of ['one', 'two', 'three']) getRunningLoop().callLater(1, () => order.push(name));
      yield* s.wait(sleep(2));
      return order.join();
    });
    const orderBy = async (decider: Decider | null): Promise<unknown> => {
      const simulation = new Simulation({ decider });
      const { value } = await simulation.run(main);
      simulation.close();
      return value?.value;
    };
    expect(await orderBy(null)).toBe('one,two,three');
    expect(await orderBy(new Extreme({ takesLast: false }))).toBe('one,two,three');
    const last = new Extreme();
    expect(await orderBy(last)).toBe('three,two,one');
    expect(last.asked).toEqual(['timer tie 3', 'timer tie 2']);
  });

  test('lets the decider choose among what is ready, where it chooses that', async () => {
    const main = s.fn(function* () {
      const order: string[] = [];
      const worker = (name: string) =>
        s.fn(function* () {
          order.push(name);
          yield* s.wait(sleep(0));
          order.push(name.toUpperCase());
        });
      yield* s.wait(gather([worker('a'), worker('b')]));
      return order.join('');
    });
    const orderBy = async (decider: Decider): Promise<unknown> => {
      const simulation = new Simulation({ decider });
      const { value } = await simulation.run(main);
      simulation.close();
      return value?.value;
    };
    expect(await orderBy(new Extreme())).toBe('abAB'); // as in production
    expect(await orderBy(new Extreme({ choosesReady: true, takesLast: false }))).toBe('abAB');
    expect(await orderBy(new Extreme({ choosesReady: true }))).toBe('bBaA');
  });

  test('lets timers be late by as much as the decider says', async () => {
    const main = s.fn(function* () {
      const loop = getRunningLoop();
      const seen: number[] = [];
      loop.callLater(1, () => seen.push(loop.time()));
      yield* s.wait(sleep(0.999));
      yield* s.wait(sleep(0));
      yield* s.wait(sleep(0));
      return seen.length;
    });
    const timersBy = async (decider: Decider): Promise<unknown> => {
      const simulation = new Simulation({ decider });
      const { value } = await simulation.run(main);
      simulation.close();
      return value?.value;
    };
    expect(await timersBy(new Extreme({ slack: 0.01, takesLast: false }))).toBe(0);
    expect(await timersBy(new Extreme({ slack: 0.01 }))).toBe(1);
    expect(await timersBy(new Extreme({ slack: 0.0001 }))).toBe(0);
  });

  test('delivers what comes from outside, those of one stream in order', async () => {
    const orderBy = async (decider: Decider | null): Promise<unknown> => {
      const simulation = new Simulation({ decider });
      const { value, failure } = await simulation.run(
        s.fn(function* () {
          const order: string[] = [];
          const all = new Event();
          const stream = {};
          const send = (label: string, of: object | null) =>
            simulation.arrivals.add({
              label,
              stream: of,
              deliver: () => {
                order.push(label);
                if (order.length === 3) all.set();
              },
            });
          send('a1', stream);
          send('a2', stream);
          send('b', null);
          yield* s.wait(all.wait());
          return order.join();
        }),
      );
      simulation.close();
      return value?.value ?? failure?.error;
    };
    expect(await orderBy(null)).toBe('a1,a2,b');
    // The last way is to wait as long as there is something else to do, then the last of the streams.
    expect(await orderBy(new Extreme())).toBe('b,a1,a2');
  });
});

describe('a quick simulation', () => {
  test('runs a program of generators inside one call, with the same end as another', async () => {
    const main = function* (): Generator<unknown, string[], unknown> {
      const seen: string[] = [];
      const worker = (name: string, delay: number) =>
        function* (): Generator<unknown, void, unknown> {
          for (let i = 0; i < 3; i++) {
            yield* sleep(delay);
            seen.push(`${name}${getRunningLoop().time()}`);
          }
        };
      yield* gather([worker('a', 2), worker('b', 3)]);
      return seen;
    };
    const quick = new Simulation({ quick: true });
    let turns = 0;
    const count = (): void => {
      turns++;
      if (turns < 1_000) setImmediate(count);
    };
    const began = turns;
    setImmediate(count);
    const ending = await quick.run(main);
    expect(turns - began).toBeLessThan(2);
    turns = 1_000;
    const slow = new Simulation();
    expect(ending).toEqual(await slow.run(main));
    quick.close();
    slow.close();
  });

  test('falls back where a program has async functions, awaits promises or comes to a standstill', async () => {
    const quick = new Simulation({ quick: true });
    const asynchronous = await quick.run(async () => {
      await sleep(1);
      await null;
      await sleep(1);
      return getRunningLoop().time();
    });
    expect(asynchronous.value).toEqual({ value: 2 });
    const mixed = await quick.run(function* () {
      yield* createTask(async () => {
        await new Promise(setImmediate);
        await sleep(1);
      });
      return getRunningLoop().time();
    });
    expect(mixed.value).toEqual({ value: 1 });
    const stuck = await quick.run(function* () {
      yield* new Event().wait();
    });
    expect(stuck.failure?.error).toMatchObject({ name: 'DeadlockError' });
    const again = await quick.run(function* () {
      yield* sleep(5);
    });
    expect(again.seconds).toBe(5);
    quick.close();
  });
});

test('a loop that is not simulated belongs to no simulation', () => {
  const loop = newEventLoop();
  expect(simulationOf(loop)).toBe(null);
  expect(simulationOf(null)).toBe(null);
  loop.close();
});
