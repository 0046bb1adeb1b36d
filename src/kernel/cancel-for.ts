import { leavesTheLoop } from '../errors/errors.ts';
import type { Task } from './task.ts';

/**
 * Cancels a task on behalf of a construct, which the error's text names. If a program has overridden `cancel()` and it
 * throws, that is reported and not thrown: a construct has other tasks to cancel, and an error of its own to throw; a
 * signal has other listeners.
 *
 * @param through `null` for the task's own `cancel()`
 */
export function cancelFor(task: Task<unknown>, through: object | string | null, message?: unknown): boolean {
  try {
    return through === null || typeof task._cancelFor !== 'function'
      ? task.cancel(message)
      : task._cancelFor(through, message);
  } catch (exception) {
    if (leavesTheLoop(exception)) throw exception;
    task.getLoop().callExceptionHandler({ message: `cancel() of ${task} threw an error`, exception, task });
    return false;
  }
}
