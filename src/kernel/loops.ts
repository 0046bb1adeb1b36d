import { RuntimeError } from '../errors/errors.ts';
import { typeError } from '../errors/type-error.ts';
import { describe } from '../internal/describe.ts';
import { anyByName } from '../internal/options.ts';
import { checkLoop } from './check-loop.ts';
import { runningTask } from './engine/line.ts';
import { EventLoop, type EventLoopOptions, UNRETRIEVED_AFTER } from './event-loop.ts';
import { isMainThread } from './runtime/platform.ts';
import { tellAtExit } from './stuck-runs.ts';
import type { Task } from './task.ts';
import { thread as finder, getRunningLoop, runningLoop } from './thread-loop.ts';

/** The thread's loop. `undefined` when it was never set; `null` when it was set to none. */
const thread: { loop: EventLoop | null | undefined } = { loop: undefined };
/** The loops of current runs. The last one is the thread's loop, until its run ends. */
const lent: EventLoop[] = [];

// A future that is made outside any loop belongs to the thread's loop, which only this module can make. Futures, tasks
// and loops need each other, and this assignment connects them. Bundlers would leave it out, because nothing that
// `new Future()` uses is imported from here. So package.json ("sideEffects") names this module and the kernel's two
// entry files, which every program imports.
finder.loop = threadLoop;

/** Whether a loop is closed. The library asks this and not `isClosed()`, which a test may have replaced. */
export function isLoopClosed(loop: EventLoop): boolean {
  return loop._isClosed;
}

function threadLoop(): EventLoop {
  const running = lent.at(-1);
  if (running !== undefined) return running;
  if (thread.loop !== undefined && thread.loop !== null) return thread.loop;
  if (!mayMakeLoop()) {
    throw new RuntimeError(
      `There is no current event loop in ${isMainThread() ? 'the main thread' : 'this worker thread'}: ` +
        'make one with setEventLoop(newEventLoop()), or start the program with run(main)',
      { code: 'NO_LOOP' },
    );
  }
  thread.loop = new EventLoop({ unretrievedAfter: UNRETRIEVED_AFTER });
  thread.loop._host();
  tellAtExit(thread.loop);
  return thread.loop;
}

function mayMakeLoop(): boolean {
  return thread.loop === undefined && isMainThread();
}

/** Whether the thread has a loop, or would make one when asked for it. */
function hasThreadLoop(): boolean {
  return lent.length > 0 || (thread.loop !== undefined && thread.loop !== null) || mayMakeLoop();
}

/**
 * The running loop, otherwise the thread's loop. In the main thread that loop is made on first use, and runs whenever
 * it has work.
 *
 * Follows CPython's `asyncio.get_event_loop` as it was before 3.12.
 *
 * @throws {RuntimeError} in a worker thread for which none was set, and after `setEventLoop(null)`
 * @example
 * getEventLoop().setDebug(true); // in a program that has no `run`
 */
export function getEventLoop(): EventLoop {
  return runningLoop() ?? threadLoop();
}

/**
 * A new loop. It runs only inside `runForever()` and `runUntilComplete()`, or when it is driven by `runOnce()`. Close
 * it when it is not needed any more.
 *
 * Follows CPython's `asyncio.new_event_loop`.
 *
 * @example
 * const loop = newEventLoop();
 * loop.callSoon(() => console.log('called')); // called
 * loop.runOnce();
 * loop.close();
 */
export function newEventLoop(options?: EventLoopOptions): EventLoop {
  return new EventLoop(options);
}

/**
 * Sets the thread's loop; `null` for none. A worker thread needs one before it makes tasks or futures outside a running
 * loop.
 *
 * Follows CPython's `asyncio.set_event_loop`.
 *
 * @throws {TypeError} when it is not a loop
 */
export function setEventLoop(loop: EventLoop | null): void {
  if (loop !== null && loop !== undefined && typeof loop.callSoon !== 'function') {
    throw typeError(`setEventLoop: an event loop or null is expected, got ${describe(loop)}`);
  }
  lent.length = 0;
  thread.loop = loop ?? null;
}

/** Makes a loop the thread's loop during a run; the returned function ends this. */
export function lendThread(loop: EventLoop): () => void {
  lent.push(loop);
  return () => {
    const at = lent.lastIndexOf(loop);
    if (at >= 0) lent.splice(at, 1);
  };
}

/** A loop as an option. */
export interface LoopOption {
  readonly loop?: EventLoop | null | undefined;
}

function loopOf(call: string, given: EventLoop | null | undefined | LoopOption): EventLoop | null {
  const loop = anyByName('loop', given as EventLoop | null | undefined) ?? null;
  if (loop !== null) checkLoop(call, loop, '; leave it out for the running one');
  return loop;
}

/**
 * The task whose code runs, `null` in plain callbacks and outside any task.
 *
 * Follows CPython's `asyncio.current_task`.
 *
 * @param loop the task of this loop, by position or as `{ loop }`; of the running one when absent
 * @throws {RuntimeError} when no loop runs the caller and the thread has none either
 * @example
 * console.log(`${currentTask()?.getName() ?? 'no task'}: downloading ${url}`);
 */
export function currentTask(loop?: EventLoop | null | LoopOption): Task<unknown> | null {
  const its = loopOf('currentTask', loop);
  if (its === null && runningLoop() === null && !hasThreadLoop()) getRunningLoop();
  const task = runningTask() as Task<unknown> | null;
  // Frames of a line that a task has left behind run for no task, as async functions do.
  return task !== null && !task.done() && (its === null || task.getLoop() === its) ? task : null;
}

/**
 * The tasks of a loop that are not done.
 *
 * Follows CPython's `asyncio.all_tasks`.
 *
 * @param loop by position or as `{ loop }`; the running one, or the thread's, when absent
 * @returns a new set: tasks that begin or end later do not change it
 * @throws {RuntimeError} when there is neither
 * @example
 * for (const task of allTasks()) if (task !== currentTask()) task.cancel();
 */
export function allTasks(loop?: EventLoop | null | LoopOption): Set<Task<unknown>> {
  const its = loopOf('allTasks', loop);
  return new Set([...(its ?? getEventLoop())._tasks()].reverse());
}
