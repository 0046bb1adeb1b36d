import type { AsyncStorage } from '../runtime/platform.ts';
import { current, NOT_ENTERED, prepareAsyncTasks } from './current.ts';
import { isPromiseOfEngine } from './engine-promise.ts';
import { followFirst, subscribeInContext } from './follow.ts';
import { NONE, type Scope, type TaskRole } from './roles.ts';

/**
 * Calls a function that may be async as code of the running scope: what it does after an `await` is found to belong to
 * that scope. It sees the `AsyncLocalStorage` values of the program that the calling line has, or those with which the
 * task was made.
 */
export function callInTask<A extends unknown[], R>(task: TaskRole, fn: (...args: A) => R, args: A): R {
  const storage = prepareAsyncTasks();
  if (storage === null) return countCall(fn, args);
  const scope = current.task === task && current.scope !== null ? current.scope : task._rootScope();
  const outer = storage.getStore() as Scope | undefined;
  const { outerStore } = current;
  // If the step itself has entered a scope (`outerStore`), the present context is that of the loop with the scope in
  // it. It does not have the program's `AsyncLocalStorage` values of the task.
  const isOfTask = outer !== undefined && outer.task === task && outerStore === NOT_ENTERED;
  if (isOfTask && outer === scope) return fn(...args);
  current.outerStore = NOT_ENTERED; // what the function enters ends with `runInAsyncScope`, or is restored below
  try {
    if (!isOfTask) return task._frameOfCalls().runInAsyncScope(enterStorage<A, R>, undefined, storage, scope, fn, args);
    storage.enterWith(scope);
    return fn(...args);
  } finally {
    current.outerStore = outerStore;
    // In a job of the JavaScript engine, nothing runs after it.
    if (isOfTask && !current.inJob) storage.enterWith(outer);
  }
}

/**
 * As `callInTask`, of the function that a task is made of: the promise of an async function is followed.
 *
 * @returns `NONE` when a promise is followed, otherwise what the function has returned
 */
export function callFirst(task: TaskRole, fn: () => unknown): unknown {
  const storage = prepareAsyncTasks();
  let result: unknown;
  if (storage === null) {
    result = countCall(fn, []);
  } else {
    const { outerStore } = current;
    current.outerStore = NOT_ENTERED;
    try {
      result = task._frameOfCalls().runInAsyncScope(beginTask, undefined, storage, task, fn);
    } finally {
      current.outerStore = outerStore;
    }
  }
  if (result !== NONE && !isPromiseOfEngine(result)) return result;
  followFirst(task, result === NONE ? null : result);
  return NONE;
}

/** Returns what the function has returned; `NONE` for a promise that the task has been subscribed to. */
function beginTask(storage: AsyncStorage, task: TaskRole, fn: () => unknown): unknown {
  storage.enterWith(task._rootScope());
  const result = fn();
  return isPromiseOfEngine(result) && subscribeInContext(storage, task, result) ? NONE : result;
}

/** How many functions that may be async are on the stack; counted only in runtimes without async contexts. */
const calls = { depth: 0 };

function countCall<A extends unknown[], R>(fn: (...args: A) => R, args: A): R {
  calls.depth++;
  try {
    return fn(...args);
  } finally {
    calls.depth--;
  }
}

/**
 * Whether an async function of the running task is on the stack or goes on later, so that awaits may be its own. For
 * runtimes without async contexts.
 */
export function hasAsyncCalls(task: TaskRole): boolean {
  return calls.depth > 0 || task._following !== null;
}

/**
 * `enterWith` takes a third of the time of `AsyncLocalStorage.run`. `runInAsyncScope`, around this call, ends its
 * effect.
 */
function enterStorage<A extends unknown[], R>(storage: AsyncStorage, scope: Scope, fn: (...args: A) => R, args: A): R {
  storage.enterWith(scope);
  return fn(...args);
}
