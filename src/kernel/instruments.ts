import { install, uninstall } from './engine/hooks.ts';
import type { Scheduler } from './engine/scheduler.ts';
import type { EventLoop, ExceptionContext } from './event-loop.ts';
import type { Task } from './task.ts';

/**
 * Hooks into the kernel, for traces, live views, lints and explored schedules. Every hook is optional. A hook must not
 * throw: an instrument that does is reported and removed.
 *
 * While no instrument is installed, each hook costs the kernel one comparison.
 */
export interface Instrument {
  /** A task's step begins: the loop starts or resumes its coroutine. */
  beforeStep?(task: Task<unknown>): void;
  /** A task's step is over: it waits, or it is done. */
  afterStep?(task: Task<unknown>): void;
  /** A task was made. */
  taskSpawned?(task: Task<unknown>, parent: Task<unknown> | null): void;
  /**
   * A task is done; `failure` holds its error when it failed. Reading it here does not count as retrieving the error.
   */
  taskFinished?(task: Task<unknown>, failure: { readonly error: unknown } | null): void;
  /** `task.cancel()` was called; `by` is the task that called it, if any. */
  cancelRequested?(task: Task<unknown>, by: Task<unknown> | null, message: unknown): void;
  /** A `CancelledError` is thrown into a task's coroutine. */
  cancelDelivered?(task: Task<unknown>): void;
  /** A task begins to wait; `operation` and `object` say for what, if known. */
  waitBegin?(task: Task<unknown>, on: object): void;
  /** The future that a task waited for is done. */
  waitEnd?(task: Task<unknown>, on: object): void;
  /** A task has reached a `sleep(0)`: it goes on in the next iteration. */
  gaveWay?(task: Task<unknown>, wait: object): void;
  /**
   * What was waited for is done, and the awaiter goes on in the next iteration: a task, or a future that stands for
   * several waits, such as that of `gather`. `by` is the task whose code has ended it, also if that has ended one of
   * several waits and thereby all of them; `null` for timers and events from outside.
   */
  woken?(awaiter: object, on: object, by: Task<unknown> | null): void;
  /** The loop begins an iteration. */
  iterationBegin?(loop: Scheduler): void;
  /** The loop has ended an iteration. */
  iterationEnd?(loop: Scheduler): void;
  /**
   * An error is reported that could not be thrown in the program: one that was not retrieved, or the error of a
   * callback or an `onCancel`. Use this for monitoring: it is called for all loops of the thread, before their
   * exception handlers.
   */
  errorReported?(loop: EventLoop, context: ExceptionContext): void;
  /**
   * Decides what the loop does next, when it may do any of `count` things. Returns which one, from 0, or `undefined` to
   * leave the decision to the other instruments. If none decides, the kernel takes 0, which is the documented order.
   * `label` is `timer tie` for timers with the same deadline, and `ready` for items that are ready to run.
   *
   * @param candidates the things themselves: tasks, waits of tasks, handles and timers
   */
  choose?(label: string, count: number, candidates: { at(index: number): object | undefined }): number | undefined;
  /**
   * Whether `choose` is also asked which of all that is ready runs next. The loop then runs one thing in each
   * iteration; without this it keeps the order in which things became ready, as it always does in production.
   */
  readonly choosesReady?: boolean;
}

/**
 * Installs an instrument; returns a function that removes it.
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
