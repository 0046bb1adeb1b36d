import { ValueError } from '../../errors/index.ts';
import { describe } from '../../internal/describe.ts';
import { placeThatCalled, reportOnce, runningLoop, watchGlobals } from '../../kernel/lowlevel.ts';
import { UncontrolledError } from '../errors.ts';
import type { Simulation } from './simulation.ts';

/** What is done when a simulated program asks for something that differs from run to run. */
export type OnNondeterminism = 'report' | 'error' | 'ignore';

/** Something that differs from run to run, and where the program has asked for it. */
export interface Source {
  /** `Math.random()`, `Date.now()`, … */
  readonly what: string;
  /** As `file:line:column`. */
  readonly place: string;
}

/** @throws {ValueError} when it is none of the three */
export function checkNondeterminism(call: string, value: unknown): void {
  if (value === undefined || value === 'report' || value === 'error' || value === 'ignore') return;
  throw new ValueError(`${call}: nondeterminism is 'report', 'error' or 'ignore', got ${describe(value)}`);
}

/**
 * Looks for what a simulated program asks the platform for that differs from run to run. Only code that the simulated loop runs is looked at,
 * and the globals are replaced only while the program runs. What a program has taken before (`const { now } = Date`), or takes from a module
 * of the runtime, is not seen.
 */
export class Sources {
  readonly #simulation: Simulation;
  readonly #found = new Map<string, Source>();

  constructor(simulation: Simulation) {
    this.#simulation = simulation;
  }

  /** What was found in all programs of the simulation, each place once. */
  get found(): readonly Source[] {
    return [...this.#found.values()];
  }

  /**
   * Begins to look.
   *
   * @param what `note`: it is only kept
   * @returns ends it
   */
  watch(what: 'report' | 'error' | 'note'): () => void {
    return watchGlobals((name, call) => {
      if (runningLoop() !== this.#simulation.loop) return;
      const place = placeThatCalled(call);
      if (place === null) return;
      const source = { what: name, place };
      const key = tellSource(source);
      if (!this.#found.has(key)) {
        this.#found.set(key, source);
        if (what === 'report') reportOnce(`nondeterminism ${name}`, `${tell(source)}.`, place);
      }
      if (what !== 'error') return;
      const error = new UncontrolledError(`${tell(source)}: called at ${place}`);
      this.#simulation.fail(error);
      throw error;
    });
  }
}

/** A source in one line. */
export function tellSource({ what, place }: Source): string {
  return `${what} at ${place}`;
}

function tell({ what }: Source): string {
  return `${what} gives something else in each run, and the simulation does not decide it: ${INSTEAD[what] ?? 'give it to the program as a parameter'}`;
}

const CLOCK = 'the time of the simulation is getRunningLoop().time()';
const NUMBERS = 'give the program its random numbers as a parameter, from a generator with a seed';
const TIMERS = 'write sleep(seconds) or getRunningLoop().callLater(seconds, …), which take simulated time';

const INSTEAD: Readonly<Record<string, string>> = {
  'Date()': CLOCK,
  'new Date()': CLOCK,
  'Date.now()': CLOCK,
  'performance.now()': CLOCK,
  'Math.random()': NUMBERS,
  'crypto.randomUUID()': NUMBERS,
  'crypto.getRandomValues()': NUMBERS,
  'setTimeout()': TIMERS,
  'setInterval()': TIMERS,
  'setImmediate()': 'write sleep(0) or getRunningLoop().callSoon(…), whose order is decided',
  'fetch()':
    'give the program its connections as a parameter: a MemoryNetwork, or completion(response) for one request',
};
