import type { Decider } from '../simulation/simulation.ts';
import type { Deviation, Level } from './schedule.ts';

/** What there is to choose from. */
export interface Candidates {
  at(index: number): object | undefined;
}

/** Takes a way at each choice of a run. */
export interface Chooser {
  choose(kind: string, count: number, candidates: Candidates, at: number): number;
  /** A step of the program begins. */
  stepBegins?(): void;
}

/** By how much timers may be late, in seconds, where nothing else was said: what a busy process easily takes. */
export const SLACK = 0.001;

/** Has a chooser decide, and records what it was asked and what it has decided. */
export class Choices implements Decider {
  readonly choosesReady: boolean;
  readonly slack: number;
  chooser: Chooser = FIRST;
  length = 0;
  /** Whether the usual way is taken everywhere, and nothing recorded: the program is over, and its result is looked at. */
  isOver = false;
  readonly kinds: string[] = [];
  readonly counts: number[] = [];
  readonly ways: number[] = [];
  /** Told of each choice before it is made, for explanations. */
  onChoice: ((kind: string, way: number, count: number, candidates: Candidates) => void) | null = null;

  constructor(level: Level, slack: number) {
    this.choosesReady = level === 'any';
    this.slack = slack;
  }

  choose(kind: string, count: number, candidates: Candidates): number {
    if (this.isOver) return 0;
    const at = this.length++;
    const way = this.chooser.choose(kind, count, candidates, at);
    this.kinds[at] = kind;
    this.counts[at] = count;
    this.ways[at] = way;
    if (this.onChoice !== null) this.onChoice(kind, way, count, candidates);
    return way;
  }

  stepBegins(): void {
    if (!this.isOver) this.chooser.stepBegins?.();
  }

  /** A run begins. */
  begin(chooser: Chooser): void {
    this.chooser = chooser;
    this.length = 0;
    this.isOver = false;
  }

  /** Where the run has taken another way than the first one. */
  deviations(): Deviation[] {
    const found: Deviation[] = [];
    for (let at = 0; at < this.length; at++) if (this.ways[at] !== 0) found.push({ at, way: this.ways[at]! });
    return found;
  }

  /** Of the choices before `end`: their kinds and how many ways they had. */
  fingerprint(end: number): string {
    let hash = 0x811c9dc5;
    for (let at = 0; at < end && at < this.length; at++) {
      hash = Math.imul(hash ^ this.counts[at]!, 0x01000193);
      hash = Math.imul(hash ^ this.kinds[at]!.charCodeAt(0), 0x01000193);
    }
    return (hash >>> 0).toString(36);
  }
}

const FIRST: Chooser = { choose: () => 0 };

/** Takes the ways of a schedule. */
export class Script implements Chooser {
  readonly #deviations: readonly Deviation[];
  #next = 0;
  /** Whether a choice did not have the way that the schedule takes. */
  isStale = false;

  constructor(deviations: readonly Deviation[]) {
    this.#deviations = deviations;
  }

  choose(_kind: string, count: number, _candidates: Candidates, at: number): number {
    const next = this.#deviations[this.#next];
    if (next === undefined || next.at !== at) return 0;
    this.#next++;
    if (next.way < count) return next.way;
    this.isStale = true;
    return 0;
  }

  /** Whether all deviations were taken. */
  get isOver(): boolean {
    return this.#next === this.#deviations.length;
  }
}
