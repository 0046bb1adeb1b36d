/// <reference lib="esnext.disposable" preserve="true" />

/**
 * Tasks in Solid components.
 *
 * @module asyncio-ts/solid
 */

import { createSignal, getOwner, onCleanup } from 'solid-js';
import type { CoroutineFunction } from '../index.ts';
import type { UseTaskOptions } from '../pages/options.ts';
import { type TaskControls, TaskRunner } from '../pages/task-runner.ts';
import type { TaskState, TaskStatus } from '../pages/task-state.ts';

export type { UseTaskOptions } from '../pages/options.ts';
export type { TaskPolicy } from '../pages/policy.ts';
export type { TaskControls } from '../pages/task-runner.ts';
export type { TaskState, TaskStatus } from '../pages/task-state.ts';

/** What `useTask` returns. As with props, its properties are tracked where they are read, so do not destructure them. */
export interface SolidTask<A extends unknown[], T> extends TaskControls<A, T> {
  /** All of it in one object, for `state().status === 'done'` and the type of the value that follows from it. */
  readonly state: () => TaskState<T>;
  readonly status: TaskStatus;
  readonly value: T | undefined;
  readonly error: unknown;
  readonly isRunning: boolean;
  readonly waiting: number;
}

/**
 * A function of a component that runs as a task: started by event handlers and effects, cancelled when the component is disposed of, with
 * its state as signals. Calls are tasks of the page's event loop, which needs no `run()`.
 *
 * **Cancellation**: the end of the owner in which `useTask` was called cancels the call that runs and those that wait, and the clean-up of the
 * function runs. After that `run()` gives a task that is cancelled already, and the signals stay as they are.
 *
 * Errors are in the state, as `error`. An error that nothing reads and nobody awaits is reported to the loop's exception handler, which
 * calls `reportError`.
 *
 * @param fn an async function or a generator function
 * @param options `policy`: what becomes of a call while an earlier one runs; `name` of the tasks
 * @throws {TypeError} when `fn` is no function, or an option does not exist
 * @throws {ValueError} when there is no such policy
 * @example
 * const page = useTask(() => download(url), { policy: 'drop' });
 * await page.run();
 * console.log(page.value, page.isRunning); // the page at https://example.org/ false
 */
export function useTask<A extends unknown[], T>(
  fn: CoroutineFunction<T, A>,
  options: UseTaskOptions = {},
): SolidTask<A, T> {
  const runner = new TaskRunner(fn, options);
  const { run, cancel, reset } = runner;
  const [state, setState] = createSignal(runner.getState());
  const unsubscribe = runner.subscribe(() => setState(() => runner.getState()));
  if (getOwner() !== null) {
    onCleanup(() => {
      unsubscribe();
      runner.close();
      runner.leave();
    });
  }
  return {
    run,
    cancel,
    reset,
    state,
    get status() {
      return state().status;
    },
    get value() {
      return state().value;
    },
    get error() {
      return state().error;
    },
    get isRunning() {
      return state().isRunning;
    },
    get waiting() {
      return state().waiting;
    },
  };
}
