import type { History, RecordedCall } from './history.ts';
import type { Effect, Model } from './model.ts';
import { ValueKeys } from './value-key.ts';

/** One step of an order: an operation and the state after it. */
export interface Step<S> {
  readonly call: RecordedCall;
  readonly state: S;
}

/** What the search has found. */
export type Verdict<S> =
  | { readonly kind: 'order'; readonly steps: readonly Step<S>[] }
  /** `best` is the longest beginning of an order that works. */
  | { readonly kind: 'none'; readonly best: readonly Step<S>[] }
  | { readonly kind: 'given up' };

/** The call or the end of an operation, in a list that entries are taken out of and put back into. */
interface Entry {
  readonly call: RecordedCall;
  readonly index: number;
  readonly isEnd: boolean;
  /** Of a call: its end; `null` when nobody knows it. */
  end: Entry | null;
  before: Entry | null;
  next: Entry | null;
}

interface Choice<S> {
  readonly entry: Entry;
  readonly state: S;
  /** Which of the effects it has taken. */
  readonly effect: number;
}

/**
 * Looks for an order of the operations, each at a moment between its call and its end, in which the model gives the same results.
 *
 * By the algorithm of Wing and Gong, with Lowe's memory of the operations that were ordered and the state after them: it orders an operation that
 * is under way, goes on, and comes back at the end of an operation that was not ordered. Operations of which nobody knows whether they have
 * happened may be ordered and need not be.
 *
 * @param most how many different situations are looked at before it gives up
 */
export function findOrder<S>(calls: readonly RecordedCall[], model: Model<S>, most: number): Verdict<S> {
  const head = listOf(calls);
  const keys = new ValueKeys();
  const isOrdered = new Uint32Array((calls.length + 31) >> 5);
  const seen = new Set<string>();
  const order: Choice<S>[] = [];
  let best: readonly Step<S>[] = [];
  let left = calls.filter(({ endedAt }) => endedAt !== null).length;
  let state = model.init;
  let entry = head.next;
  let from = 0;
  while (left > 0) {
    if (entry !== null && !entry.isEnd) {
      const effects = effectsOf(model, state, entry.call, keys);
      const taken = takeNew(effects, from, entry.index, isOrdered, seen, keys);
      if (seen.size > most) return { kind: 'given up' };
      from = 0;
      if (taken < 0) {
        entry = entry.next;
        continue;
      }
      order.push({ entry, state, effect: taken });
      mark(isOrdered, entry.index);
      state = effects[taken]!.state;
      if (entry.end !== null) left--;
      lift(entry);
      if (order.length > best.length) best = stepsOf(order, state);
      entry = head.next;
    } else {
      // An operation has ended that cannot be ordered here: the last choice was wrong.
      const last = order.pop();
      if (last === undefined) return { kind: 'none', best };
      ({ entry, state } = last);
      unmark(isOrdered, entry.index);
      unlift(entry);
      if (entry.end !== null) left++;
      from = last.effect + 1;
    }
  }
  return { kind: 'order', steps: stepsOf(order, state) };
}

/** The effects of an operation in a state that agree with how it has ended. */
function effectsOf<S>(model: Model<S>, state: S, call: RecordedCall, keys: ValueKeys): readonly Effect<S>[] {
  const effects = model.apply(state, call);
  if (effects === null) return [];
  const all: readonly Effect<S>[] = isList(effects) ? effects : [effects];
  const { outcome } = call;
  switch (outcome.kind) {
    case 'unknown':
      return all;
    case 'error':
      return all.filter(({ throws }) => throws !== undefined && outcome.error instanceof throws);
    default: {
      return all.filter(
        (effect) =>
          effect.throws === undefined && (!('result' in effect) || keys.of(effect.result) === keys.of(outcome.value)),
      );
    }
  }
}

function isList<S>(effects: Effect<S> | readonly Effect<S>[]): effects is readonly Effect<S>[] {
  return Array.isArray(effects);
}

/** The first effect, from a number on, that leads to a situation that was not seen; -1 when there is none. */
function takeNew<S>(
  effects: readonly Effect<S>[],
  from: number,
  index: number,
  isOrdered: Uint32Array,
  seen: Set<string>,
  keys: ValueKeys,
): number {
  if (from >= effects.length) return -1;
  mark(isOrdered, index);
  const ordered = isOrdered.join();
  unmark(isOrdered, index);
  for (let i = from; i < effects.length; i++) {
    const situation = `${ordered}|${keys.of(effects[i]!.state)}`;
    if (seen.has(situation)) continue;
    seen.add(situation);
    return i;
  }
  return -1;
}

function mark(set: Uint32Array, index: number): void {
  set[index >> 5]! |= 1 << (index & 31);
}

function unmark(set: Uint32Array, index: number): void {
  set[index >> 5]! &= ~(1 << (index & 31));
}

/** Calls and ends in the order in which they were; of operations that have not ended there is only the call. */
function listOf(calls: readonly RecordedCall[]): Entry {
  const entries: { readonly at: number; readonly entry: Entry }[] = [];
  for (const [index, call] of calls.entries()) {
    const end: Entry | null =
      call.endedAt === null ? null : { call, index, isEnd: true, end: null, before: null, next: null };
    entries.push({ at: call.calledAt, entry: { call, index, isEnd: false, end, before: null, next: null } });
    if (end !== null) entries.push({ at: call.endedAt!, entry: end });
  }
  entries.sort((a, b) => a.at - b.at);
  const head: Entry = { call: calls[0]!, index: -1, isEnd: false, end: null, before: null, next: null };
  let last = head;
  for (const { entry } of entries) {
    entry.before = last;
    last.next = entry;
    last = entry;
  }
  return head;
}

function lift(entry: Entry): void {
  takeOut(entry);
  if (entry.end !== null) takeOut(entry.end);
}

/** Undoes the last `lift` that was not undone. */
function unlift(entry: Entry): void {
  if (entry.end !== null) putBack(entry.end);
  putBack(entry);
}

function takeOut({ before, next }: Entry): void {
  before!.next = next;
  if (next !== null) next.before = before;
}

function putBack(entry: Entry): void {
  entry.before!.next = entry;
  if (entry.next !== null) entry.next.before = entry;
}

function stepsOf<S>(order: readonly Choice<S>[], state: S): Step<S>[] {
  return order.map(({ entry }, i) => ({ call: entry.call, state: order[i + 1]?.state ?? state }));
}

/**
 * The operations up to the first end at which no order is left, as they were then: an operation that had not ended is still under way.
 *
 * @returns `null` when they are linearizable; `undefined` when the search was given up
 */
export function firstFailure<S>(
  calls: readonly RecordedCall[],
  model: Model<S>,
  most: number,
): { readonly calls: readonly RecordedCall[]; readonly best: readonly Step<S>[] } | null | undefined {
  const whole = findOrder(calls, model, most);
  if (whole.kind === 'given up') return undefined;
  if (whole.kind === 'order') return null;
  const ends = calls.flatMap(({ endedAt }) => endedAt ?? []).sort((a, b) => a - b);
  // A beginning of a history that has an order has one itself, so that the first end without one is found by halving.
  let [good, bad] = [-1, ends.length - 1];
  let found = { calls, best: whole.best };
  while (bad - good > 1) {
    const middle = (good + bad) >> 1;
    const beginning = upTo(calls, ends[middle]!);
    const verdict = findOrder(beginning, model, most);
    if (verdict.kind === 'given up') return undefined;
    if (verdict.kind === 'order') good = middle;
    else {
      bad = middle;
      found = { calls: beginning, best: verdict.best };
    }
  }
  return found;
}

function upTo(calls: readonly RecordedCall[], end: number): RecordedCall[] {
  return calls
    .filter(({ calledAt }) => calledAt < end)
    .map((call) => {
      if (call.endedAt === null || call.endedAt <= end) return call;
      const { client, name, args, calledAt } = call;
      return { client, name, args, calledAt, endedAt: null, outcome: { kind: 'unknown' } };
    });
}

/** The parts of a history that are independent of each other. */
export function partsOf<S>({ calls, model }: History<S>): readonly (readonly RecordedCall[])[] {
  if (model.partOf === undefined) return [calls];
  const keys = new ValueKeys();
  const parts = new Map<string, RecordedCall[]>();
  for (const call of calls) {
    const key = keys.of(model.partOf(call));
    const part = parts.get(key);
    if (part === undefined) parts.set(key, [call]);
    else part.push(call);
  }
  return [...parts.values()];
}
