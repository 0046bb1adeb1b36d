/// <reference lib="esnext.disposable" preserve="true" />

/**
 * Tasks in React components.
 *
 * @module asyncio-ts/react
 */

import { useEffect, useInsertionEffect, useMemo, useState, useSyncExternalStore } from 'react';
import type { CoroutineFunction } from '../index.ts';
import type { UseTaskOptions } from '../pages/options.ts';
import { type TaskControls, TaskRunner, withControls } from '../pages/task-runner.ts';
import type { TaskState } from '../pages/task-state.ts';

export type { UseTaskOptions } from '../pages/options.ts';
export type { TaskPolicy } from '../pages/policy.ts';
export type { TaskControls } from '../pages/task-runner.ts';
export type { TaskState, TaskStatus } from '../pages/task-state.ts';

/** Options of `useTask` in React. */
export interface ReactTaskOptions extends UseTaskOptions {
  /**
   * Whether the component throws the error of a call that has failed, for the error boundary around it; a function decides for each error.
   * Default: no.
   */
  readonly throwOnError?: boolean | ((error: unknown) => boolean) | undefined;
}

/** What `useTask` returns: the state of the calls, and the functions that start and stop them. */
export type ReactTask<A extends unknown[], T> = TaskState<T> & TaskControls<A, T>;

const OTHERS = ['throwOnError'] as const;

/**
 * A function of a component that runs as a task: started by event handlers and effects, cancelled when the component unmounts, with its
 * state to show. Calls are tasks of the page's event loop, which needs no `run()`.
 *
 * **Cancellation**: the end of the component cancels the call that runs and those that wait, and the clean-up of the function runs. After
 * that `run()` gives a task that is cancelled already, and nothing is rendered. React's StrictMode mounts, unmounts and mounts again: what
 * an effect has started first is cancelled, and what it starts then runs when that has cleaned up. `<Activity>` cancels the calls of a
 * component when it hides it; calls that are made while it is hidden run.
 *
 * Errors are in the state, as `error`. An error that no component reads and nobody awaits is reported to the loop's exception handler, which
 * calls `reportError`.
 *
 * @param fn an async function or a generator function; always the one of the latest rendering is called
 * @param options `policy`: what becomes of a call while an earlier one runs; `name` of the tasks; `throwOnError`
 * @throws {TypeError} when `fn` is no function, or an option does not exist
 * @throws {ValueError} when there is no such policy
 * @example
 * function Search() {
 *   const search = useTask(async (text: string) => {
 *     await sleep(0.2); // the call for the next letter cancels this one while it waits
 *     return await download(`${site}/?q=${text}`);
 *   });
 *   const field = { onInput: (event: { currentTarget: { value: string } }) => search.run(event.currentTarget.value) };
 *   return { field, text: search.isRunning ? 'Searching…' : search.value }; // in a real one: <input {...field} /> and what was found
 * }
 */
export function useTask<A extends unknown[], T>(
  fn: CoroutineFunction<T, A>,
  options: ReactTaskOptions = {},
): ReactTask<A, T> {
  const [runner] = useState(() => new TaskRunner(fn, options, OTHERS));
  const state = useSyncExternalStore(runner.subscribe, runner.getState, runner.getState);
  // Effects of this kind run before all others of a page, so that the effects of children can already call run(), with the function that was
  // rendered. StrictMode does not repeat them, so that it never refuses what such an effect starts.
  useInsertionEffect(() => runner.update(fn, options, OTHERS));
  useInsertionEffect(() => {
    runner.open();
    return () => runner.close();
  }, [runner]);
  useEffect(() => () => runner.leave(), [runner]);
  if (state.status === 'failed' && options.throwOnError !== undefined && options.throwOnError !== false) {
    const { throwOnError } = options;
    const { error } = state;
    if (throwOnError === true || throwOnError(error)) throw error;
  }
  return useMemo(() => withControls(state, runner), [state, runner]);
}
