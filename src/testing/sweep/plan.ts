import { momentOf, type SweepMode } from './modes.ts';
import type { Plan } from './striker.ts';
import type { Site } from './watch.ts';

/** Whether a wait can be ended in a way: there is no tie with what never comes. */
export function isPossible(site: Site, mode: SweepMode): boolean {
  if (momentOf(mode) === 'during') return true;
  return !site.givesWay && site.ended !== null;
}

/**
 * All runs of a sweep, in the order of the waits. When there are too many, some are drawn: one of each place, task and mode in turn, so that a
 * loop that waits a thousand times at one line does not take all of them.
 */
export function plansOf(
  sites: readonly Site[],
  modes: readonly SweepMode[],
  limit: number,
  seed: number,
): { readonly plans: readonly Plan[]; readonly left: number } {
  const all = sites.flatMap((site) =>
    modes.filter((mode) => isPossible(site, mode)).map((mode): Plan => ({ site, mode })),
  );
  if (all.length <= limit) return { plans: all, left: 0 };
  const random = generator(seed);
  const groups = new Map<string, Plan[]>();
  for (const plan of all) {
    const key = `${plan.mode} ${plan.site.place} ${plan.site.operation} ${plan.site.coroutine}`;
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [plan]);
    else group.push(plan);
  }
  const drawn = new Set<Plan>();
  let open = [...groups.values()];
  shuffle(open, random);
  for (const group of open) shuffle(group, random);
  while (drawn.size < limit) {
    for (const group of open) if (drawn.size < limit) drawn.add(group.pop()!);
    open = open.filter((group) => group.length > 0);
  }
  return { plans: all.filter((plan) => drawn.has(plan)), left: all.length - drawn.size };
}

/** Numbers from 0 to below 1 that look random, the same ones for the same seed (mulberry32). */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

function shuffle(items: unknown[], random: () => number): void {
  for (let i = items.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [items[i], items[j]] = [items[j], items[i]];
  }
}
