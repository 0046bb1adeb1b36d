import type { Look, SeenTask } from '../../src/cli/attach/target.ts';
import type { WaitSnapshot } from '../../src/inspect/lens.ts';

/** A wait, most of which is of no interest. */
export function wait(wait: Partial<WaitSnapshot>): WaitSnapshot {
  return { operation: 'sleep', object: null, kind: null, on: null, needs: [], place: null, isForeign: false, ...wait };
}

/** A wait for the end of tasks. */
export function waitFor(...needs: number[]): WaitSnapshot {
  return needs.length === 1
    ? wait({ operation: 'task', object: `t${needs[0]}`, kind: 'Task', on: needs[0]!, needs })
    : wait({ operation: 'tasks', object: '<TaskGroup>', kind: 'TaskGroup', on: 1_000, needs });
}

/** A task as a tool has seen it. */
export function seen(task: Partial<SeenTask> & { readonly id: number }): SeenTask {
  return {
    name: `t${task.id}`,
    state: 'waiting',
    cancelling: 0,
    frames: [{ name: 'main', kind: 'function' }],
    waits: [wait({})],
    awaiters: [],
    counts: null,
    generators: [],
    ...task,
  };
}

export function lookOf(...tasks: SeenTask[]): Look {
  return { tasks, total: tasks.length };
}
