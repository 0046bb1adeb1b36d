import { CancelledError, cancelledError } from '../errors/errors.ts';
import { current } from './current.ts';
import type { Future } from './future.ts';
import { emit, hooks } from './instruments.ts';
import { takePending } from './scope.ts';
import { ENTER, type Enterable, type Frame, NONE, type Strand } from './strand.ts';
import { suspend } from './suspend.ts';

/**
 * Runs a strand's frames until they wait or end: the only function that resumes a generator.
 *
 * @param error what to throw into the frame, or `NONE`
 * @param sent what the frame's `yield` gives
 */
export function step(strand: Strand, error: unknown, sent?: unknown): void {
  let thrown = error;
  let value = sent;
  for (;;) {
    const frame = strand._frame!;
    let result: IteratorResult<unknown, unknown>;
    try {
      result = thrown === NONE ? frame.next(value) : frame.throw(thrown);
    } catch (failure) {
      if (!pop(strand)) {
        strand._failed(failure);
        return;
      }
      thrown = failure;
      continue;
    }
    thrown = NONE;
    value = undefined;
    if (result.done) {
      if (!pop(strand)) {
        strand._completed(result.value);
        return;
      }
      value = result.value;
      continue;
    }
    const yielded = result.value;
    if (!isEnterable(yielded)) {
      suspend(strand, yielded);
      return;
    }
    try {
      if (enter(strand, frame, yielded)) return;
    } catch (failure) {
      thrown = failure;
    }
  }
}

/** Goes on with a strand whose frame was begun before there was a strand, and has yielded. */
export function goOnFrom(strand: Strand, frame: Frame, yielded: unknown): void {
  if (!isEnterable(yielded)) {
    suspend(strand, yielded);
    return;
  }
  try {
    if (enter(strand, frame, yielded)) return;
  } catch (failure) {
    step(strand, failure);
    return;
  }
  step(strand, NONE);
}

function isEnterable(value: unknown): value is Enterable {
  return typeof value === 'object' && value !== null && ENTER in value && (value as Enterable)._isHanded;
}

/** Puts a coroutine on top of the frame that awaits it. True when an async function runs now. */
function enter(strand: Strand, frame: Frame, coroutine: Enterable): boolean {
  const entered = coroutine[ENTER](strand._task);
  if (strand._parents === null) strand._parents = [frame];
  else strand._parents.push(frame);
  if (isFrame(entered)) {
    strand._frame = entered;
    return false;
  }
  strand._frame = null;
  strand._leavable = coroutine._isLeavable ? (current.scope ?? strand._task._root()) : null;
  strand._follow(entered);
  return true;
}

/** Goes back to the frame that awaits the one that ended. False when there is none. */
export function pop(strand: Strand): boolean {
  const parents = strand._parents;
  strand._frame = null;
  if (parents === null || parents.length === 0) return false;
  strand._frame = parents.pop()!;
  return true;
}

/** Whether a value has the protocol of a generator. */
export function isFrame(value: unknown): value is Frame {
  if (typeof value !== 'object' || value === null) return false;
  const { next, throw: thrower } = value as Partial<Frame>;
  return typeof next === 'function' && typeof thrower === 'function';
}

/** What a strand that was woken goes on with: an error to throw, or `NONE`. A cancellation asked for meanwhile wins. */
export function takeError(strand: Strand): unknown {
  const task = strand._task;
  const waiting = strand._waiting;
  let error = strand._error;
  strand._waiting = null;
  strand._error = NONE;
  if (hooks.waitEnd !== null && waiting !== null) emit('waitEnd', task, waiting);
  if (task._mustCancel || strand._must !== null || task._pendings > 0) {
    const isRoot = task._mustCancel;
    const request = strand._must ?? (task._pendings > 0 ? takePending(strand._at ?? task._root()) : null);
    strand._must = null;
    task._mustCancel = false;
    if ((isRoot || request !== null) && !(error instanceof CancelledError)) {
      error = ownError(waiting) ?? (request === null ? task._newCancelledError() : cancelledError(request.message));
    }
  }
  if (hooks.cancelDelivered !== null && (error instanceof CancelledError || bringsCancellation(waiting))) {
    emit('cancelDelivered', task);
  }
  return error;
}

/** The `CancelledError` of what was waited for. Asking also marks another error as seen: nobody else will. */
function ownError(waiting: Strand['_waiting']): unknown {
  if (waiting === null) return null;
  let error: unknown;
  try {
    error = waiting.exception();
  } catch (cancelled) {
    error = cancelled;
  }
  return error instanceof CancelledError ? error : null;
}

/** Whether what was waited for throws a `CancelledError` when its outcome is asked for. */
function bringsCancellation(waiting: Strand['_waiting']): boolean {
  return (
    waiting !== null && (waiting.cancelled() || (waiting as Partial<Future<unknown>>)._value instanceof CancelledError)
  );
}
