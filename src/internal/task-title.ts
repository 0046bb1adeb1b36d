/**
 * The name of a task as all tools show it: `load#17` for `Task-17`, which runs `load`. A name that the program gave stays as it is.
 *
 * @param fn the function that the task runs, perhaps with its arguments; empty where it has no name
 */
export function taskTitle(name: string, fn: string): string {
  return fn === '' ? name : name.replace(/^Task-(?=\d+$)/, () => `${fn}#`);
}
