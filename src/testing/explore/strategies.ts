import type { Candidates, Choices, Chooser } from './choices.ts';
import { ownerNameOf, ownerOf } from './lines.ts';
import { PartialOrderStrategy } from './por.ts';
import { Random } from './random.ts';
import type { Deviation, Level } from './schedule.ts';

/** The names of the strategies. */
export const STRATEGIES = ['random', 'uniform', 'pct', 'slow', 'dfs', 'por', 'portfolio'] as const;

export type StrategyName = (typeof STRATEGIES)[number];

/** Decides how runs differ from each other. */
export interface Strategy extends Chooser {
  /** A run begins. False when all schedules have been run that it would run. */
  begin(run: number): boolean;
  /** The run is over. */
  end(choices: Choices): void;
  /** The exploration is over. */
  close?(): void;
  /** Whether all schedules have been run that it would run. */
  readonly isComplete?: boolean;
}

/** Of the ways that only a fault opens, the first one is no fault: those are rare, or nothing but faults would be seen. */
const FAULT_RATE = 0.1;

function isFault(kind: string): boolean {
  return kind.startsWith('fault');
}

/** Any way. Whether nothing comes from outside is decided first, so that it does not depend on how much is on its way. */
function anyWay(random: Random, kind: string, count: number, candidates: Candidates): number {
  if (isFault(kind) && random.next() >= FAULT_RATE) return 0;
  if (kind !== 'arrival' || candidates.at(count - 1) !== undefined) return random.below(count);
  return random.below(2) === 0 ? count - 1 : random.below(count - 1);
}

/** A fault is rare, and a timer is late as often as the run has it; `null` for other kinds of choices. */
function rareWay(random: Random, kind: string, count: number, lateRate: number): number | null {
  if (isFault(kind)) return random.next() < FAULT_RATE ? random.below(count) : 0;
  if (kind === 'late timer') return random.next() < lateRate ? 1 : 0;
  return null;
}

/** A strategy by random numbers, which are the same for the same seed and run. */
abstract class SeededStrategy implements Strategy {
  readonly #seed: number;
  /** Of the present run. */
  protected random: Random;

  constructor(seed: number) {
    this.#seed = seed;
    this.random = Random.of(seed, 0);
  }

  begin(run: number): boolean {
    this.random = Random.of(this.#seed, run);
    return true;
  }

  abstract choose(kind: string, count: number, candidates: Candidates, at: number): number;

  end(_choices: Choices): void {}
}

/** Who goes first. Everybody is given a priority when it is met for the first time. */
class Priorities {
  readonly #priorities = new Map<object, number>();
  readonly #draw: (met: number) => number;

  /** @param draw gives a priority; `met` is how many were met before */
  constructor(draw: (met: number) => number) {
    this.#draw = draw;
  }

  set(who: object, priority: number): void {
    this.#priorities.set(who, priority);
  }

  /** The way of the one that has the highest priority. */
  highest(count: number, candidates: Candidates): number {
    let best = 0;
    let most = Number.NEGATIVE_INFINITY;
    for (let way = 0; way < count; way++) {
      const priority = this.#of(whoOf(candidates.at(way)));
      if (priority <= most) continue;
      most = priority;
      best = way;
    }
    return best;
  }

  #of(who: object): number {
    let priority = this.#priorities.get(who);
    if (priority === undefined) {
      priority = this.#draw(this.#priorities.size);
      this.#priorities.set(who, priority);
    }
    return priority;
  }
}

/** Stands for leaving everything for later. */
const LATER = {};

function whoOf(candidate: object | undefined): object {
  if (candidate === undefined) return LATER;
  const { stream } = candidate as { readonly stream?: object | null };
  return stream ?? ownerOf(candidate);
}

/** At each choice every way is as likely as the others. */
export class RandomStrategy extends SeededStrategy {
  choose(kind: string, count: number, candidates: Candidates): number {
    return anyWay(this.random, kind, count, candidates);
  }
}

/**
 * A random walk in which all orders of the steps are about equally likely: a task is the next to run with a probability in proportion to
 * the steps that it has before it, which the runs before have shown. When every way is as likely at each choice, orders in which one of the
 * tasks runs late are nearly never seen.
 */
export class UniformStrategy extends SeededStrategy {
  /** The most steps that were seen of each actor. */
  readonly #steps = new Map<string, number>();
  #done = new Map<string, number>();

  override begin(run: number): boolean {
    this.#done = new Map();
    return super.begin(run);
  }

  choose(kind: string, count: number, candidates: Candidates): number {
    if (kind !== 'ready') return anyWay(this.random, kind, count, candidates);
    const weights: number[] = [];
    let total = 0;
    for (let i = 0; i < count; i++) {
      const name = nameOf(candidates.at(i));
      const left = Math.max(1, (this.#steps.get(name) ?? 1) - (this.#done.get(name) ?? 0));
      weights.push(left);
      total += left;
    }
    let drawn = this.random.next() * total;
    let way = 0;
    while (way < count - 1 && drawn >= weights[way]!) drawn -= weights[way++]!;
    const chosen = nameOf(candidates.at(way));
    this.#done.set(chosen, (this.#done.get(chosen) ?? 0) + 1);
    return way;
  }

  override end(): void {
    for (const [name, steps] of this.#done) this.#steps.set(name, Math.max(steps, this.#steps.get(name) ?? 0));
  }
}

function nameOf(candidate: object | undefined): string {
  return candidate === undefined ? 'nothing' : ownerNameOf(candidate);
}

/**
 * Probabilistic concurrency testing: every task, and whatever comes from outside, has a random priority, and the one with the highest goes
 * first; at few random steps the one that would go becomes the last of all. A bug that needs `d` such changes among `n` tasks and `k` steps is found by
 * one run with a probability of at least 1 / (n * k ** (d - 1)). The number of changes is drawn for each run, `k` is learned.
 *
 * Follows Burckhardt et al., A Randomized Scheduler with Probabilistic Guarantees of Finding Bugs, 2010.
 */
export class PctStrategy extends SeededStrategy {
  #length = 0;
  #priorities = this.#drawn();
  #changes: number[] = [];
  #lowest = 0;
  /** How often timers are late. */
  #lateRate = 0;

  #drawn(): Priorities {
    return new Priorities(() => this.random.next());
  }

  override begin(run: number): boolean {
    super.begin(run);
    this.#priorities = this.#drawn();
    this.#lowest = 0;
    this.#lateRate = this.random.below(3) / 2;
    const depth = this.random.below(MOST_CHANGES + 1);
    this.#changes = [];
    for (let i = 0; i < depth && this.#length > 0; i++) this.#changes.push(this.random.below(this.#length));
    return true;
  }

  choose(kind: string, count: number, candidates: Candidates, at: number): number {
    const rare = rareWay(this.random, kind, count, this.#lateRate);
    if (rare !== null) return rare;
    const way = this.#priorities.highest(count, candidates);
    if (!this.#changes.includes(at)) return way;
    this.#priorities.set(whoOf(candidates.at(way)), --this.#lowest);
    return this.#priorities.highest(count, candidates);
  }

  override end({ length }: Choices): void {
    this.#length = Math.max(this.#length, length);
  }
}

const MOST_CHANGES = 3;

/** Lets those that are there together go before those that come later: each of a round once, in an order by chance. */
class Rounds {
  /** Who is left of the present round, for each kind of choice. */
  readonly #left = new Map<string, Set<object>>();

  next(random: Random, kind: string, count: number, candidates: Candidates): number {
    const who = Array.from({ length: count }, (_, way) => whoOf(candidates.at(way)));
    let left = this.#left.get(kind);
    if (left === undefined || !who.some((one) => left!.has(one))) {
      left = new Set(who);
      this.#left.set(kind, left);
    }
    const ways = who.flatMap((one, way) => (left.has(one) ? way : []));
    const way = ways[random.below(ways.length)]!;
    left.delete(who[way]!);
    return way;
  }
}

/**
 * The outside world is slow: what comes from outside comes one by one, when nothing else is left to run and no timer is left to fire, and timers are
 * late. Production is mostly the other way round, so that most races need just this. The order in which things come, and that of what is
 * ready, is drawn anew for each run:
 *
 * | order | shows |
 * | --- | --- |
 * | `newest`: what began last goes first | what comes for a newer request is overwritten by what comes for an older one; one caller is through before another one has begun |
 * | `rounds`: what is under way at the same time ends, by chance, before what follows from it | all look before one of them acts |
 * | `chance`, `priorities` | the other interleavings |
 */
export class SlowStrategy extends SeededStrategy {
  readonly #orders: readonly Order[];
  #order: Order = 'chance';
  #priorities = this.#drawn();
  #rounds = new Rounds();
  /** By how many places what began earlier may still go first. */
  #noise = 0;
  #lateRate = 1;

  constructor(seed: number, level: Level) {
    super(seed);
    this.#orders = ORDERS[level];
  }

  #drawn(): Priorities {
    return new Priorities((met) =>
      this.#order === 'newest' ? met + this.#noise * this.random.next() : this.random.next(),
    );
  }

  override begin(run: number): boolean {
    super.begin(run);
    this.#priorities = this.#drawn();
    this.#rounds = new Rounds();
    this.#order = this.#orders[this.random.below(this.#orders.length)]!;
    this.#noise = this.random.below(MOST_NOISE + 1);
    this.#lateRate = this.random.below(PUNCTUAL_RUNS) === 0 ? 0 : 1;
    return true;
  }

  choose(kind: string, count: number, candidates: Candidates): number {
    const rare = rareWay(this.random, kind, count, this.#lateRate);
    if (rare !== null) return rare;
    const hasLater = candidates.at(count - 1) === undefined;
    if (hasLater) return count - 1;
    if (this.#order === 'chance') return this.random.below(count);
    if (this.#order === 'rounds') return this.#rounds.next(this.random, kind, count, candidates);
    return this.#priorities.highest(count, candidates);
  }
}

type Order = 'newest' | 'rounds' | 'chance' | 'priorities';

/** As often as they stand here. */
const ORDERS: Readonly<Record<Level, readonly Order[]>> = {
  contract: [...Array<Order>(8).fill('newest'), ...Array<Order>(8).fill('rounds'), 'chance', 'priorities'],
  any: ['newest', 'rounds', 'chance', 'priorities'],
};
const MOST_NOISE = 2;
/** In one of so many runs timers are not late. */
const PUNCTUAL_RUNS = 20;

/**
 * All schedules in order of their delays: at first none, then one, then two… To take the way `n` at a choice is `n` delays: the ones before
 * it are put off. Most bugs need one or two, and there are few schedules that have so few. It ends when all up to the bound have been run.
 */
export class DelayBoundedStrategy implements Strategy {
  readonly #bound: number;
  /** What is still to be run, by its delays. */
  readonly #todo: Deviation[][][] = [[[]]];
  #delays = 0;
  #script: Deviation[] = [];
  #next = 0;
  #isOver = false;

  /** Whether all schedules up to the bound have been run. */
  get isComplete(): boolean {
    return this.#isOver && !this.isCut;
  }

  constructor(bound: number) {
    this.#bound = bound;
  }

  begin(): boolean {
    while (this.#delays < this.#todo.length && (this.#todo[this.#delays]?.length ?? 0) === 0) this.#delays++;
    const script = this.#todo[this.#delays]?.pop();
    if (script === undefined) {
      this.#isOver = true;
      return false;
    }
    this.#script = script;
    this.#next = 0;
    return true;
  }

  choose(_kind: string, count: number, _candidates: Candidates, at: number): number {
    const next = this.#script[this.#next];
    if (next === undefined || next.at !== at) return 0;
    this.#next++;
    return Math.min(next.way, count - 1);
  }

  end(choices: Choices): void {
    const first = this.#script.length === 0 ? 0 : this.#script.at(-1)!.at + 1;
    for (let at = choices.length - 1; at >= first; at--) {
      const most = Math.min(choices.counts[at]! - 1, this.#bound - this.#delays);
      for (let way = most; way > 0; way--) {
        const delays = this.#delays + way;
        this.#todo[delays] ??= [];
        if (this.#todo[delays].length < MOST_KEPT) this.#todo[delays].push([...this.#script, { at, way }]);
        else this.isCut = true;
      }
    }
  }

  /** Whether there were so many schedules that some were left out. */
  isCut = false;
}

const MOST_KEPT = 1_000_000;

type Member = 'dfs' | 'random' | 'slow' | 'pct' | 'uniform';

/** Whose turn it is: at first in this order, and then in this one, again and again. */
interface Turns {
  readonly first: readonly Member[];
  readonly then: readonly Member[];
}

const TURNS: Readonly<Record<Level, Turns>> = {
  any: { first: [], then: ['dfs', 'random', 'slow', 'pct', 'uniform'] },
  // What is ready runs in one order where production keeps to the contract: the lengths of tasks, which `uniform` goes by, do not matter, and
  // few races do not show in a slow world. Those that need two things to come at once, or the usual order but for one thing, are found by the
  // others: most often by their first runs, so that these come early.
  contract: {
    first: ['dfs', 'slow', 'random', 'slow', 'dfs', 'slow', 'pct', 'slow', 'dfs', 'slow'],
    then: (['dfs', 'random', 'pct'] as const).flatMap((other): Member[] => [...Array<Member>(9).fill('slow'), other]),
  },
};

/** The strategies by turns: what one of them is bad at, another one finds. */
export class Portfolio implements Strategy {
  readonly #turns: Turns;
  readonly #members: Readonly<Record<Member, Strategy>>;
  #turn = 0;
  #current: Strategy;

  constructor(seed: number, bound: number, level: Level) {
    this.#turns = TURNS[level];
    this.#members = {
      dfs: new DelayBoundedStrategy(bound),
      random: new RandomStrategy(seed),
      slow: new SlowStrategy(seed, level),
      pct: new PctStrategy(seed),
      uniform: new UniformStrategy(seed),
    };
    this.#current = this.#members.dfs;
  }

  begin(run: number): boolean {
    const { first, then } = this.#turns;
    const turn = this.#turn++;
    this.#current = this.#members[first[turn] ?? then[(turn - first.length) % then.length]!];
    if (!this.#current.begin(run)) {
      // It has run all that it has.
      this.#current = this.#members.random;
      this.#current.begin(run);
    }
    return true;
  }

  choose(kind: string, count: number, candidates: Candidates, at: number): number {
    return this.#current.choose(kind, count, candidates, at);
  }

  end(choices: Choices): void {
    this.#current.end(choices);
    // How long runs are, it learns from all.
    const { pct } = this.#members;
    if (this.#current !== pct) pct.end(choices);
  }
}

/** Makes a strategy. */
export function strategyOf(name: StrategyName, seed: number, bound: number, level: Level): Strategy {
  switch (name) {
    case 'random':
      return new RandomStrategy(seed);
    case 'uniform':
      return new UniformStrategy(seed);
    case 'pct':
      return new PctStrategy(seed);
    case 'slow':
      return new SlowStrategy(seed, level);
    case 'por':
      return new PartialOrderStrategy();
    case 'dfs':
      return new DelayBoundedStrategy(bound);
    default:
      return new Portfolio(seed, bound, level);
  }
}
