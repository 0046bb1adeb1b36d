import type { AsyncStorage } from '../runtime/platform.ts';
import { current, NOT_ENTERED, prepareAsyncTasks } from './current.ts';
import { isPromiseOfEngine } from './engine-promise.ts';
import { followFirst, subscribeInContext } from './follow.ts';
import { NONE, type Scope, type TaskRole } from './roles.ts';

/**
 * Calls a function that may be async as code of the running scope: whatever it does after an `await` is then known to be the scope's,
 * and sees the user's `AsyncLocalStorage` values of the line that calls it, or of where the task was made.
 */
export function callInTask<A extends unknown[], R>(task: TaskRole, fn: (...args: A) => R, args: A): R {
  const storage = prepareAsyncTasks();
  if (storage === null) return countCall(fn, args);
  const scope = current.task === task && current.scope !== null ? current.scope : task._rootScope();
  const outer = storage.getStore() as Scope | undefined;
  const { outerStore } = current;
  // Where a step has entered the context, it is the loop's with our value in it, and not that of the task's async functions.
  const isOfTask = outer !== undefined && outer.task === task && outerStore === NOT_ENTERED;
  if (isOfTask && outer === scope) return fn(...args);
  current.outerStore = NOT_ENTERED; // what the function enters is left with its frame
  try {
    if (!isOfTask) return task._frameOfCalls().runInAsyncScope(enterStorage<A, R>, undefined, storage, scope, fn, args);
    storage.enterWith(scope);
    return fn(...args);
  } finally {
    current.outerStore = outerStore;
    if (isOfTask && !current.inJob) storage.enterWith(outer); // otherwise the engine's job ends with the function
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

/** How many functions that may be async are on the stack, where nothing but the open step tells whose awaits are whose. */
const calls = { depth: 0 };

function countCall<A extends unknown[], R>(fn: (...args: A) => R, args: A): R {
  calls.depth++;
  try {
    return fn(...args);
  } finally {
    calls.depth--;
  }
}

/** Whether an async function of the running task may be on the stack, or goes on later. */
export function hasAsyncCalls(task: TaskRole): boolean {
  return calls.depth > 0 || task._following !== null;
}

/** `enterWith` costs a third of `run`; the frame around it takes care that nobody else sees it. */
function enterStorage<A extends unknown[], R>(storage: AsyncStorage, scope: Scope, fn: (...args: A) => R, args: A): R {
  storage.enterWith(scope);
  return fn(...args);
}
