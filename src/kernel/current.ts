import { RuntimeError } from '../errors/errors.ts';
import type { Context } from './context.ts';
import { tellOfOtherCopy } from './copies.ts';
import type { EventLoop } from './event-loop.ts';
import { type AsyncStorage, findAsyncHooks } from './host.ts';
import type { Scheduler } from './scheduler.ts';
import { Scope } from './scope.ts';
import type { Task } from './task.ts';

/**
 * What runs now in this thread. While a loop runs a handle, `loop`, `task` and `context` say it. Between handles, when
 * an async function goes on after an `await`, they are `null`: then the runtime's `AsyncLocalStorage` knows the scope,
 * and where there is none, the open step does.
 */
interface Current {
  /** The loop whose handle is on the stack. */
  loop: Scheduler | null;
  /** The task whose step is on the stack; `null` in plain callbacks. */
  task: Task<unknown> | null;
  /** The scope of the strand on the stack; `null`: the task's root. */
  scope: Scope | null;
  /** The context of the handle or step on the stack, or of `Context.run`. */
  context: Context | null;
  /** The task of the step that was opened last and is open still. */
  open: Task<unknown> | null;
  /** The store of the async functions' scopes; made by the first of them, because it makes awaits slower before Node 24. */
  storage: AsyncStorage | null;
  /** Whether the engine's job of an `await` is all that is on the stack. */
  inJob: boolean;
  /** How the thread makes or finds its loop; set by the module that can. */
  threadLoop: (() => EventLoop) | null;
  /** Makes the scope of code that no task runs from the one that it inherited; set by the module that can. */
  outside: ((inherited: Scope) => Scope) | null;
}

export const current: Current = {
  loop: null,
  task: null,
  scope: null,
  context: null,
  open: null,
  storage: null,
  inJob: false,
  threadLoop: null,
  outside: null,
};

/** The scope of the line that runs now, outside any handle; at a callback's first contact it gets one of its own. */
export function asyncScope(): Scope | null {
  const storage = current.storage;
  if (storage === null) return current.open === null ? null : innermost(current.open._root());
  const inherited = storage.getStore() as Scope | undefined;
  if (inherited === undefined) return null;
  if (inherited.task !== null && isCallback()) {
    const scope = current.outside!(inherited);
    storage.enterWith(scope);
    return scope;
  }
  return inherited.inner === null ? inherited : innermost(inherited);
}

function innermost(scope: Scope): Scope {
  let at = scope;
  while (at.inner !== null) at = at.inner;
  return at;
}

/** The scope that awaits of the running code belong to; `null` outside any task. */
export function runningScope(): Scope | null {
  if (current.loop !== null) return current.task === null ? null : (current.scope ?? current.task._root());
  const scope = asyncScope();
  return scope === null || scope.task === null || scope.task.done() ? null : scope;
}

interface AsyncIds {
  executionAsyncId(): number;
  executionAsyncResource(): unknown;
}

let asyncIds: AsyncIds | null | undefined;
/** The engine's own, which a program may have replaced. */
let NativePromise: PromiseConstructor | undefined;

/** Whether the runtime itself has called what runs now. */
export function isCallback(): boolean {
  if (asyncIds === undefined) {
    const hooks = findAsyncHooks() as unknown as AsyncIds | null;
    asyncIds = hooks?.executionAsyncId === undefined ? null : hooks;
  }
  if (asyncIds === null || asyncIds.executionAsyncId() === 0) return false;
  NativePromise ??= (async () => {})().constructor as PromiseConstructor;
  return !(asyncIds.executionAsyncResource() instanceof NativePromise);
}

/** Whether the runtime tells all callbacks from the continuations of promises. */
export function canTellCallbacks(): boolean {
  const { process } = globalThis as { process?: { versions?: Record<string, string> } };
  return (
    process?.versions?.['node'] !== undefined &&
    process.versions['bun'] === undefined &&
    process.versions['deno'] === undefined &&
    current.storage !== null
  );
}

/** The task of the async function that runs now, outside any handle. */
export function currentAsyncTask(): Task<unknown> | null {
  if (current.storage === null) return current.open;
  const scope = asyncScope();
  // Code that inherited the context of a task that is over (a timer set by it, say) has no task.
  return scope === null || scope.task === null || scope.task.done() ? null : scope.task;
}

/** The task whose code runs now, `null` when none does. */
export function runningTask(): Task<unknown> | null {
  return current.loop !== null ? current.task : currentAsyncTask();
}

/** The loop whose callback or task runs now, `null` when none does. */
export function runningLoop(): EventLoop | null {
  if (current.loop !== null) return current.loop as EventLoop;
  if (current.storage === null) return current.open === null ? null : current.open._loop;
  const scope = asyncScope();
  if (scope === null) return null;
  if (scope.task !== null) return scope.task.done() ? null : scope.loop;
  return scope.loop.isRunning() && !scope.loop.isClosed() ? scope.loop : null;
}

/**
 * The loop whose callback or task runs now.
 *
 * Follows CPython's `asyncio.get_running_loop`.
 *
 * @throws {RuntimeError} when no loop runs the caller
 */
export function getRunningLoop(): EventLoop {
  const loop = runningLoop();
  if (loop !== null) return loop;
  const hint = tellOfOtherCopy((copy) => copy.isRunning());
  throw new RuntimeError(`no running event loop${hint}`, { code: 'NO_RUNNING_LOOP' });
}

/** The loop that runs the caller, otherwise the thread's. */
export function implicitLoop(): EventLoop {
  const loop = runningLoop();
  if (loop !== null) return loop;
  if (current.threadLoop === null)
    throw new RuntimeError('There is no current event loop: give { loop }', { code: 'NO_LOOP' });
  return current.threadLoop();
}

/** Prepares the thread for async functions: from the first on, their scopes are found by `AsyncLocalStorage`. */
export function prepareAsyncTasks(): AsyncStorage | null {
  if (current.storage === null) {
    const hooks = findAsyncHooks();
    if (hooks !== null) current.storage = new hooks.AsyncLocalStorage();
  }
  return current.storage;
}

/** Enters a scope inside the running one; `leaveScope` takes the line back. */
export function enterScope(task: Task<unknown>): Scope {
  const parent = runningScope() ?? task._root();
  const scope = new Scope(parent, task, task._loop);
  scope.requestsAtEntry = task._requestsTo(scope);
  moveTo(scope, parent, scope);
  return scope;
}

export function leaveScope(scope: Scope, isLost: boolean): void {
  scope.isOver = true;
  scope.isLost = isLost;
  scope.clearPending();
  if (scope.signal !== undefined) scope.task!._signalled.splice(scope.task!._signalled.indexOf(scope), 1);
  moveTo(scope.parent!, scope.parent!, null);
}

function moveTo(scope: Scope, parent: Scope, inner: Scope | null): void {
  if (current.loop !== null) {
    current.scope = scope;
    if (current.storage === null) parent.inner = inner;
  } else if (current.storage !== null) current.storage.enterWith(scope);
  else parent.inner = inner;
}
