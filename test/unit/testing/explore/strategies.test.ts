import { createTask, gather, sleep } from 'asyncio-ts';
import { completion, type ExploreOptions, explore } from 'asyncio-ts/testing';
import { describe, expect, test } from 'vitest';
import type { Candidates } from '../../../../src/testing/explore/choices.ts';
import { SlowStrategy, STRATEGIES, type StrategyName, strategyOf } from '../../../../src/testing/explore/strategies.ts';
import { describeBoth, type Spelling } from '../../../support/spellings.ts';

type Strategy = NonNullable<ExploreOptions['strategy']>;

/** How often each order of steps occurs; each task makes as many steps as it has letters. */
async function ordersOf(
  s: Spelling,
  strategy: Strategy,
  tasks: readonly string[],
  options: ExploreOptions = {},
): Promise<Map<string, number>> {
  const seen = new Map<string, number>();
  const main = s.fn(function* () {
    let order = '';
    const steps = s.fn(function* (letters: string) {
      for (const letter of letters) {
        yield* s.wait(sleep(0));
        order += letter;
      }
    });
    yield* s.wait(gather(...tasks.map((letters) => steps(letters))));
    return order;
  });
  const check = (order: string): void => {
    seen.set(order, (seen.get(order) ?? 0) + 1);
  };
  await explore(main, { level: 'any', strategy, schedules: 600, ...options, check });
  return seen;
}

describeBoth('the strategy', (s) => {
  // `por` is not told of variables that tasks share.
  test.each(STRATEGIES.filter((name) => name !== 'por'))(
    '%s sees all orders of two tasks with two steps',
    async (strategy) => {
      const seen = await ordersOf(s, strategy, ['ab', 'xy'], { bound: 4 });
      expect([...seen.keys()].sort()).toEqual(['abxy', 'axby', 'axyb', 'xaby', 'xayb', 'xyab']);
    },
  );

  test('random takes the next step of each task equally often', async () => {
    const seen = await ordersOf(s, 'random', ['a', 'b', 'c']);
    const first = (letter: string): number =>
      [...seen].reduce((sum, [order, count]) => sum + (order.startsWith(letter) ? count : 0), 0);
    for (const letter of 'abc') expect(first(letter) / 600).toBeGreaterThan(0.25);
    for (const letter of 'abc') expect(first(letter) / 600).toBeLessThan(0.42);
  });

  test('uniform sees rare orders of uneven tasks about as often as the others, which random hardly ever sees', async () => {
    const last = (seen: Map<string, number>): number => seen.get('abcdefghx') ?? 0;
    const uniform = await ordersOf(s, 'uniform', ['x', 'abcdefgh'], { schedules: 900 });
    const random = await ordersOf(s, 'random', ['x', 'abcdefgh'], { schedules: 900 });
    expect(uniform.size).toBe(9);
    expect(last(uniform)).toBeGreaterThan(900 / 9 / 2);
    expect(last(random)).toBeLessThan(900 / 9 / 4);
  });

  test('pct lets a task run through in many of its runs', async () => {
    const seen = await ordersOf(s, 'pct', ['abcdefgh', 'ijklmnop']);
    const through = (seen.get('abcdefghijklmnop') ?? 0) + (seen.get('ijklmnopabcdefgh') ?? 0);
    expect(through / 600).toBeGreaterThan(0.2);
  });

  test('dfs runs all schedules with few delays once, those with fewest first, and then says that it is complete', async () => {
    const orders: string[] = [];
    const main = s.fn(function* () {
      let order = '';
      const step = s.fn(function* (letter: string) {
        yield* s.wait(sleep(0));
        order += letter;
      });
      yield* s.wait(gather(step('a'), step('b')));
      return order;
    });
    const check = (order: string): void => {
      orders.push(order);
    };
    const options: ExploreOptions<string> = { level: 'any', strategy: 'dfs', schedules: 10_000, check };
    const one = await explore(main, { ...options, bound: 1 });
    expect(one.isComplete).toBe(true);
    expect(orders.slice(-one.schedules)[0]).toBe('ab');
    expect(orders.slice(-one.schedules)).toContain('ba');
    const two = await explore(main, { ...options, bound: 2 });
    expect(two.isComplete).toBe(true);
    expect(two.schedules).toBeGreaterThan(one.schedules);
    const cut = await explore(main, { ...options, bound: 2, schedules: two.schedules - 1 });
    expect(cut.isComplete).toBe(false);
  });

  test('slow lets timers fire before anything comes from outside, and has it come at last', async () => {
    const seen: number[] = [];
    const main = s.fn(function* () {
      const reply = createTask(
        s.fn(function* () {
          yield* s.wait(completion());
        }),
      );
      let sleeps = 0;
      while (!reply.done()) {
        yield* s.wait(sleep(1));
        sleeps++;
      }
      return sleeps;
    });
    await explore(main, {
      strategy: 'slow',
      schedules: 20,
      check: (sleeps) => {
        seen.push(sleeps);
      },
    });
    // The runs before that only compare.
    expect(Math.min(...seen.slice(-20))).toBeGreaterThan(10);
    expect(Math.max(...seen)).toBeLessThan(100);
  });

  test('slow has all callers look before one of them acts in many runs, and one of them be through first in as many', async () => {
    const seen = new Map<string, number>();
    const main = s.fn(function* () {
      let order = '';
      const caller = s.fn(function* (name: string) {
        yield* s.wait(completion(name, { label: `${name} looks` }));
        order += name.toLowerCase();
        yield* s.wait(completion(name, { label: `${name} acts` }));
        order += name;
      });
      yield* s.wait(gather(caller('A'), caller('B'), caller('C')));
      return order;
    });
    const check = (order: string): void => {
      const kind = /^[abc]{3}/.test(order)
        ? 'all look first'
        : /^(.)\1/i.test(order)
          ? 'one is through first'
          : 'others';
      seen.set(kind, (seen.get(kind) ?? 0) + 1);
    };
    await explore(main, { strategy: 'slow', schedules: 600, check });
    expect(seen.get('all look first')).toBeGreaterThan(200);
    expect(seen.get('one is through first')).toBeGreaterThan(200);
    expect(seen.get('others')).toBeGreaterThan(10);
  });

  test.each([...STRATEGIES])('%s does the same for the same seed', async (strategy) => {
    const one = await ordersOf(s, strategy, ['ab', 'xy'], { seed: 5, schedules: 60 });
    const two = await ordersOf(s, strategy, ['ab', 'xy'], { seed: 5, schedules: 60 });
    expect([...two]).toEqual([...one]);
  });
});

describe('a strategy', () => {
  const FAULTS: Candidates = { at: () => ({ label: 'reset' }) };

  test.each(['random', 'uniform', 'pct', 'slow'] satisfies StrategyName[])(
    '%s has faults happen rarely, but has them happen',
    (name) => {
      const strategy = strategyOf(name, 1, 2, 'contract');
      let faults = 0;
      for (let run = 0; run < 1_000; run++) {
        strategy.begin(run);
        if (strategy.choose('fault: reset', 2, FAULTS, 0) !== 0) faults++;
      }
      expect(faults).toBeGreaterThan(20);
      expect(faults).toBeLessThan(150);
    },
  );

  test('slow has timers be late in most of its runs, and in some never', () => {
    const strategy = new SlowStrategy(1, 'contract');
    let late = 0;
    for (let run = 0; run < 800; run++) {
      strategy.begin(run);
      late += strategy.choose('late timer', 2, { at: () => undefined });
    }
    expect(late).toBeGreaterThan(640);
    expect(late).toBeLessThan(790);
  });
});
