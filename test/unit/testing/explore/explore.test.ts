import { createTask, Event, gather, getRunningLoop, Lock, sleep } from 'asyncio-ts';
import {
  completion,
  ExplorationFailure,
  type ExploreOptions,
  explore,
  NondeterminismError,
  replay,
  runSchedule,
} from 'asyncio-ts/testing';
import { describe, expect, test } from 'vitest';
import { describeBoth, type Spelling } from '../../../support/spellings.ts';

/** Two tasks read a number, wait, and write it back, with a lock or without one. */
function counter(s: Spelling, isLocked: boolean) {
  return s.fn(function* () {
    let value = 0;
    const lock = new Lock();
    const increment = s.fn(function* () {
      if (isLocked) yield* s.wait(lock.acquire());
      const before = yield* s.wait(completion(value, { label: 'read' }));
      yield* s.wait(completion(undefined, { label: 'write' }));
      value = before + 1;
      if (isLocked) lock.release();
    });
    const first = createTask(increment);
    yield* s.wait(sleep(1));
    yield* s.wait(gather(first, increment()));
    if (value !== 2) throw new Error(`${2 - value} lost`);
    return value;
  });
}

async function failureOf(promise: Promise<unknown>): Promise<ExplorationFailure> {
  const error = await promise.then(
    () => null,
    (error: unknown) => error,
  );
  if (error instanceof ExplorationFailure) return error;
  throw new Error(`expected an ExplorationFailure, got ${String(error)}`);
}

describeBoth('the check of an exploration', (s) => {
  test('that is a coroutine runs on the loop of the program, in simulated time, and what it throws is a failure', async () => {
    const lock = s.fn(function* () {
      yield* s.wait(sleep(0));
      return new Lock();
    });
    const times: number[] = [];
    const check = s.fn(function* (value: Lock) {
      yield* s.wait(value.acquire());
      value.release();
      yield* s.wait(sleep(3_600));
      times.push(getRunningLoop().time());
      throw new Error(`looked at ${value.constructor.name}`);
    });
    const found = await failureOf(explore(lock, { check }));
    expect(found.error).toMatchObject({ message: 'looked at Lock' });
    expect(new Set(times)).toEqual(new Set([3_600]));
    const again = await replay(lock, found.token, { check }).catch((error: unknown) => error);
    expect(again).toMatchObject({ message: 'looked at Lock' });
    const single = await runSchedule(lock, [], { check }).catch((error: unknown) => error);
    expect(single).toMatchObject({ message: 'looked at Lock' });
  });

  test('that waits for ever is a failure', async () => {
    const held = s.fn(function* () {
      const lock = new Lock();
      yield* s.wait(lock.acquire());
      return lock;
    });
    const check = s.fn(function* (lock: Lock) {
      yield* s.wait(lock.acquire());
    });
    expect((await failureOf(explore(held, { check, schedules: 5 }))).error).toMatchObject({ name: 'DeadlockError' });
  });

  test('makes no choices that are explored', async () => {
    const main = s.fn(function* () {
      yield* s.wait(sleep(0));
    });
    const check = s.fn(function* () {
      const task = createTask(sleep(1));
      yield* s.wait(gather(sleep(1), task));
    });
    const report = await explore(main, { check, schedules: 20, level: 'any' });
    expect(report).toMatchObject({ schedules: 20, choices: 0 });
  });
});

describe('the numbers of an exploration', () => {
  const main = async () => await sleep(0);
  const refused: readonly (readonly [ExploreOptions<void>, string])[] = [
    [{ schedules: Number.NaN }, 'explore: schedules must be a whole number of at least 1, or Infinity, got NaN'],
    [{ schedules: 0 }, 'explore: schedules must be a whole number of at least 1, or Infinity, got 0'],
    [{ schedules: 1.5 }, 'explore: schedules must be a whole number of at least 1, or Infinity, got 1.5'],
    [{ seed: -1 }, 'explore: seed must be a whole number of at least 0, got -1'],
    [{ bound: -1 }, 'explore: bound must be a whole number of at least 0'],
    [{ maxSteps: 0 }, 'explore: maxSteps must be a whole number of at least 1'],
    [{ shrinkRuns: -1 }, 'explore: shrinkRuns must be a whole number of at least 0'],
    [{ slack: -1 }, 'explore: slack must be a number of seconds of at least 0, got -1'],
    [{ slack: Number.NaN }, 'explore: slack must be a number of seconds of at least 0, got NaN'],
  ];
  test.each(refused)('are refused where nothing could come of them: %o', async (options, message) => {
    await expect(explore(main, options)).rejects.toThrow(message);
  });
});

describeBoth('an exploration', (s) => {
  test('fails with the error of the program, its number, a token, an explanation, and the line to write', async () => {
    const found = await failureOf(explore(counter(s, false)));
    expect(found.error).toMatchObject({ message: '1 lost' });
    expect(found.cause).toBe(found.error);
    expect(found.code).toBe('EXPLORATION_FAILURE');
    expect(found.name).toBe('ExplorationFailure');
    expect(found.schedule).toBeGreaterThan(1);
    expect(found.token).toMatch(/^xc-/);
    expect(found.token.length).toBeLessThanOrEqual(80);
    expect(found.message).toContain(`found in schedule ${found.schedule}: Error: 1 lost`);
    expect(found.message).toContain(found.explanation);
    expect(found.message).toContain(`await replay(main, '${found.token}')`);
  });

  test('without a failure says how many schedules were run, and how many choices there were', async () => {
    const report = await explore(counter(s, true), { schedules: 200 });
    expect(report).toEqual({ schedules: 200, isComplete: false, choices: expect.any(Number), failures: [] });
    expect(report.choices).toBeGreaterThan(2);
  });

  test('that does not stop at the first failure counts failures by their kinds', async () => {
    const main = s.fn(function* () {
      const order: number[] = [];
      const ask = s.fn(function* (number: number) {
        order.push(yield* s.wait(completion(number)));
      });
      yield* s.wait(gather(ask(1), ask(2), ask(3)));
      if (order[0] === 2) throw new Error(`two came first, then ${order[1]}`);
      if (order[0] === 3) throw new RangeError('three came first');
    });
    const report = await explore(main, { strategy: 'random', schedules: 300, stopAtFirst: false });
    expect(report.schedules).toBe(300);
    expect(report.failures.map(({ error }) => (error as Error).name).sort()).toEqual(['Error', 'RangeError']);
    for (const { count, schedule } of report.failures) {
      expect(count).toBeGreaterThan(50);
      expect(count).toBeLessThan(150);
      expect(schedule).toBeGreaterThanOrEqual(1);
    }
  });

  test('keeps to what production may do: what is ready runs in its order, unless the level is any', async () => {
    const main = s.fn(function* () {
      let order = '';
      const step = s.fn(function* (letter: string) {
        yield* s.wait(sleep(0));
        order += letter;
      });
      yield* s.wait(gather(step('a'), step('b')));
      if (order !== 'ab') throw new Error(order);
    });
    await explore(main, { schedules: 100 });
    const found = await failureOf(explore(main, { schedules: 100, level: 'any' }));
    expect(found.token).toMatch(/^xa-/);
  });

  test('finds standstills, with the tasks that wait for each other', async () => {
    const main = s.fn(function* () {
      const [a, b] = [new Lock(), new Lock()];
      const both = s.fn(function* (first: Lock, second: Lock) {
        yield* s.wait(first.acquire());
        yield* s.wait(completion());
        yield* s.wait(second.acquire());
        second.release();
        first.release();
      });
      const one = createTask(() => both(a, b), { name: 'one' });
      yield* s.wait(sleep(1));
      const two = createTask(() => both(b, a), { name: 'two' });
      yield* s.wait(gather(one, two));
    });
    const { error } = await failureOf(explore(main));
    expect(error).toMatchObject({ name: 'DeadlockError' });
    expect([...(error as { cycle: string[] }).cycle].sort()).toEqual(['one', 'two']);
  });

  test('finds programs that go on for ever, while time stands still and while it passes', async () => {
    const spins = (seconds: number) =>
      s.fn(function* () {
        const isOver = false as boolean;
        while (!isOver) yield* s.wait(sleep(seconds));
      });
    const still = await failureOf(explore(spins(0), { maxSteps: 50, shrinkRuns: 1 }));
    expect(still.error).toMatchObject({ name: 'LivelockError' });
    expect(String(still.error)).toContain('50 iterations of the loop without any time passing');
    const passing = await failureOf(explore(spins(1), { maxSteps: 10, shrinkRuns: 1 }));
    expect(passing.error).toMatchObject({ name: 'LivelockError' });
    expect(String(passing.error)).toContain('1000 iterations of the loop and ');
  });

  test('finds what a program leaves behind, and errors that nobody looks at, unless it is told not to', async () => {
    const leaves = s.fn(function* () {
      const isSet = new Event();
      createTask(() => isSet.wait());
      yield* s.wait(sleep(0));
    });
    expect((await failureOf(explore(leaves))).error).toMatchObject({ name: 'LeakError' });
    await explore(leaves, { failOnLeaks: false, schedules: 10 });
    const loses = s.fn(function* () {
      createTask(
        s.fn(function* () {
          yield* s.wait(sleep(0));
          throw new Error('nobody knows');
        }),
      );
      yield* s.wait(sleep(1));
    });
    expect((await failureOf(explore(loses))).error).toMatchObject({ name: 'UnretrievedError' });
    await explore(loses, { failOnUnretrieved: false, schedules: 10 });
  });

  test('looks at what the program gives with `check`, which may be an async function', async () => {
    const main = s.fn(function* () {
      return yield* s.wait(completion('Ada'));
    });
    const seen: string[] = [];
    await explore(main, { schedules: 5, check: (value) => void seen.push(value) });
    expect(new Set(seen)).toEqual(new Set(['Ada']));
    const check = async (value: string): Promise<void> => {
      if (value === 'Ada') throw new RangeError('not her');
    };
    expect((await failureOf(explore(main, { check }))).error).toBeInstanceOf(RangeError);
  });

  test('tells a program that fails in its usual order as well', async () => {
    const main = s.fn(function* () {
      yield* s.wait(sleep(1));
      throw new TypeError('always');
    });
    const found = await failureOf(explore(main));
    expect(found.schedule).toBe(1);
    expect(found.explanation).toContain('It fails in the order in which production runs it, too.');
  });

  test('refuses a program whose runs differ, with the first difference', async () => {
    let runs = 0;
    const main = s.fn(function* () {
      runs++;
      if (runs % 2 === 0) yield* s.wait(completion());
      yield* s.wait(gather(completion(), completion()));
    });
    const error = await explore(main).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(NondeterminismError);
    expect(String(error)).toMatch(/event \d+ was in one run: .*; in the other: /);
  });

  test('refuses a program that only sleeps for another time in each run, and says by what', async () => {
    const main = s.fn(function* () {
      yield* s.wait(sleep(1 + Math.random()));
    });
    const error = await explore(main).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(NondeterminismError);
    expect(String(error)).toMatch(/ran a step at 1\.\d+ s; in the other: .* ran a step at 1\.\d+ s/);
    expect(String(error)).toMatch(/Math\.random\(\) at .*explore\.test\.ts/);
  });

  test('refuses a program whose failure does not come again under the same schedule', async () => {
    let runs = 0;
    const main = s.fn(function* () {
      yield* s.wait(gather(completion(), completion()));
      if (++runs === 20) throw new Error('by chance');
    });
    const error = await explore(main).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(NondeterminismError);
    expect(String(error)).toContain('by chance');
    expect(String(error)).toContain('it did not fail');
  });

  test.each([
    { what: 'from its second run on', first: 2 },
    { what: 'only in its first run', first: 1, last: 1 },
    { what: 'only after many runs', first: 40 },
  ])(
    'does not take for a race what comes from state that outlives a run, when it fails $what',
    async ({ first, last }) => {
      for (const stopAtFirst of [true, false]) {
        let runs = 0;
        const main = s.fn(function* () {
          yield* s.wait(gather(completion(), completion()));
          runs++;
          if (runs >= first && runs <= (last ?? Number.POSITIVE_INFINITY)) throw new Error('too many');
        });
        const error = await explore(main, { stopAtFirst, schedules: 300 }).catch((error: unknown) => error);
        expect(error).toBeInstanceOf(NondeterminismError);
        expect(String(error)).toContain('under the same schedule it ');
        expect(String(error)).toContain('too many');
      }
    },
  );

  test('can be made while another one is under way', async () => {
    const [one, other] = await Promise.all([
      failureOf(explore(counter(s, false), { seed: 3 })),
      explore(counter(s, true), { schedules: 30 }),
    ]);
    const alone = await failureOf(explore(counter(s, false), { seed: 3 }));
    expect(one.token).toBe(alone.token);
    expect(other.schedules).toBe(30);
  });
});

test('a failure that an option has made is told with the option that replays it', async () => {
  const check = (): void => {
    throw new RangeError('of the check');
  };
  const failure = (await explore(async () => {}, { check }).catch((error: unknown) => error)) as ExplorationFailure;
  expect(failure.message).toContain(`await replay(main, '${failure.token}', { check })`);
  await expect(replay(async () => {}, failure.token, { check })).rejects.toThrow('of the check');
});

test('a check may give anything that can be looked at but not read, as the assertions of some test libraries', async () => {
  const assertion = new Proxy(Object.create(null), {
    get() {
      throw new Error('there is no such assertion');
    },
  });
  const report = await explore(async () => {}, { check: () => assertion, schedules: 2 });
  expect(report.failures).toEqual([]);
});

test.each(['dfs', 'portfolio'] as const)(
  '%s without a bound ends when there is nothing left to run',
  async (strategy) => {
    const main = async (): Promise<void> => {
      await gather(completion(1), completion(2));
    };
    const report = await explore(main, { strategy, bound: Number.POSITIVE_INFINITY, schedules: 50 });
    expect(report.schedules).toBeGreaterThan(1);
    expect(report.schedules).toBeLessThanOrEqual(50);
  },
);

test('an exploration cannot be made inside of a running loop', async () => {
  const inner = async (): Promise<void> => {};
  await expect(explore(() => explore(inner))).rejects.toThrow('a simulation cannot be run from a running event loop');
});

describe('the options of an exploration', () => {
  const main = async (): Promise<void> => {};

  test.each<[ExploreOptions | undefined, string]>([
    [{ level: 'all' as never }, "explore: level is 'contract' or 'any', got 'all'"],
    [
      { strategy: 'best' as never },
      "explore: strategy is 'random', 'uniform', 'pct', 'slow', 'dfs', 'por' or 'portfolio', got 'best'",
    ],
    [{ scedules: 5 } as never, "there is no option 'scedules'; write { schedules: … }"],
    [{ check: 5 as never }, 'explore: check'],
    [5 as never, 'explore: options are one object at the end, got 5'],
  ])('%j are refused with what to write', async (options, message) => {
    await expect(explore(main, options)).rejects.toThrow(message);
  });

  test.each<[unknown, string]>([
    [5, 'an async function or a generator function is required, which is called anew for each run; got 5'],
    [main(), 'write explore(() => …) or explore(main), not explore(main())'],
  ])('the program has to be a function', async (given, message) => {
    await expect(explore(given as never)).rejects.toThrow(message);
  });
});
