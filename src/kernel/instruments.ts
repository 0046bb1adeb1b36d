import { install, uninstall } from './engine/hooks.ts';
import type { Scheduler } from './engine/scheduler.ts';
import type { EventLoop, ExceptionContext } from './event-loop.ts';
import type { Task } from './task.ts';

/**
 * Hooks into the kernel, for traces, live views, lints and explored schedules. Every hook is optional; none of them may
 * throw: one that does is reported and taken out.
 *
 * While none is installed, the kernel pays one comparison a hook.
 */
export interface Instrument {
  /** A task's step begins: the loop starts or resumes its coroutine. */
  beforeStep?(task: Task<unknown>): void;
  /** A task's step is over: it waits, or it is done. */
  afterStep?(task: Task<unknown>): void;
  /** A task was made. */
  taskSpawned?(task: Task<unknown>, parent: Task<unknown> | null): void;
  /** A task is done; `failure` holds its error when it failed, which this does not count as having been looked at. */
  taskFinished?(task: Task<unknown>, failure: { readonly error: unknown } | null): void;
  /** `task.cancel()` was called, by `by` where a task did it. */
  cancelRequested?(task: Task<unknown>, by: Task<unknown> | null, message: unknown): void;
  /** A `CancelledError` goes into a task's coroutine. */
  cancelDelivered?(task: Task<unknown>): void;
  /** A task begins to wait on something; `operation` and `object` say for what, where that is known. */
  waitBegin?(task: Task<unknown>, on: object): void;
  /** What a task waited on is done. */
  waitEnd?(task: Task<unknown>, on: object): void;
  /** The loop begins an iteration. */
  iterationBegin?(loop: Scheduler): void;
  /** The loop has ended an iteration. */
  iterationEnd?(loop: Scheduler): void;
  /**
   * An error is reported that nobody could be given: that of a task that nobody looked at, of a callback, of an `onCancel`. The hook for
   * monitoring: it is told by all loops of the thread, whatever exception handlers programs have set, and before those.
   */
  errorReported?(loop: EventLoop, context: ExceptionContext): void;
  /**
   * The one choice point. Asked where the loop could legally do either of `count` things; answers which, from 0. The kernel
   * takes 0 when nobody is asked, which is the order that the documentation promises.
   */
  choose?(label: string, count: number): number;
}

/**
 * Installs an instrument; returns a function that takes it out.
 *
 * @example
 * const remove = addInstrument({ taskFinished: (task) => console.log(`${task}`) });
 * @example
 * addInstrument({ errorReported: (_loop, { message, exception }) => monitoring.capture(exception, message) });
 */
export function addInstrument(instrument: Instrument): () => void {
  install(instrument);
  return () => uninstall(instrument);
}
