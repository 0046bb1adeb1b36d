import type { AsyncStorage } from '../runtime/platform.ts';
import { findAsyncHooks, keepsContextOfCall } from '../runtime/platform.ts';
import type { ContextRole, LoopRole, Scope, TaskRole } from './roles.ts';

/**
 * What runs now in this thread. While a loop runs a handle, `loop`, `task`, `scope` and `context` say it. Between handles, when an
 * async function goes on after an `await`, they are `null`: then the async context holds the scope (see `line.ts`), and where the
 * runtime has no async context, the open step does.
 */
interface Current {
  /** The loop whose handle is on the stack. */
  loop: LoopRole | null;
  /** The task whose step is on the stack; `null` in plain callbacks. */
  task: TaskRole | null;
  /** The scope of the frames on the stack; `null`: the task's root. */
  scope: Scope | null;
  /** The context of the handle or step on the stack, or of `Context.run`. */
  context: ContextRole | null;
  /** Whether the engine's job of an `await` is all that is on the stack below. */
  inJob: boolean;
  /** What the async context held before it was entered for the code on the stack; `NOT_ENTERED` while it was not. */
  outerStore: unknown;
  /** Whether the async context is to be entered before a frame or a callback runs, in case it calls an async function. */
  entersBeforeCalls: boolean;
  /** The task of the step that was opened last in this thread and is open still. */
  openTask: TaskRole | null;
  /** The loop that is being run in this thread, the last one begun; `null` when none is. */
  run: LoopRole | null;
  /** The store of the async functions' scopes; made by the first of them, because it makes awaits slower before Node 24. */
  storage: AsyncStorage | null;
}

/** The async context is that of whoever is below on the stack. */
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
 * Calls a function as code of a loop, and of one of its tasks where one is given: the one place that saves and restores the record.
 * A task's step in a batch needs no saving, since nothing runs around it (`Task._run`).
 *
 * @param inJob whether nothing but the engine's job of an `await` is on the stack
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

/** Prepares the thread for async functions: from the first on, their scopes are found in the async context, where there is one. */
export function prepareAsyncTasks(): AsyncStorage | null {
  if (current.storage === null) {
    const hooks = findAsyncHooks();
    if (hooks !== null) current.storage = new hooks.AsyncLocalStorage();
    current.entersBeforeCalls = hooks !== null && keepsContextOfCall();
  }
  return current.storage;
}

/**
 * A frame of a task has called an async function, which awaits: what the function does after that is known to be the scope's. To be
 * asked at each await, since entering the async context for each step would cost as much as the step.
 */
export function enterAsyncContext(scope: Scope): void {
  const storage = prepareAsyncTasks();
  if (storage === null) return;
  const outer = storage.getStore();
  if (outer === scope) return;
  if (current.outerStore === NOT_ENTERED) current.outerStore = outer;
  storage.enterWith(scope);
}

/** The step is over that has entered the async context. */
export function leaveAsyncContext(): void {
  current.storage!.enterWith(current.outerStore);
  current.outerStore = NOT_ENTERED;
}
