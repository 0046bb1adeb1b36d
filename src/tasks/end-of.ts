import type { Task } from '../kernel/lowlevel.ts';
import { wait } from './wait.ts';

/**
 * Cancels tasks and waits until all of them have ended: how whatever has begun tasks gets rid of them.
 *
 * **Cancellation**: whoever is cancelled while it waits passes that on to the tasks and goes on waiting, as at the end of a task group, so
 * that nothing runs on behind its back. The last `CancelledError` is thrown when all have ended.
 *
 * @param tasks looked at again after each wait
 */
export function* endOf(tasks: Iterable<Task<unknown>>): Generator<unknown, void, unknown> {
  let cancellation: { readonly error: unknown } | null = null;
  for (;;) {
    const running = [...tasks].filter((task) => !task.done());
    if (running.length === 0) break;
    for (const task of running) task.cancel();
    try {
      yield* wait(running);
    } catch (error) {
      cancellation = { error };
    }
  }
  if (cancellation !== null) throw cancellation.error;
}
