/// <reference lib="esnext.disposable" preserve="true" />

/**
 * Tasks in Svelte components.
 *
 * @module asyncio-ts/svelte
 */

import { onDestroy } from 'svelte';
import type { CoroutineFunction } from '../index.ts';
import type { UseTaskOptions } from '../pages/options.ts';
import { type TaskControls, TaskRunner } from '../pages/task-runner.ts';
import type { TaskState } from '../pages/task-state.ts';

export type { UseTaskOptions } from '../pages/options.ts';
export type { TaskPolicy } from '../pages/policy.ts';
export type { TaskControls } from '../pages/task-runner.ts';
export type { TaskState, TaskStatus } from '../pages/task-state.ts';

/** What `useTask` returns: a readable store of the state, and the functions that start and stop calls. */
export interface SvelteTask<A extends unknown[], T> extends TaskControls<A, T> {
  /** The store contract: called at once with the present state, and with each one to come. */
  readonly subscribe: (listener: (state: TaskState<T>) => void) => () => void;
}

/**
 * A function of a component that runs as a task: started by event handlers, cancelled when the component is destroyed, with its state as a
 * readable store (`$search.value`). Calls are tasks of the page's event loop, which needs no `run()`.
 *
 * **Cancellation**: the end of the component in whose script `useTask` was called cancels the call that runs and those that wait, and the
 * clean-up of the function runs. After that `run()` gives a task that is cancelled already. A store that was made outside any component lives
 * on.
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
 * page.subscribe(({ status }) => console.log(status)); // idle, running, done
 * await page.run();
 */
export function useTask<A extends unknown[], T>(
  fn: CoroutineFunction<T, A>,
  options: UseTaskOptions = {},
): SvelteTask<A, T> {
  const runner = new TaskRunner(fn, options);
  const { run, cancel, reset } = runner;
  try {
    onDestroy(() => {
      runner.close();
      runner.leave();
    });
  } catch {
    // Svelte has no other way to ask: outside any component there is nothing that could end.
  }
  return {
    run,
    cancel,
    reset,
    subscribe(listener) {
      const tell = (): void => listener(runner.getState());
      tell();
      return runner.subscribe(tell);
    },
  };
}
