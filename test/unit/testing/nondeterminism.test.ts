import { createTask, run, sleep } from 'asyncio-ts';
import { ExplorationFailure, explore, runVirtual, UncontrolledError } from 'asyncio-ts/testing';
import { afterEach, beforeEach, describe, expect, type MockInstance, test, vi } from 'vitest';
import { Simulation } from '../../../src/testing/simulation/simulation.ts';
import { describeBoth } from '../../support/spellings.ts';

/** The globals as they are now. */
function globalsNow(): unknown[] {
  return [
    Date,
    Object.getOwnPropertyDescriptor(Date, 'now'),
    Object.getOwnPropertyDescriptor(Math, 'random'),
    Object.getOwnPropertyDescriptor(performance, 'now'),
    Object.getOwnPropertyDescriptor(crypto, 'randomUUID'),
    Object.getOwnPropertyDescriptor(crypto, 'getRandomValues'),
    setTimeout,
    setInterval,
    setImmediate,
    fetch,
  ];
}

const before = globalsNow();
let warn: MockInstance;

beforeEach(() => {
  warn = vi.spyOn(console, 'warn').mockImplementation(() => {});
});

afterEach(() => {
  warn.mockRestore();
  expect(globalsNow()).toEqual(before);
});

const SOURCES: readonly (readonly [string, () => unknown])[] = [
  ['Date.now()', () => Date.now()],
  ['new Date()', () => new Date()],
  ['Date()', () => Date()],
  ['performance.now()', () => performance.now()],
  ['Math.random()', () => Math.random()],
  ['crypto.randomUUID()', () => crypto.randomUUID()],
  ['crypto.getRandomValues()', () => crypto.getRandomValues(new Uint8Array(4))],
  ['setTimeout()', () => clearTimeout(setTimeout(() => {}, 1))],
  ['setInterval()', () => clearInterval(setInterval(() => {}, 1))],
  ['setImmediate()', () => clearImmediate(setImmediate(() => {}))],
  ['fetch()', () => void fetch('data:text/plain,hello').catch(() => {})],
];

describeBoth('a simulated program that asks for what differs from run to run', (s) => {
  const program = (use: () => unknown, times = 1) =>
    s.fn(function* () {
      yield* s.wait(sleep(1));
      for (let i = 0; i < times; i++) use();
      yield* s.wait(sleep(1));
      return 'done';
    });

  test.each(SOURCES)('is failed at the call with nondeterminism: error: %s', async (what, use) => {
    const error = await runVirtual(program(use), { nondeterminism: 'error' }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(UncontrolledError);
    expect(error).toMatchObject({ code: 'UNCONTROLLED' });
    expect(String(error)).toMatch(/called at .*nondeterminism\.test\.ts:\d+:\d+$/);
    expect(String(error)).toContain(`UncontrolledError: ${what} gives something else in each run`);
  });

  test('is failed also when it catches the error', async () => {
    const main = s.fn(function* () {
      yield* s.wait(sleep(1));
      try {
        Math.random();
      } catch {
        // as programs do
      }
    });
    await expect(runVirtual(main, { nondeterminism: 'error' })).rejects.toBeInstanceOf(UncontrolledError);
  });

  test('is told with each place once, with nondeterminism: report, and gets what it asks for', async () => {
    // Two places: each is told once in a process.
    const use = {
      generator: () => expect(Math.random()).toBeLessThan(1),
      async: () => expect(Math.random()).toBeLessThan(1),
    }[s.name];
    for (let i = 0; i < 2; i++) expect(await runVirtual(program(use, 3), { nondeterminism: 'report' })).toBe('done');
    expect(warn).toHaveBeenCalledTimes(1);
    expect(warn.mock.calls[0]![0]).toMatch(
      /^Math\.random\(\) gives something else in each run, and the simulation does not decide it: give the program its random numbers as a parameter, from a generator with a seed\.\n {4}at .*nondeterminism\.test\.ts:\d+:\d+$/,
    );
  });

  test('is left alone by default, and the globals are what they were', async () => {
    const seen = await runVirtual(program(() => expect(globalsNow()).toEqual(before)));
    expect(seen).toBe('done');
    for (const [, use] of SOURCES) await runVirtual(program(use));
    await runVirtual(
      program(() => Math.random()),
      { nondeterminism: 'ignore' },
    );
    expect(warn).not.toHaveBeenCalled();
  });

  test('is looked at in all of its tasks, and nothing else is: neither other loops, nor what is outside of loops', async () => {
    let isOver = false;
    const outside = (async () => {
      while (!isOver) {
        Math.random();
        Date.now();
        await new Promise((resolve) => setImmediate(resolve));
      }
    })();
    const real = run(async () => {
      Math.random();
      await sleep(0.001);
      new Date();
    });
    const simulation = new Simulation({ nondeterminism: 'note' });
    const task = s.fn(function* () {
      yield* s.wait(sleep(3));
      Math.random();
    });
    const main = s.fn(function* () {
      yield* s.wait(createTask(task));
    });
    await simulation.run(main);
    await simulation.run(main);
    isOver = true;
    await Promise.all([outside, real]);
    simulation.close();
    expect(simulation.sources.found.map(({ what }) => what)).toEqual(['Math.random()']);
    expect(simulation.sources.found[0]!.place).toContain('nondeterminism.test.ts');
  });

  test('has dates that are dates, and those of a given moment are its own affair', async () => {
    const main = s.fn(function* () {
      const moment = new Date(0);
      class Day extends Date {}
      const day = new Day(5);
      yield* s.wait(sleep(1));
      return [moment instanceof Date, day instanceof Day, day.getTime(), Date.UTC(1970, 0), moment.toISOString()];
    });
    expect(await runVirtual(main, { nondeterminism: 'error' })).toEqual([true, true, 5, 0, '1970-01-01T00:00:00.000Z']);
  });

  test('may have fake timers put in place meanwhile, which stay', async () => {
    const main = s.fn(function* () {
      vi.useFakeTimers({ toFake: ['setTimeout'] });
      yield* s.wait(sleep(1));
    });
    try {
      await runVirtual(main, { nondeterminism: 'report' });
      expect(vi.isFakeTimers()).toBe(true);
      expect(setTimeout).not.toBe(before[6]);
    } finally {
      vi.useRealTimers();
      if (setTimeout !== before[6]) globalThis.setTimeout = before[6] as typeof setTimeout;
    }
  });

  test('fails an exploration with nondeterminism: error', async () => {
    const found = await explore(
      program(() => Date.now()),
      { schedules: 10, nondeterminism: 'error' },
    ).catch((error: unknown) => error);
    expect(found).toBeInstanceOf(ExplorationFailure);
    expect((found as ExplorationFailure).error).toBeInstanceOf(UncontrolledError);
  });

  test('is told what it has asked for when two of its runs differ', async () => {
    let runs = 0;
    const main = s.fn(function* () {
      Math.random();
      if (runs++ % 2 === 0) yield* s.wait(sleep(1));
      yield* s.wait(sleep(1));
    });
    const error = await explore(main, { schedules: 10 }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'NONDETERMINISM' });
    expect(String(error)).toMatch(
      /The program asks for what differs from run to run: Math\.random\(\) at .*nondeterminism\.test\.ts:\d+:\d+\.$/,
    );
  });

  test('is told so too when it only fails in some runs', async () => {
    let runs = 0;
    const main = s.fn(function* () {
      yield* s.wait(sleep(1));
      Date.now();
      if (++runs === 6) throw new Error('in one run only');
    });
    const error = await explore(main, { schedules: 50 }).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ code: 'NONDETERMINISM' });
    expect(String(error)).toContain('Date.now() at ');
  });
});

describe('nondeterminism', () => {
  test('is one of three', async () => {
    await expect(runVirtual(async () => {}, { nondeterminism: 'warn' as never })).rejects.toThrow(
      "runVirtual: nondeterminism is 'report', 'error' or 'ignore', got 'warn'",
    );
    await expect(explore(async () => {}, { nondeterminism: true as never })).rejects.toThrow('got true');
  });

  test('is looked for by several simulations at once, each in its own program', async () => {
    const program = async () => {
      await sleep(1);
      return Math.random();
    };
    const results = await Promise.allSettled([
      runVirtual(program, { nondeterminism: 'error' }),
      runVirtual(program),
      runVirtual(program, { nondeterminism: 'error' }),
    ]);
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'fulfilled', 'rejected']);
  });
});
