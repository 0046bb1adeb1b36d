import { RuntimeError } from '../../errors/index.ts';
import { typeError } from '../../errors/type-error.ts';
import { describe } from '../../internal/describe.ts';
import { checkOptions } from '../../internal/options.ts';
import { checkWholeNumber } from '../../internal/whole-number.ts';
import { CheckError } from './check-error.ts';
import { drawCalls, tellCall } from './draw-calls.ts';
import { History, type RecordedCall } from './history.ts';
import { firstFailure, partsOf, type Step } from './linearizability.ts';

/** Options of `checkLinearizable`. */
export interface LinearizabilityOptions {
  /** How many different situations are looked at before the check gives up. Default: a million. */
  readonly maxStates?: number | undefined;
}

const MAX_STATES = 1_000_000;

/**
 * Checks that the operations of a history behave as if each had happened at one moment between its call and its end. Of operations that have
 * not ended, or failed with an error that is none of the model's, nobody knows whether they have happened: either is right.
 *
 * A few dozen operations take milliseconds, as long as not too many of them are under way at the same time.
 *
 * @throws {CheckError} when there is no such order; the message draws the operations up to the first end that cannot be explained
 * @throws {RuntimeError} when there are too many possibilities
 * @throws {TypeError} when it is no history
 * @example
 * const history = new History(registerModel(0));
 * const write = history.begin('a', 'write', [1]);
 * write.end();
 * history.callNowait('b', 'read', [], () => 1);
 * checkLinearizable(history);
 */
export function checkLinearizable<S>(history: History<S>, options: LinearizabilityOptions = {}): void {
  checkOptions('checkLinearizable', options, ['maxStates']);
  if (!(history instanceof History)) {
    throw typeError(`checkLinearizable: a History is required, got ${describe(history)}`);
  }
  const { maxStates = MAX_STATES } = options;
  checkWholeNumber('checkLinearizable: maxStates', maxStates, { least: 1 });
  for (const part of partsOf(history)) {
    if (part.length === 0) continue;
    const failure = firstFailure(part, history.model, maxStates);
    if (failure === undefined) throw tooMany(part, maxStates);
    if (failure !== null) throw notLinearizable(history, failure.calls, failure.best);
  }
}

function tooMany(calls: readonly RecordedCall[], maxStates: number): RuntimeError {
  return new RuntimeError(
    `checkLinearizable: ${calls.length} operations can be ordered in more ways than could be looked at (${maxStates}): record fewer that ` +
      'overlap, give the model partOf(), or raise maxStates',
    { code: 'TOO_MANY_STATES' },
  );
}

function notLinearizable<S>(
  { model }: History<S>,
  calls: readonly RecordedCall[],
  best: readonly Step<S>[],
): CheckError {
  const ordered = new Set(best.map(({ call }) => call));
  const left = calls.filter((call) => call.endedAt !== null && !ordered.has(call));
  const state = describeState(best.at(-1)?.state ?? model.init);
  const order =
    best.length === 0
      ? `None of them can be the first one: the state is ${state} at the beginning.`
      : `The longest order that explains some of them: ${best.map(({ call }) => `${tellCall(call)} (${call.client})`).join(', ')}. ` +
        `Then the state is ${state}`;
  const rest =
    best.length === 0
      ? ''
      : `, and there is no place for ${left.map((call) => `${tellCall(call)} (${call.client})`).join(', ')}.`;
  return new CheckError(
    `not linearizable as ${model.title ?? 'this model'}: no order of these operations, each at a moment between its call and its end, gives ` +
      `these results:\n\n${drawCalls(calls)}\n\n${order}${rest}`,
    'NOT_LINEARIZABLE',
  );
}

/** Plain objects, which states often are, with what is in them. */
function describeState(state: unknown): string {
  if (typeof state !== 'object' || state === null || Array.isArray(state)) return describe(state);
  if (Object.getPrototypeOf(state) !== Object.prototype) return describe(state);
  return `{ ${Object.entries(state)
    .map(([name, value]) => `${name}: ${describe(value)}`)
    .join(', ')} }`;
}
