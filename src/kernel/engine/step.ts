import { cancelledError, isCancelledError, RuntimeError } from '../../errors/errors.ts';
import { describe } from '../../internal/describe.ts';
import { tellOfLoop } from './copies.ts';
import { current } from './current.ts';
import { emit, hooks } from './hooks.ts';
import {
  type CallStack,
  ENTER,
  type Enterable,
  type Frame,
  type FutureLike,
  type FutureRole,
  MUST_CANCEL,
  NONE,
  SCOPE_PENDING,
  type TaskRole,
} from './roles.ts';
import { carryTo, setPending, takeRequest } from './scope.ts';
import { explainNotIterable } from './yielded-promise.ts';

/**
 * Generators: resumes the frames of a call stack, and suspends the stack. What a frame yields decides how. (`yield*`
 * inside a frame, and constructs that pass `next` on to an inner frame, are part of that frame.)
 */

// --------------------------------------------------------------------------------------------- resuming

/**
 * Runs the frames of a call stack until they wait or end.
 *
 * @param error what to throw into the frame, or `NONE`
 * @param sent what the frame's `yield` gives
 */
export function step(stack: CallStack, error: unknown, sent?: unknown): void {
  let thrown = error;
  let value = sent;
  for (;;) {
    const frame = stack._frame!;
    let result: IteratorResult<unknown, unknown>;
    try {
      result = thrown === NONE ? frame.next(value) : frame.throw(thrown);
    } catch (failure) {
      if (failure !== thrown) explainNotIterable(failure);
      if (!pop(stack)) {
        stack._failed(failure);
        return;
      }
      thrown = failure;
      continue;
    }
    thrown = NONE;
    value = undefined;
    if (result.done) {
      if (!pop(stack)) {
        stack._completed(result.value);
        return;
      }
      value = result.value;
      continue;
    }
    const yielded = result.value;
    if (yielded === undefined) {
      // `sleep(0)`. If nothing else could run, the frame simply goes on.
      const task = stack._task;
      if (stack === task ? task._loop._giveWay(task) : task._loop._isAlone(task)) continue;
      if (stack !== task) giveWay(stack);
      return;
    }
    if (!isEnterable(yielded)) {
      suspend(stack, yielded);
      return;
    }
    try {
      if (enter(stack, frame, yielded)) return;
    } catch (failure) {
      thrown = failure;
    }
  }
}

/** Goes on with a new call stack, whose frame has already run its first step and has yielded. */
export function goOnFrom(stack: CallStack, frame: Frame, yielded: unknown): void {
  if (!isEnterable(yielded)) {
    suspend(stack, yielded);
    return;
  }
  try {
    if (enter(stack, frame, yielded)) return;
  } catch (failure) {
    step(stack, failure);
    return;
  }
  step(stack, NONE);
}

function isEnterable(value: unknown): value is Enterable {
  return typeof value === 'object' && value !== null && ENTER in value && (value as Enterable)._isHanded;
}

/**
 * Puts a coroutine on top of the frame that awaits it. Returns true if it is an async function, which runs by itself.
 */
function enter(stack: CallStack, frame: Frame, coroutine: Enterable): boolean {
  const entered = coroutine[ENTER](stack._task);
  if (stack._parents === null) stack._parents = [frame];
  else stack._parents.push(frame);
  if (isFrame(entered)) {
    stack._frame = entered;
    return false;
  }
  stack._frame = null;
  const leavable = coroutine._isLeavable ? (current.scope ?? stack._task._rootScope()) : null;
  stack._follow(entered, leavable);
  return true;
}

/**
 * Makes the frame that awaits the one that has ended the topmost one. Returns false if there is none; then the stack
 * keeps the frame that has ended.
 */
export function pop(stack: CallStack): boolean {
  const parents = stack._parents;
  if (parents === null || parents.length === 0) return false;
  stack._frame = parents.pop()!;
  return true;
}

/** Whether a value has the protocol of a generator. */
export function isFrame(value: unknown): value is Frame {
  if (typeof value !== 'object' || value === null) return false;
  const { next, throw: thrower } = value as Partial<Frame>;
  return typeof next === 'function' && typeof thrower === 'function';
}

/**
 * Takes the error that is thrown into a call stack when it goes on; `NONE` if there is none. A request to cancel takes
 * precedence over another error.
 */
export function takeError(stack: CallStack): unknown {
  const task = stack._task;
  const waiting = stack._waiting;
  let error = stack._error;
  if (waiting !== null) {
    stack._waiting = null;
    if (hooks.waitEnd !== null) emit('waitEnd', task, waiting);
  }
  if (error !== NONE) stack._error = NONE;
  // A request that is pending in a scope is for its next await, so a `PendingAwait`, which has begun already, does not
  // take it.
  const isTask = stack === task;
  if (stack._must !== null || (isTask && (task._marks & (MUST_CANCEL | SCOPE_PENDING)) !== 0)) {
    const request = stack._must ?? takeRequest(stack._at ?? task._rootScope(), 0);
    stack._must = null;
    if (isTask) task._marks &= ~MUST_CANCEL;
    if (request !== null && !isCancelledError(error)) {
      error = ownError(waiting) ?? cancelledError(request.message, request);
      // The result of what it has waited for is not taken.
      if (waiting !== null && waiting._isPlain?.() === true) (waiting as FutureRole)._left();
    }
  }
  if (hooks.cancelDelivered !== null && (isCancelledError(error) || bringsCancellation(waiting))) {
    emit('cancelDelivered', task);
  }
  return error;
}

/**
 * The `CancelledError` of what was waited for; `null` if it has none. Reading `exception()` also marks another error as
 * retrieved, because the request is thrown instead of it.
 */
function ownError(waiting: FutureLike | null): unknown {
  if (waiting === null) return null;
  let error: unknown;
  try {
    error = waiting.exception();
  } catch (cancelled) {
    error = cancelled;
  }
  return isCancelledError(error) ? error : null;
}

/** Whether what was waited for throws a `CancelledError` when its outcome is asked for. */
function bringsCancellation(waiting: FutureLike | null): boolean {
  return waiting !== null && (waiting.cancelled() || isCancelledError((waiting as Partial<FutureRole>)._value));
}

// --------------------------------------------------------------------------------------------- suspending

/**
 * The result of a pending future's iterator: one object for all futures. `yield*` passes it to the task, which reads it
 * at once. `suspend` empties it, so that it does not keep the future alive.
 */
export const yieldedFuture: { done: false; value: unknown } = { done: false, value: undefined };

/**
 * A call stack waits for what its frame has yielded: a future, or `undefined` for `sleep(0)`. Anything else is a
 * mistake.
 */
function suspend(stack: CallStack, yielded: unknown): void {
  yieldedFuture.value = undefined;
  if (yielded === undefined) giveWay(stack);
  else if (isFutureLike(yielded)) waitOn(stack, yielded);
  else throwLater(stack, mistakenYield(stack, yielded));
}

/**
 * A call stack goes on in the next iteration (`sleep(0)`). An await of an async function takes the request that is
 * pending in its scope; the task's own frames take it when they go on.
 */
export function giveWay(stack: CallStack): void {
  const task = stack._task;
  if (stack !== task && (task._marks & (MUST_CANCEL | SCOPE_PENDING)) !== 0) {
    stack._must = takeRequest(
      (current.loop !== null ? current.scope : null) ?? stack._at ?? task._rootScope(),
      stack._received,
    );
  }
  task._loop._schedule(stack);
  if (hooks.gaveWay !== null) emit('gaveWay', task, stack);
}

function isFutureLike(value: unknown): value is FutureLike {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof (value as Partial<FutureLike>)._asyncioFutureBlocking === 'boolean'
  );
}

/** A call stack waits on a future. It goes on in the iteration after the one in which the future is done. */
export function waitOn(stack: CallStack, future: FutureLike): void {
  const task = stack._task;
  const blocking = future._asyncioFutureBlocking;
  future._asyncioFutureBlocking = false;
  const loop = future.getLoop();
  if (loop !== task._loop) {
    throwLater(
      stack,
      new RuntimeError(
        `Task ${task} got Future ${future} attached to a different loop; ` +
          `wait for it on its own loop, or pass the result on with callSoonThreadsafe${tellOfLoop(loop)}`,
        { code: 'DIFFERENT_LOOP' },
      ),
    );
  } else if (!blocking) {
    throwLater(
      stack,
      new RuntimeError(`yield was used instead of yield from in task ${task} with ${future}: write \`yield* future\``, {
        code: 'YIELD_WITHOUT_STAR',
      }),
    );
  } else if (future === task) {
    throwLater(stack, new RuntimeError(`Task cannot await on itself: ${task}`, { code: 'AWAITS_ITSELF' }));
  } else {
    stack._waiting = future;
    if (future._isPlain?.() === true) (future as FutureRole)._addWaiter(stack);
    else future.addDoneCallback((() => stack._run()) as never, { context: stack._context } as never);
    if (hooks.waitBegin !== null) emit('waitBegin', task, future);
    if ((task._marks & (MUST_CANCEL | SCOPE_PENDING)) !== 0 || stack._must !== null) cancelNow(stack, task, future);
  }
}

/** Delivers a request that came while the call stack ran, now that it really suspends. */
function cancelNow(stack: CallStack, task: TaskRole, future: FutureLike): void {
  const must = stack._must;
  if (must !== null && carryTo(future, must, must.message)) stack._must = null;
  if ((task._marks & (MUST_CANCEL | SCOPE_PENDING)) === 0) return;
  const request = takeRequest(
    (current.loop !== null ? current.scope : null) ?? stack._at ?? task._rootScope(),
    stack._received,
  );
  if (request === null || carryTo(future, request, request.message)) return;
  if (stack !== task) stack._must = request;
  else setPending(task._rootScope(), request);
}

/** An error is thrown into the frame in the next iteration. */
function throwLater(stack: CallStack, error: unknown): void {
  stack._error = error;
  stack._task._loop._schedule(stack);
}

function mistakenYield(stack: CallStack, yielded: unknown): RuntimeError {
  const task = stack._task;
  const kind = typeof yielded === 'object' && yielded !== null ? yielded : {};
  if ('next' in kind && 'throw' in kind) {
    return new RuntimeError(
      `yield was used instead of yield from for generator in task ${task} with ${describe(yielded)}: write \`yield* f()\``,
      { code: 'YIELD_WITHOUT_STAR' },
    );
  }
  if ('then' in kind) {
    return new RuntimeError(
      `Task got bad yield: ${describe(yielded)} in ${task}; a generator coroutine waits for a promise with ` +
        '`yield* wrapPromise(promise)`',
      { code: 'BAD_YIELD' },
    );
  }
  return new RuntimeError(
    `Task got bad yield: ${describe(yielded)} in ${task}; a coroutine yields nothing but \`yield* awaitable\`, ` +
      'or a bare `yield` for sleep(0)',
    { code: 'BAD_YIELD' },
  );
}
