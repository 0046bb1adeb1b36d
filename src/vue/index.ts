/// <reference lib="esnext.disposable" preserve="true" />

/**
 * Tasks in Vue components.
 *
 * @module asyncio-ts/vue
 */

import { type ComputedRef, computed, getCurrentScope, onScopeDispose, shallowRef } from 'vue';
import type { CoroutineFunction, Task } from '../index.ts';
import type { UseTaskOptions } from '../pages/options.ts';
import { type TaskControls, TaskRunner } from '../pages/task-runner.ts';
import type { TaskState, TaskStatus } from '../pages/task-state.ts';

export type { UseTaskOptions } from '../pages/options.ts';
export type { TaskPolicy } from '../pages/policy.ts';
export type { TaskControls } from '../pages/task-runner.ts';
export type { TaskState, TaskStatus } from '../pages/task-state.ts';

/**
 * The task of a call, without `catch()`; use `then(onDone, onError)`, or `try` and `await`.
 *
 * Vue waits for what event handlers, hooks and watchers return when it has `then()` and `catch()`, and hands rejections to
 * `app.config.errorHandler`. It would report each call that a newer one has cancelled, and errors that the component shows.
 */
export type VueCall<T> = Task<T> & { readonly catch: never };

/** What `useTask` returns: refs, and the functions that start and stop calls. */
export interface VueTask<A extends unknown[], T> extends TaskControls<A, T> {
  /**
   * Calls the function as a task of its own. While an earlier call runs, the policy decides.
   *
   * **Cancellation**: a newer call, `cancel()`, `reset()` and the end of the component cancel the task, and so does `task.cancel()`.
   *
   * @returns the task, which an event handler may return to Vue. A call that was refused, or came after the end of the component, is a task
   * that was cancelled before it began
   */
  readonly run: (...args: A) => VueCall<T>;
  /** All of it in one object, for `state.value.status === 'done'` and the type of the value that follows from it. */
  readonly state: ComputedRef<TaskState<T>>;
  readonly status: ComputedRef<TaskStatus>;
  readonly value: ComputedRef<T | undefined>;
  readonly error: ComputedRef<unknown>;
  readonly isRunning: ComputedRef<boolean>;
  readonly waiting: ComputedRef<number>;
}

/**
 * A function of a component that runs as a task: started by event handlers and watchers, cancelled when the component unmounts, with its
 * state as refs. Calls are tasks of the page's event loop, which needs no `run()`.
 *
 * **Cancellation**: the end of the component, or of the effect scope in which `useTask` was called, cancels the call that runs and those that
 * wait, and the clean-up of the function runs. After that `run()` gives a task that is cancelled already, and the refs stay as they are.
 *
 * Errors are in the state, as `error`. An error that no template reads and nobody awaits is reported to the loop's exception handler, which
 * calls `reportError`.
 *
 * @param fn an async function or a generator function
 * @param options `policy`: what becomes of a call while an earlier one runs; `name` of the tasks
 * @throws {TypeError} when `fn` is no function, or an option does not exist
 * @throws {ValueError} when there is no such policy
 * @example
 * const { run, value, isRunning } = useTask(() => download(url), { policy: 'drop' });
 * await run();
 * console.log(value.value, isRunning.value); // the page at https://example.org/ false
 */
export function useTask<A extends unknown[], T>(
  fn: CoroutineFunction<T, A>,
  options: UseTaskOptions = {},
): VueTask<A, T> {
  const runner = new TaskRunner(fn, options);
  const { cancel, reset } = runner;
  const state = shallowRef(runner.getState());
  const unsubscribe = runner.subscribe(() => {
    state.value = runner.getState();
  });
  // The property hides the method. Errors that nobody looks at are reported by the loop, as with the other frameworks.
  const run = (...args: A): VueCall<T> =>
    Object.defineProperty(runner.run(...args), 'catch', { value: undefined }) as VueCall<T>;
  if (getCurrentScope() !== undefined) {
    onScopeDispose(() => {
      unsubscribe();
      runner.close();
      runner.leave();
    });
  }
  return {
    run,
    cancel,
    reset,
    state: computed(() => state.value),
    status: computed(() => state.value.status),
    value: computed(() => state.value.value),
    error: computed(() => state.value.error),
    isRunning: computed(() => state.value.isRunning),
    waiting: computed(() => state.value.waiting),
  };
}
