import { quote } from '../internal/describe.ts';
import { checkOptions } from '../internal/options.ts';
import { Future, failWith, noteWait, release } from '../kernel/lowlevel.ts';
import { simulationAround } from './inside.ts';
import type { Arrival } from './simulation/arrivals.ts';
import type { Simulation } from './simulation/simulation.ts';

/** Options of `completion`. */
export interface CompletionOptions {
  /** What it is, for explanations and messages: `'the reply of the server'`. */
  readonly label?: string | undefined;
  /** Completions of one stream come in the order in which they were begun. Any object, such as the connection. Default: each is by itself. */
  readonly stream?: object | null | undefined;
  /** What it fails with, instead of giving a value. */
  readonly error?: unknown;
}

const OPTIONS = ['label', 'stream', 'error'] as const;

/**
 * An operation of the outside world, whose end comes at a time that nobody knows: a query, a request, the work of a thread. The order in
 * which such operations end is what `explore` tries out. In `runVirtual` each ends in the next iteration of the loop, in the order in which
 * they were begun. No time passes for it; for an operation that takes time, write `await sleep(seconds)` before it.
 *
 * **Cancellation**: a future that is cancelled, as by the cancellation of the task that waits for it, never ends.
 *
 * @param value what it gives
 * @returns a future, whose operation has begun
 * @throws {RuntimeError} outside of a simulated program
 * @example
 * const loaded = await runVirtual(async () => {
 *   const [user, orders] = await gather(
 *     completion('Ada', { label: 'the user' }),
 *     completion(3, { label: 'the number of orders' }),
 *   );
 *   return `${user}: ${orders}`;
 * });
 * console.log(loaded); // Ada: 3
 */
export function completion(value?: undefined, options?: CompletionOptions): Future<void>;
export function completion<T>(value: T, options?: CompletionOptions): Future<T>;
export function completion<T>(value?: T, options: CompletionOptions = {}): Future<T | undefined> {
  checkOptions('completion', options, OPTIONS);
  return new Completion(simulationAround('completion()'), value, options);
}

/** Its arrival is taken back as soon as it is cancelled, so that no schedule is spent on something that nobody waits for. */
class Completion<T> extends Future<T> {
  readonly #simulation: Simulation;
  readonly #arrival: Arrival;
  readonly #label: string;

  constructor(simulation: Simulation, value: T, { label = '', stream = null, error }: CompletionOptions) {
    super({ loop: simulation.loop });
    this.#simulation = simulation;
    this.#label = label;
    this.#arrival = {
      label: label === '' ? 'completion' : label,
      stream,
      deliver: () => {
        if (error === undefined) release(this, value);
        else if (!this.done()) failWith(this, error);
      },
    };
    noteWait(this, { operation: 'completion', object: label === '' ? null : this });
    simulation.arrivals.add(this.#arrival);
  }

  override cancel(message?: unknown): boolean {
    this.#simulation.arrivals.remove(this.#arrival);
    return super.cancel(message);
  }

  override toString(): string {
    return `<Completion ${this.#label === '' ? '' : `${quote(this.#label)} `}${this.state}>`;
  }
}
