import type { AsyncStorage } from '../runtime/platform.ts';
import { findAsyncHooks, keepsContextOfCall } from '../runtime/platform.ts';
import type { ContextRole, LoopRole, Scope, TaskRole } from './roles.ts';

/**
 * What runs now in this thread: `loop`, `task`, `scope` and `context`, while a loop runs a handle. Between handles,
 * when an async function goes on after an `await`, these are `null`. Then the async context holds the scope of the
 * running line (see `line.ts`); in runtimes without async contexts the task of the open step is taken for the running
 * one.
 */
interface Current {
  /** The loop whose handle is on the stack. */
  loop: LoopRole | null;
  /** The task whose step is on the stack; `null` in plain callbacks. */
  task: TaskRole | null;
  /** The scope of the frames on the stack; `null` for the task's root scope. */
  scope: Scope | null;
  /** The context of the handle or step on the stack, or of `Context.run`. */
  context: ContextRole | null;
  /** Whether below on the stack is only the job in which the JavaScript engine calls `then` for an `await`. */
  inJob: boolean;
  /**
   * What the store held before the code on the stack has entered a scope in the async context; `NOT_ENTERED` if it has
   * not.
   */
  outerStore: unknown;
  /**
   * Whether the async context has to be entered before a frame or a callback runs, in case it calls an async function
   * (`keepsContextOfCall`).
   */
  entersBeforeCalls: boolean;
  /** The task of the open step that was opened last in this thread. */
  openTask: TaskRole | null;
  /** The loop that runs in this thread, the last one begun if there are several; `null` if none does. */
  run: LoopRole | null;
  /**
   * Holds the scope of the running line in the async context. Made for the first async function, because before Node 24
   * it makes every await slower.
   */
  storage: AsyncStorage | null;
}

/** The code on the stack has not entered the async context: it has the one of its caller. */
export const NOT_ENTERED: unique symbol = /* @__PURE__ */ Symbol('not entered');

export const current: Current = {
  loop: null,
  task: null,
  scope: null,
  context: null,
  inJob: false,
  outerStore: NOT_ENTERED,
  entersBeforeCalls: false,
  openTask: null,
  run: null,
  storage: null,
};

/**
 * Calls a function as code of a loop, and of one of its tasks if one is given, and restores `current` afterwards. A
 * task's step in a batch does not need this, because nothing runs around it (`Task._run`).
 *
 * @param inJob whether only the job in which the JavaScript engine calls `then` is on the stack
 */
export function runAs<A, B, C, R>(
  loop: LoopRole,
  task: TaskRole | null,
  scope: Scope | null,
  context: ContextRole | null,
  inJob: boolean,
  fn: (a: A, b: B, c: C) => R,
  a: A,
  b: B,
  c: C,
): R {
  const outerLoop = current.loop;
  const outerTask = current.task;
  const outerScope = current.scope;
  const outerContext = current.context;
  const outerInJob = current.inJob;
  const outerStore = current.outerStore;
  current.loop = loop;
  current.task = task;
  current.scope = scope;
  current.context = context;
  current.inJob = inJob;
  current.outerStore = NOT_ENTERED;
  try {
    return fn(a, b, c);
  } finally {
    if (current.outerStore !== NOT_ENTERED) leaveAsyncContext();
    current.outerStore = outerStore;
    current.loop = outerLoop;
    current.task = outerTask;
    current.scope = outerScope;
    current.context = outerContext;
    current.inJob = outerInJob;
  }
}

/**
 * Makes the store for the scopes of async functions, unless it exists already; returns `null` in runtimes without async
 * contexts.
 */
export function prepareAsyncTasks(): AsyncStorage | null {
  if (current.storage === null) {
    const hooks = findAsyncHooks();
    if (hooks !== null) current.storage = new hooks.AsyncLocalStorage();
    current.entersBeforeCalls = hooks !== null && keepsContextOfCall();
  }
  return current.storage;
}

/**
 * Enters a scope in the async context: a frame of a task has called an async function, whose code after its `await` has
 * to be found to belong to the scope. This is done at each such `await`, because entering the context for each step
 * would cost as much as the step.
 */
export function enterAsyncContext(scope: Scope): void {
  const storage = prepareAsyncTasks();
  if (storage === null) return;
  const outer = storage.getStore();
  if (outer === scope) return;
  if (current.outerStore === NOT_ENTERED) current.outerStore = outer;
  storage.enterWith(scope);
}

/** Restores the store after a step that has entered the async context. */
export function leaveAsyncContext(): void {
  current.storage!.enterWith(current.outerStore);
  current.outerStore = NOT_ENTERED;
}
