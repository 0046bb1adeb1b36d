import { typeError } from '../../errors/type-error.ts';
import { addInstrument, type Task } from '../../index.ts';
import { describe, titlesOf } from '../../internal/describe.ts';
import type { Simulation } from '../simulation/simulation.ts';

/** What a condition has given. */
export type Reading<T> =
  | { readonly kind: 'value'; readonly value: T }
  | { readonly kind: 'error'; readonly error: unknown };

/**
 * Calls a condition. What it throws is a reading, too: assertions are conditions.
 *
 * @throws {TypeError} when it gives a promise or another awaitable: a condition looks at the present state, and takes no time
 */
export function read<T>(call: string, condition: () => T): Reading<T> {
  let value: T;
  try {
    value = condition();
  } catch (error) {
    return { kind: 'error', error };
  }
  if (typeof (value as PromiseLike<unknown> | null | undefined)?.then === 'function') {
    throw typeError(
      `${call}: the condition looks at the present state and must not wait, but it gave ${describe(value)}; write () => state.isReady`,
      'ASYNC_CONDITION',
    );
  }
  return { kind: 'value', value };
}

/** Whether a reading says that the condition holds. Assertions give nothing when they do. */
export function holds<T>(reading: Reading<T>): reading is { readonly kind: 'value'; readonly value: T } {
  return reading.kind === 'value' && reading.value !== false && reading.value !== null;
}

/** What a reading shows, for messages. */
export function tellReading(reading: Reading<unknown>): string {
  return reading.kind === 'value' ? `it gave ${describe(reading.value)}` : `it threw ${titlesOf([reading.error])}`;
}

/** After which step of the program something is looked at: `null` for a callback of the loop. */
export type Observer = (task: Task<unknown> | null) => void;

/**
 * Has something looked at after each step of the present program, and after the callbacks of each iteration.
 *
 * @returns ends that; the end of the program ends it, too
 */
export function observeSteps(simulation: Simulation, observer: Observer): () => void {
  const { loop } = simulation;
  const removeInstrument = addInstrument({
    afterStep: (task) => {
      if (task.getLoop() === loop) observer(task);
    },
    iterationEnd: (iterated) => {
      if (iterated === loop) observer(null);
    },
  });
  const end = (): void => {
    removeInstrument();
    forget();
  };
  const forget = simulation.whenOver(end);
  return end;
}
