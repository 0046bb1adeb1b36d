import { describe } from '../internal/describe.ts';
import { taskTitle } from '../internal/task-title.ts';
import { argumentsOf, nameOfCoroutine, type Task } from '../kernel/lowlevel.ts';
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
  return harmless(rawTitleOf(task));
}

/** The same with whatever characters it contains, for data: whoever shows it takes care of them. */
export function rawTitleOf(task: Task<unknown>): string {
  const fn = nameOfCoroutine(task);
  const args = fn !== '' && task.getLoop().getDebug() ? argumentsOf(task) : null;
  const call = args === null ? fn : `${fn}(${args.map(describe).join(', ')})`;
  return taskTitle(task.getName(), call);
}
