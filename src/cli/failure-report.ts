import { inspect } from 'node:util';
import type { Task } from '../index.ts';
import { taskTitle } from '../internal/task-title.ts';
import type { FailureTrail, TrailNode } from './failure-trail.ts';
import { allFramesOf, framesOf, isPlacedByRuntime, titleOf } from './stack.ts';
import { drawTree, type Tree } from './tree.ts';

type AnyTask = Task<unknown>;

/** The options of a report. */
export interface ReportOptions {
  readonly trail: FailureTrail;
  /** The library's folder, whose frames are left out. */
  readonly library: string;
  /** Whether to show whole stacks. */
  readonly wholeStacks: boolean;
}

/**
 * Describes how a program failed: a tree of the tasks that the error came through, from the outermost one to the error itself. A
 * group of errors has a branch for each error.
 *
 * @param program the program's name
 */
export function reportFailure(program: string, error: unknown, options: ReportOptions): string {
  const [title] = titleOf(error).split('\n');
  return `${program} failed: ${title}\n\n${details(error, options)}\n`;
}

function details(error: unknown, options: ReportOptions): string {
  // Without tasks (an error while the file was loaded) the runtime's report is better: it shows the line of a syntax error, for example.
  if (isPlacedByRuntime(error) && options.trail.of(error) === null) return 'The report of the runtime:';
  if (options.trail.of(error) === null) return inspect(error);
  return drawTree(new ErrorTree(options).of(error, null)).join('\n');
}

/** Makes a tree of errors and of the tasks that they came through. */
class ErrorTree {
  readonly #options: ReportOptions;
  /** Causes may form a circle. */
  readonly #seen = new Set<unknown>();

  constructor(options: ReportOptions) {
    this.#options = options;
  }

  /**
   * An error below its tasks.
   *
   * @param above the task above the tree
   */
  of(error: unknown, above: AnyTask | null): Tree {
    const trail = this.#seen.has(error) ? null : this.#options.trail.of(error);
    this.#seen.add(error);
    return trail === null ? this.#alone(error, above) : this.#below(trail, above, error);
  }

  #below(node: TrailNode, above: AnyTask | null, error: unknown): Tree {
    const from = node.from.map((next) => this.#below(next, node.task, error));
    const below = node.isOrigin ? [this.#alone(error, node.task)] : from;
    return { lines: [describeTask(node, above)], below };
  }

  #alone(error: unknown, above: AnyTask | null): Tree {
    const lines = [...titleOf(error).split('\n'), ...this.#frames(error).map((frame) => `    ${frame}`)];
    return { lines, below: error instanceof Error ? this.#related(error, above) : [] };
  }

  #frames(error: unknown): string[] {
    if (!(error instanceof Error)) return [];
    if (this.#options.wholeStacks) return allFramesOf(error);
    // A group is thrown by the library, so only the stacks of its errors are of interest.
    return error instanceof AggregateError ? [] : framesOf(error, this.#options.library);
  }

  /** The errors of a group, and the cause. */
  #related(error: Error, above: AnyTask | null): Tree[] {
    const inGroup: unknown[] = error instanceof AggregateError ? error.errors : [];
    const trees = inGroup.map((inner) => this.of(inner, above));
    if (error.cause === undefined || this.#seen.has(error.cause)) return trees;
    const { lines, below } = this.of(error.cause, above);
    return [...trees, { lines: [`caused by: ${lines[0]}`, ...lines.slice(1)], below }];
  }
}

function describeTask({ task, startedBy }: TrailNode, above: AnyTask | null): string {
  const started = startedBy === null || startedBy === above ? '' : `, started by ${nameOf(startedBy)}`;
  const name = nameOf(task);
  // A task that is called after its function needs no further words about it.
  return `${name}${name === task.getName() ? `  ${describeCoroutine(task)}` : ''}${started}`;
}

function nameOf(task: AnyTask): string {
  return taskTitle(task.getName(), functionOf(task) ?? '');
}

function describeCoroutine(task: AnyTask): string {
  const name = functionOf(task);
  return name === null ? '(generator)' : `${name === '' ? '<anonymous>' : name}()`;
}

/** A generator object does not have the name of its function. */
function functionOf(task: AnyTask): string | null {
  const { name, calledAs = name } = task.getCoro() as { readonly name?: unknown; readonly calledAs?: unknown };
  return typeof calledAs === 'string' ? calledAs : null;
}
