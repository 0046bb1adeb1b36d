import { typeError } from '../../errors/type-error.ts';
import { describe } from '../../internal/describe.ts';
import { type Duration, secondsOrNull } from '../../internal/duration.ts';
import { checkOptions } from '../../internal/options.ts';
import {
  type AwaitableCoroutine,
  failWith,
  libraryCoroutine,
  newWait,
  placeInDebugMode,
  release,
} from '../../kernel/lowlevel.ts';
import { simulationAround } from '../inside.ts';
import { CheckError } from './check-error.ts';
import { holds, observeSteps, type Reading, read, tellReading } from './conditions.ts';

/** Options of `eventually`. */
export interface EventuallyOptions {
  /** How long it may take until the condition holds, in seconds of simulated time; no limit when absent. */
  readonly within?: Duration | null | undefined;
  /** What the condition means, for the error. */
  readonly message?: string | undefined;
}

/** What a condition gives when it holds. */
export type Held<T> = Exclude<T, false | null>;

/**
 * Waits until a condition holds. It is looked at now and after each step of the simulated program, so that it is enough that it holds for a
 * moment.
 *
 * **Cancellation**: ends the wait.
 *
 * @param condition gives `false` or `null`, or throws, as long as it does not hold; it must not wait. Assertions of a test runner, which give
 * nothing, fit: `eventually(() => expect(sent).toHaveLength(3), { within: 5 })`. So `undefined` means that it holds: write `map.has(key)`
 * instead of `map.get(key)`
 * @returns what the condition gave
 * @throws {CheckError} when the condition does not hold in time; the message says what was seen last
 * @throws {RuntimeError} outside of a simulated program
 * @throws {TypeError} when the condition gives a promise
 * @example
 * const seconds = await runVirtual(async () => {
 *   const done: number[] = [];
 *   getRunningLoop().callLater(3, () => done.push(1));
 *   await eventually(() => done.length === 1, { within: 5 });
 *   return getRunningLoop().time();
 * });
 * console.log(seconds); // 3
 */
export function eventually<T>(condition: () => T, options: EventuallyOptions = {}): AwaitableCoroutine<Held<T>> {
  checkOptions('eventually', options, ['within', 'message']);
  if (typeof condition !== 'function') {
    throw typeError(
      `eventually: a function is required, got ${describe(condition)}; write eventually(() => …)`,
      'NOT_CALLABLE',
    );
  }
  return wait(condition, secondsOrNull(options.within, 'within'), options.message) as AwaitableCoroutine<Held<T>>;
}

const wait = /* @__PURE__ */ libraryCoroutine(function* eventually(
  condition: () => unknown,
  seconds: number | null,
  message: string | undefined,
): Generator<unknown, unknown, unknown> {
  const simulation = simulationAround('eventually()');
  const { loop } = simulation;
  const place = placeInDebugMode() ?? null;
  let last: Reading<unknown> = read('eventually', condition);
  if (holds(last)) return last.value;
  const over = newWait<unknown>(loop, { operation: 'eventually', object: null });
  const look = (): void => {
    if (over.done()) return;
    try {
      last = read('eventually', condition);
      if (holds(last)) release(over, last.value);
    } catch (error) {
      failWith(over, error);
    }
  };
  const giveUp = (): void => {
    look();
    if (!over.done()) failWith(over, tooLate(last, seconds, message, place));
  };
  const end = observeSteps(simulation, look);
  const timer = seconds === null ? null : loop.callLater(Math.max(seconds, 0), giveUp);
  try {
    return yield* over;
  } finally {
    end();
    timer?.cancel();
  }
});

function tooLate(
  last: Reading<unknown>,
  seconds: number | null,
  message: string | undefined,
  place: string | null,
): CheckError {
  const what = message === undefined ? '' : `: ${message}`;
  const where = place === null ? '' : `; waited for at ${place}`;
  return new CheckError(
    `what must hold within ${seconds} s has not come to hold${what}; when it was looked at last, ${tellReading(last)}${where}`,
    'EVENTUALLY',
    last.kind === 'error' ? { cause: last.error } : {},
  );
}
