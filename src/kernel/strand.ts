import type { Future, Waiter } from './future.ts';
import type { Request, Scope } from './scope.ts';
import type { Task } from './task.ts';

/** A generator, or anything with its protocol: one frame of a coroutine's stack. */
export interface Frame {
  next(value?: unknown): IteratorResult<unknown, unknown>;
  throw(error: unknown): IteratorResult<unknown, unknown>;
}

/** What a task can wait on: a `Future`, or what stands in for one. */
export type FutureLike = Pick<Future<unknown>, 'getLoop' | 'cancel' | 'cancelled' | 'exception' | 'addDoneCallback'> & {
  _asyncioFutureBlocking: boolean;
  /** Whether it is a future whose way of registering waiters nobody has overridden. */
  _isPlain?(): boolean;
};

/** No error: what a strand holds when it is simply to go on. */
export const NONE: unique symbol = /* @__PURE__ */ Symbol('none');

/** Marks the coroutine objects that a task puts on its own stack instead of driving them through `yield*`. */
export const ENTER: unique symbol = /* @__PURE__ */ Symbol('enter');

/** A coroutine that can be put on a strand's stack. */
export interface Enterable {
  /** Whether its iterator has handed it to the task: `yield coroutine` without the star has not. @internal */
  readonly _isHanded: boolean;
  /** @internal */
  readonly _isLeavable: boolean;
  /** Calls its function: the frame to go on with, or the promise of an async function. @internal */
  [ENTER](task: Task<unknown>): Frame | PromiseLike<unknown>;
}

/**
 * One line of execution in a task. A task is the strand of its own coroutine; each `await` in an async function is a
 * strand of its own, because several may wait at once (`Promise.all`).
 *
 *     parents  [ outer, middle ]   frames that wait for the one above them
 *     frame    inner               the one that runs, or `null` while an async function does
 *     waiting  future              what the frame waits on, `null` while it runs or is ready
 *
 * The stack is explicit so that resuming costs the same at any depth.
 */
export interface Strand extends Waiter {
  /** @internal */
  readonly _task: Task<unknown>;
  /** The scope that its frames are in; `null`: the task's root. @internal */
  _at: Scope | null;
  /** @internal */
  _must: Request | null;
  /** @internal */
  _following: boolean;
  /** The scope of the body that it follows, when that may be left. @internal */
  _leavable: Scope | null;
  /** What it follows. @internal */
  _followed: object | null;
  /** @internal */
  _settleScope(scope: Scope | null): void;
  /** @internal */
  _waitsAgain(): void;
  /** @internal */
  _frame: Frame | null;
  /** @internal */
  _parents: Frame[] | null;
  /** @internal */
  _waiting: FutureLike | null;
  /** The error to throw into the frame at its next step. @internal */
  _error: unknown;
  /** The last frame returned. @internal */
  _completed(value: unknown): void;
  /** The last frame threw. @internal */
  _failed(error: unknown): void;
  /** An async function runs on top of the frames. @internal */
  _follow(promise: PromiseLike<unknown>): void;
}
