import { type Task, titleOf } from '../kernel/lowlevel.ts';
import { harmless } from './text.ts';

/**
 * The name of a task as tools show it. A task that was given a name has that one; another one is named after its function: `load#17` is
 * `Task-17`, which runs `load`. In debug mode with the arguments, where the task runs an object of a `coroutine()` function: `load(42)#17`.
 * `task.getName()` stays what it is in Python.
 *
 * @example
 * const task = createTask(async function load() {});
 * console.log(titleOfTask(task).replace(/\d+/, 'n')); // load#n
 * await task;
 */
export function titleOfTask(task: Task<unknown>): string {
  return harmless(titleOf(task));
}
