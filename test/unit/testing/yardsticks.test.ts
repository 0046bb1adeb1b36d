import { ExplorationFailure, explore } from 'asyncio-ts/testing';
import { describe, expect, test } from 'vitest';
import { loadFamilies } from '../../../bench/yardsticks/families.ts';
import { checkFailure, type Kernel } from '../../../bench/yardsticks/kernel.ts';
import { isReached, measure } from '../../../bench/yardsticks/measure.ts';

const families = await loadFamilies();

/** A small part of what `npm run bench:yardsticks` measures. */
const FIXED = 200;

async function found(kernel: Kernel): Promise<ExplorationFailure> {
  const schedules = Math.min(kernel.published.within, 2_000);
  const report = await explore(kernel.broken, {
    ...kernel.options,
    level: kernel.level ?? 'contract',
    schedules,
    shrinkRuns: 50,
  }).catch((error: unknown) => error);
  if (report instanceof ExplorationFailure) return report;
  throw new Error(`not found in ${schedules} schedules: ${String(report)}`);
}

for (const family of families) {
  describe(family.name, () => {
    for (const kernel of family.kernels) {
      test(`the bug of ${kernel.name} is found`, async () => {
        const failure = await found(kernel);
        checkFailure(kernel, failure.error);
      });

      test(`the fixed form of ${kernel.name} fails under no schedule`, async () => {
        const { level = 'contract' } = kernel;
        const report = await explore(kernel.fixed, { ...kernel.options, level, schedules: FIXED });
        expect(report.schedules).toBeGreaterThan(0);
      });
    }
  });
}

test('every event race passes in the order in which production usually runs it', async () => {
  const kernels = families.flatMap((family) => family.kernels);
  const races = kernels.filter(({ published, level }) => published.rate !== undefined && level === undefined);
  expect(races.length).toBeGreaterThanOrEqual(24);
  for (const { broken } of races) await explore(broken, { strategy: 'dfs', schedules: 1 });
});

test('by default, at least 20 of the event races are shown as often as by the better of the published tools', async () => {
  const races = families.flatMap((family) => family.kernels.filter(({ published }) => published.rate !== undefined));
  const reached: string[] = [];
  for (const race of races) if (isReached(race, await measure(race, 'portfolio', 7))) reached.push(race.name);
  expect(reached.length).toBeGreaterThanOrEqual(20);
});

test('programs have names of their own', () => {
  const names = families.flatMap((family) => family.kernels.map(({ name }) => name));
  expect(new Set(names).size).toBe(names.length);
});
