import { leavesTheLoop } from '../../errors/errors.ts';
import type { AsyncStorage } from '../runtime/platform.ts';
import { current, enterAsyncContext, runAs } from './current.ts';
import { enginesThenOf, isPromiseOfEngine } from './engine-promise.ts';
import { ownContextOf, takeOfferedIn } from './line.ts';
import { type CallStack, type Following, NONE, type Reject, type Scope, type TaskRole } from './roles.ts';
import { setPending } from './scope.ts';
import { pop, step } from './step.ts';

/**
 * Follows the promises of async functions that run on top of a call stack's frames, and runs frames from outside a step
 * of the loop.
 */

/** Runs the frames of a call stack as code of its task, whatever runs now. */
export function runFrames(stack: CallStack, error: unknown, value: unknown): void {
  const task = stack._task;
  const context = ownContextOf(stack._at) ?? task._ownContext;
  runAs(task._loop, task, stack._at, context, false, stepFrames, stack, error, value);
}

function stepFrames(stack: CallStack, error: unknown, value: unknown): void {
  if (current.entersBeforeCalls && current.scope !== null) enterAsyncContext(current.scope);
  stack._stepping();
  try {
    step(stack, error, value);
  } finally {
    stack._stepped(current.scope);
  }
}

/**
 * An async function runs on top of a call stack's frames. When its promise settles, the frame below goes on within the
 * same step. If the step is over by then (the function has come back from a foreign promise), the frame goes on in the
 * next iteration. The promise is not wrapped in a future, because then the frame would always go on one iteration later
 * than in CPython.
 */
export function follow(stack: CallStack, promise: PromiseLike<unknown>, leavable: Scope | null): void {
  stack._task._loop._step.open(stack._task, stack._received, stack._at);
  // An object of its own where a late call has to be recognised: a body that was left settles later, and a `then` that
  // is not that of the JavaScript engine may call its functions more than once.
  const needsOwn = leavable !== null || !isPromiseOfEngine(promise) || enginesThenOf(promise) === null;
  const following = needsOwn ? { leavable } : TO_THE_END;
  stack._following = following;
  subscribe(
    stack,
    promise,
    (value) => {
      if (stack._following === following) settled(stack, NONE, value);
    },
    (error) => {
      if (stack._following === following) settled(stack, error, undefined);
    },
  );
}

/**
 * As `follow`, for the promise of the async function that a task is made of.
 *
 * @param promise `null` when `subscribeInContext` has subscribed to it
 */
export function followFirst(task: TaskRole, promise: Promise<unknown> | null): void {
  if (promise !== null) {
    follow(task, promise, null);
    return;
  }
  task._loop._step.open(task, 0, null);
  task._following = TO_THE_END;
}

/**
 * Subscribes to the promise of the async function that a task is made of, with two functions that all tasks share. They
 * are called in the async context of this call, in which they find the task. So no functions have to be made for each
 * task.
 *
 * @returns false, without an effect, if the task would not be found: if the first segment has entered another scope, or
 * if the `then` is not that of the JavaScript engine, so that it may call the functions in another context
 */
export function subscribeInContext(storage: AsyncStorage, task: TaskRole, promise: Promise<unknown>): boolean {
  if (storage.getStore() !== task._root) return false;
  const then = enginesThenOf(promise);
  if (then === null) return false;
  then.call(promise, completedInContext, failedInContext);
  return true;
}

const taskOfContext = (): TaskRole => (current.storage!.getStore() as Scope).task!;
const completedInContext = (value: unknown): void => endOfFirst(taskOfContext(), NONE, value);
const failedInContext = (error: unknown): void => endOfFirst(taskOfContext(), error, undefined);

function endOfFirst(task: TaskRole, error: unknown, value: unknown): void {
  takeOfferedIn(task._root!);
  task._following = null;
  finish(task, error, value);
}

/** Calls `promise.then`. If that throws, the error counts as the promise's rejection, as for an `await`. */
function subscribe(
  stack: CallStack,
  promise: PromiseLike<unknown>,
  resolve: (value: unknown) => void,
  reject: Reject,
): void {
  const following = stack._following;
  try {
    promise.then(resolve, reject);
  } catch (error) {
    // It may have settled before it threw.
    (async () => {
      await null;
      if (stack._following === following) reject(error);
    })();
  }
}

/** For functions that are always waited for: one object for all. */
const TO_THE_END: Following = { leavable: null };

/**
 * Stops waiting for the promise of a function, which goes on by itself. The frame below gets an error in the next
 * iteration.
 */
export function leaveBody(stack: CallStack, error: unknown): void {
  stack._following = null;
  pop(stack);
  stack._error = error;
  stack._task._loop._schedule(stack);
}

function settled(stack: CallStack, error: unknown, value: unknown): void {
  const task = stack._task;
  const loop = task._loop;
  const scope = stack._at ?? task._root;
  if (scope !== null) takeOfferedIn(scope);
  stack._following = null;
  stack._noteReceived();
  if (stack._parents === null || stack._parents.length === 0) finish(stack, error, value);
  else if (loop._step.task === task) goOn(stack, error, value);
  else if (!loop._isClosed) loop._push({ _run: () => goOn(stack, error, value) });
}

/** There is no frame below the function that settled: the call stack ends. */
function finish(stack: CallStack, error: unknown, value: unknown): void {
  const task = stack._task;
  try {
    if (error === NONE) stack._completed(value);
    else stack._failed(error);
  } catch (failure) {
    interruptOrThrow(task, failure);
  }
  task._loop._step.ends(task);
}

/** The frame below the function that settled goes on. */
function goOn(stack: CallStack, error: unknown, value: unknown): void {
  const task = stack._task;
  pop(stack);
  // A request that came after the function had settled, and before the frames went on.
  if (stack._must !== null) {
    setPending(stack._mustOf ?? stack._at ?? task._rootScope(), stack._must);
    stack._must = null;
  }
  try {
    runFrames(stack, error, value);
  } catch (failure) {
    interruptOrThrow(task, failure);
  }
  if (stack === task && task.done()) task._loop._step.ends(task);
  // If there is no frame, another async function was called on top of it, or the `await` is over and the step goes on.
  else if (stack._frame !== null) task._loop._step.suspends(task);
}

function interruptOrThrow(task: TaskRole, failure: unknown): void {
  if (!leavesTheLoop(failure)) throw failure;
  task._loop._interrupt(failure);
}
