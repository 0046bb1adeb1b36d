import { Random } from '../explore/random.ts';
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
  const random = new Random(seed);
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

function shuffle(items: unknown[], random: Random): void {
  for (let i = items.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [items[i], items[j]] = [items[j], items[i]];
  }
}
