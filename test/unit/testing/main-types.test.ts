import { sleep } from 'asyncio-ts';
import {
  explore,
  replay,
  runSchedule,
  runVirtual,
  StaleTokenError,
  type SweepEnding,
  sweep,
  VirtualClock,
} from 'asyncio-ts/testing';
import { describe, expect, test } from 'vitest';

/** What a run has: made anew by `setup` for each. */
interface State {
  readonly name: string;
}

// What must not compile is in functions that nobody calls: the compiler is the test.

describe('a main function that takes a state', () => {
  test('is not accepted where nothing would give it one', () => {
    const main = async ({ name }: State): Promise<string> => name;
    function* generator({ name }: State): Generator<unknown, string, unknown> {
      return name;
    }
    const refused = [
      // @ts-expect-error without `setup`
      () => sweep(main),
      // @ts-expect-error without `setup`
      () => sweep(main, { check: () => {} }),
      // @ts-expect-error without `setup`
      () => sweep(generator, { limit: 10 }),
      // @ts-expect-error `setup` gives something else
      () => sweep(main, { setup: () => 1 }),
      // @ts-expect-error without `setup`
      () => replay(main, 's1-0-2-0'),
      // @ts-expect-error without `setup`
      () => replay(generator, 's1-0-2-0', { limit: 10 }),
      // @ts-expect-error it has no state
      () => explore(main),
      // @ts-expect-error it has no state
      () => explore(generator, { schedules: 10 }),
      // @ts-expect-error it has no state
      () => runSchedule(main, []),
      // @ts-expect-error it has no state
      () => runVirtual(main),
      // @ts-expect-error it has no state
      () => runVirtual(generator),
      // @ts-expect-error it has no state
      () => new VirtualClock().start(main),
    ];
    expect(refused).toHaveLength(12);
  });

  test('is accepted with setup, which gives the state its type', async () => {
    const seen: unknown[] = [];
    const { runs } = await sweep(
      async (state) => {
        seen.push(state.name.length);
        await sleep(1);
      },
      { setup: () => ({ name: 'fresh' }), check: (state, { error }) => seen.push(state.name, error) },
    );
    expect(runs).toBe(6);
    expect(seen.slice(0, 3)).toEqual([5, 'fresh', null]);
    await sweep(() => sleep(1), { setup: async () => {} });
    await expect(
      replay(async ({ name }) => void (await sleep(name.length)), 's1-9-0-0', { setup: () => ({ name: 'x' }) }),
    ).rejects.toThrow(StaleTokenError);
  });

  test('is not needed', async () => {
    const { runs } = await sweep(() => sleep(1), { check: (_state, { value }) => value, modes: ['cancel'] });
    expect(runs).toBe(1);
    await expect(
      replay(() => sleep(1), 's1-9-0-0', { check: (_state: undefined, { error }: SweepEnding) => error }),
    ).rejects.toThrow(StaleTokenError);
    await expect(replay(async () => 'x', 'xc-45h-1', { check: (text) => text.length })).rejects.toThrow(
      StaleTokenError,
    );
  });
});
