import { leavesTheLoop } from '../../errors/errors.ts';
import type { AsyncStorage } from '../runtime/platform.ts';
import { current, enterAsyncContext, runAs } from './current.ts';
import { enginesThenOf, isPromiseOfEngine } from './engine-promise.ts';
import { ownContextOf, takeLentIn } from './line.ts';
import { type CallStack, type Following, NONE, type Reject, type Scope, type TaskRole } from './roles.ts';
import { setPending } from './scope.ts';
import { pop, step } from './step.ts';

/**
 * Promises of async functions that run on top of a call stack's frames: the only code that follows them. And how frames are run from outside
 * a step.
 */

/** Runs the frames of a call stack as code of its task, from wherever it is called. */
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
 * An async function runs on top of a call stack's frames. When it settles, the frame below goes on within the same step; after a
 * foreign promise the step is over, and the stack waits for its turn like any other. The promise is followed and not wrapped: one
 * iteration later would be another program.
 */
export function follow(stack: CallStack, promise: PromiseLike<unknown>, leavable: Scope | null): void {
  stack._task._loop._step.open(stack._task, stack._got, stack._at);
  // One of its own, where this one is to be told from the next: a `then` of somebody else's may call its functions more than once.
  const isTold = leavable !== null || !isPromiseOfEngine(promise) || enginesThenOf(promise) === null;
  const following = isTold ? { leavable } : TO_THE_END;
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
 * As `follow`, of the promise of the async function that a task is made of.
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
 * Subscribes to the promise of the async function that a task is made of, in the task's async context: that tells whose promise it was, so
 * that no functions are made for each task.
 *
 * @returns whether the context will tell: not when the first segment has gone into another scope, and not with a `then` that is not the
 * engine's, which may call them from anywhere
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
  takeLentIn(task._root!);
  task._following = null;
  finish(task, error, value);
}

/** As `promise.then`; what that throws is the promise's error, as it is for an `await`. */
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

/** What is followed to its end, whatever comes. */
const TO_THE_END: Following = { leavable: null };

/** Stops following: what is followed goes on by itself, the frames below get an error in the next iteration. */
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
  if (scope !== null) takeLentIn(scope);
  stack._following = null;
  stack._heard();
  if (stack._parents === null || stack._parents.length === 0) finish(stack, error, value);
  else if (loop._step.task === task) goOn(stack, error, value);
  else if (!loop._isClosed) loop._push({ _run: () => goOn(stack, error, value) });
}

/** The function that settled was the whole of the stack. */
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
  // It came when the function had settled, and the frames had not gone on yet.
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
  // No frame: another async function was called on top of it, or the `await` is over and the step goes on.
  else if (stack._frame !== null) task._loop._step.suspends(task);
}

function interruptOrThrow(task: TaskRole, failure: unknown): void {
  if (!leavesTheLoop(failure)) throw failure;
  task._loop._interrupt(failure);
}
