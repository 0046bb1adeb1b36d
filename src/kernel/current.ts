import { RuntimeError } from '../errors/errors.ts';
import type { Context } from './context.ts';
import type { EventLoop } from './event-loop.ts';
import { type AsyncStorage, findAsyncHooks } from './host.ts';
import type { Scheduler } from './scheduler.ts';
import type { Task } from './task.ts';

/**
 * What runs now in this thread. While a loop runs a handle, `loop`, `task` and `context` say it. Between handles, when
 * an async function goes on after an `await`, they are `null`: then the runtime's `AsyncLocalStorage` knows the task,
 * and where there is none, the open step does.
 */
interface Current {
  /** The loop whose handle is on the stack. */
  loop: Scheduler | null;
  /** The task whose step is on the stack; `null` in plain callbacks. */
  task: Task<unknown> | null;
  /** The context of the handle or step on the stack, or of `Context.run`. */
  context: Context | null;
  /** The task of the step that was opened last and is open still. */
  open: Task<unknown> | null;
  /** The store of the async functions' tasks; made by the first of them, because it makes awaits slower before Node 24. */
  storage: AsyncStorage | null;
  /** How the thread makes or finds its loop; set by the module that can. */
  threadLoop: (() => EventLoop) | null;
}

export const current: Current = { loop: null, task: null, context: null, open: null, storage: null, threadLoop: null };

/** The task of the async function that runs now, outside any handle. */
export function currentAsyncTask(): Task<unknown> | null {
  if (current.storage !== null) {
    // Code that inherited the context of a task that is over (a timer set by it, say) has no task.
    const task = current.storage.getStore() as Task<unknown> | undefined;
    return task === undefined || task.done() ? null : task;
  }
  return current.open;
}

/** The task whose code runs now, `null` when none does. */
export function runningTask(): Task<unknown> | null {
  return current.loop !== null ? current.task : currentAsyncTask();
}

/** The loop whose callback or task runs now, `null` when none does. */
export function runningLoop(): EventLoop | null {
  if (current.loop !== null) return current.loop as EventLoop;
  const task = currentAsyncTask();
  return task === null ? null : task._loop;
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
  if (loop === null) throw new RuntimeError('no running event loop', { code: 'NO_RUNNING_LOOP' });
  return loop;
}

/** The loop that runs the caller, otherwise the thread's. */
export function implicitLoop(): EventLoop {
  const loop = runningLoop();
  if (loop !== null) return loop;
  if (current.threadLoop === null)
    throw new RuntimeError('There is no current event loop: give { loop }', { code: 'NO_LOOP' });
  return current.threadLoop();
}

/** Prepares the thread for async functions: from the first on, their tasks are found by `AsyncLocalStorage`. */
export function prepareAsyncTasks(): AsyncStorage | null {
  if (current.storage === null) {
    const hooks = findAsyncHooks();
    if (hooks !== null) current.storage = new hooks.AsyncLocalStorage();
  }
  return current.storage;
}
