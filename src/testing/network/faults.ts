import { ValueError } from '../../errors/index.ts';
import { describe } from '../../internal/describe.ts';
import { type Duration, inSeconds } from '../../internal/duration.ts';
import { checkOptions } from '../../internal/options.ts';
import { checkWholeNumber } from '../../internal/whole-number.ts';
import type { Simulation } from '../simulation/simulation.ts';

/**
 * The faults of a network that `explore` may try out. Nothing of this happens by itself in `runVirtual`, where nobody decides: there the
 * faults are caused by the methods of the network.
 */
export interface NetworkFaults {
  /** A connection is reset at the moment when bytes would arrive: both ends get a `ConnectionResetError`. */
  readonly reset?: boolean | undefined;
  /** One direction of a connection ends at the moment when bytes would arrive: the reader sees the end of the stream too early. */
  readonly halfClose?: boolean | undefined;
  /** A server that listens refuses a connection. */
  readonly refuse?: boolean | undefined;
  /** What was sent at once arrives in two parts. */
  readonly shortReads?: boolean | undefined;
  /** Of what is written only a part is taken at first; the rest stays in the writer's buffer until that has arrived. */
  readonly shortWrites?: boolean | undefined;
  /** A server accepts a connection late: after so many seconds, or 1 second where `true` is given. */
  readonly slowAccept?: boolean | Duration | undefined;
  /** Two hosts do not reach each other for so many seconds, or 1 second where `true` is given. */
  readonly partition?: boolean | Duration | undefined;
  /** How many faults there may be in one run. Default: 1. */
  readonly budget?: number | undefined;
}

/** The kinds of faults. */
export type FaultKind = Exclude<keyof NetworkFaults, 'budget'>;

const KINDS: readonly FaultKind[] = [
  'reset',
  'halfClose',
  'refuse',
  'shortReads',
  'shortWrites',
  'slowAccept',
  'partition',
];
const DEFAULT_TIME = 1;

/** Asks whoever decides whether a fault happens, as long as there may be more of them. */
export class Faults {
  readonly #simulation: Simulation;
  /** How long each one lasts, in seconds, for those that may happen. */
  readonly #seconds = new Map<FaultKind, number>();
  #left: number;

  /**
   * @throws {TypeError} when there is no such fault
   * @throws {ValueError} when a time or the budget is negative
   */
  constructor(simulation: Simulation, given: NetworkFaults) {
    checkOptions('new MemoryNetwork: faults', given, [...KINDS, 'budget']);
    this.#simulation = simulation;
    const { budget = 1 } = given;
    checkWholeNumber('new MemoryNetwork: faults: budget', budget, { least: 0, of: 'faults' });
    this.#left = budget;
    for (const kind of KINDS) {
      const wanted = given[kind] ?? false;
      if (wanted === false) continue;
      const seconds = wanted === true ? DEFAULT_TIME : inSeconds(wanted, kind);
      if (seconds < 0) throw new ValueError(`${kind} must not be negative, got ${describe(wanted)}`);
      this.#seconds.set(kind, seconds);
    }
  }

  /** Whether a fault happens here. */
  strikes(kind: FaultKind, where: () => string): boolean {
    return this.way(kind, 1, where) > 0;
  }

  /** Which of several forms of a fault happens here, from 1; 0 for none. */
  way(kind: FaultKind, count: number, where: () => string): number {
    if (this.#left === 0 || !this.#seconds.has(kind)) return 0;
    const ways = { at: (index: number) => ({ label: index === 0 ? `no ${kind}` : `${kind}: ${where()}` }) };
    const chosen = this.#simulation.choose('fault', count + 1, ways);
    if (chosen > 0) this.#left--;
    return chosen;
  }

  /** How long a fault lasts, in seconds. */
  secondsOf(kind: FaultKind): number {
    return this.#seconds.get(kind) ?? DEFAULT_TIME;
  }
}
