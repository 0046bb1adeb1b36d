import { gather } from 'asyncio-ts';
import { completion, ExplorationFailure, explore } from 'asyncio-ts/testing';
import { describe, expect, test } from 'vitest';
import { scheduleOf } from '../../../../src/testing/explore/schedule.ts';
import { isSameFailure } from '../../../../src/testing/explore/shrink.ts';
import { describeBoth, type Spelling } from '../../../support/spellings.ts';

/** Fails when `is` says so of the order in which so many replies come. */
function replies(s: Spelling, count: number, is: (order: readonly number[]) => boolean) {
  return s.fn(function* () {
    const order: number[] = [];
    const ask = s.fn(function* (number: number) {
      order.push(yield* s.wait(completion(number, { label: `reply ${number}` })));
    });
    yield* s.wait(gather(...Array.from({ length: count }, (_, i) => ask(i))));
    if (is(order)) throw new Error('in this order');
  });
}

async function deviationsOf(promise: Promise<unknown>) {
  const error = await promise.catch((error: unknown) => error);
  if (!(error instanceof ExplorationFailure)) throw new Error(`expected an ExplorationFailure, got ${String(error)}`);
  return scheduleOf(error.token).deviations;
}

describeBoth('shrinking', (s) => {
  test('comes to one deviation where one is enough, whatever was found first', async () => {
    const main = replies(s, 8, (order) => order.indexOf(1) < order.indexOf(0));
    for (const strategy of ['random', 'pct', 'slow'] as const) {
      expect(await deviationsOf(explore(main, { strategy }))).toEqual([{ at: 0, way: 1 }]);
    }
  });

  test('keeps as many deviations as are needed', async () => {
    const main = replies(s, 6, (order) => order.indexOf(1) < order.indexOf(0) && order.indexOf(5) < order.indexOf(4));
    const deviations = await deviationsOf(explore(main, { strategy: 'random' }));
    expect(deviations).toHaveLength(2);
    expect(deviations.map(({ way }) => way)).toEqual([1, 1]);
  });

  test('takes ways that are nearer to the first one', async () => {
    const main = replies(s, 6, (order) => order[0]! >= 3);
    expect(await deviationsOf(explore(main, { strategy: 'random' }))).toEqual([{ at: 0, way: 3 }]);
  });

  test('keeps to the kind of failure that was found', async () => {
    const main = s.fn(function* () {
      const order: number[] = [];
      const ask = s.fn(function* (number: number) {
        order.push(yield* s.wait(completion(number)));
      });
      yield* s.wait(gather(ask(0), ask(1), ask(2), ask(3)));
      if (order[0] === 3) throw new RangeError('the rare one');
      if (order[0] === 1) throw new Error('the frequent one');
    });
    let hasFound = false;
    for (let seed = 1; seed <= 30 && !hasFound; seed++) {
      const error = await explore(main, { strategy: 'random', seed, schedules: 1 }).catch((error: unknown) => error);
      if (!(error instanceof ExplorationFailure) || !(error.error instanceof RangeError)) continue;
      hasFound = true;
      expect(scheduleOf(error.token).deviations).toEqual([{ at: 0, way: 3 }]);
    }
    expect(hasFound).toBe(true);
  });

  test('can be left out', async () => {
    const main = replies(s, 8, (order) => order.indexOf(1) < order.indexOf(0));
    const shrunk = await deviationsOf(explore(main, { strategy: 'random', seed: 4 }));
    const found = await deviationsOf(explore(main, { strategy: 'random', seed: 4, shrinkRuns: 0 }));
    expect(found.length).toBeGreaterThan(shrunk.length);
  });
});

describe('two failures', () => {
  const of = (error: unknown) => ({ error });

  test('are of one kind when they differ in numbers only', () => {
    expect(isSameFailure(of(new Error('3 lost of 10')), of(new Error('4 lost of 12')))).toBe(true);
    expect(isSameFailure(of(new Error('lost\nTask-1')), of(new Error('lost\nTask-2 and more')))).toBe(true);
  });

  test('are not when their classes or words differ', () => {
    expect(isSameFailure(of(new Error('lost')), of(new RangeError('lost')))).toBe(false);
    expect(isSameFailure(of(new Error('lost')), of(new Error('found')))).toBe(false);
    expect(isSameFailure(of('lost'), of(new Error('lost')))).toBe(false);
    expect(isSameFailure(of('lost'), of('lost'))).toBe(true);
  });
});
