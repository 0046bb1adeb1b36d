import { RuntimeError } from '../errors/index.ts';
import { typeError } from '../errors/type-error.ts';
import { allTasks, currentTask, isfuture } from '../index.ts';
import { describe } from '../internal/describe.ts';
import { checkOptions } from '../internal/options.ts';
import {
  type EventLoop,
  type Future,
  logger,
  nameOfCoroutine,
  placesOutside,
  presentStack,
  runningLoop,
  type StackView,
  spellingOf,
  stacksOfTask,
  Task,
  waitersOf,
  waitsOfTask,
} from '../kernel/lowlevel.ts';
import { type CallFrame, framesOf } from './frames.ts';
import { placesOfGenerators } from './generator-places.ts';
import { titleOfTask } from './task-title.ts';
import { harmless, quoted } from './text.ts';
import { captureWaitGraph, describeWait, placeText, type WaitEdge } from './wait-graph.ts';

/** A task or future with its call stack, what it waits for, and who awaits it. */
export interface CallGraph {
  readonly kind: 'task' | 'future';
  /** As `task.getName()` gives it; empty for a future. */
  readonly name: string;
  /** As tools show it, such as `load#17`; empty for a future. */
  readonly title: string;
  /** A number of its own, from 1. */
  readonly id: number;
  /** The functions that it is in, the innermost first; empty for a future, and for a task that is done. */
  readonly callStack: readonly CallFrame[];
  /** What it waits for, and who has to do something about it; empty when it does not wait. */
  readonly waitsFor: readonly WaitEdge[];
  /** The titles of the tasks of a deadlock that it is in, from one to the next; `null` when it is in none. */
  readonly deadlock: readonly string[] | null;
  /** The tasks that await it, directly or through `gather`, `shield`, `wait`, a task group or a lock that it holds. */
  readonly awaitedBy: readonly CallGraph[];
  /** Whether it stands further up in the graph, where its awaiters are shown: they await each other in a circle. */
  readonly isRepeated: boolean;
}

/** What of a call graph is captured. */
export interface CallGraphOptions {
  /** Of the present task: with which frame the stack begins; 1, the default, is the one that asks. Frames of this library do not count. */
  readonly depth?: number | undefined;
  /** At most so many frames of each stack: the innermost ones, with a negative number the outermost ones; `0` for none; all when absent. */
  readonly limit?: number | null | undefined;
}

/** Where a call graph is printed. */
export interface PrintCallGraphOptions extends CallGraphOptions {
  /** What it is written to, such as `process.stdout`; the library's logger, and so standard error, when absent. */
  readonly file?: { write(text: string): unknown } | undefined;
}

const OPTIONS = ['depth', 'limit'] as const;

/**
 * Takes the call graph of a task or future: the functions that it is in, what it waits for, and the tasks that await it, as plain data.
 *
 * Where each function is: for the present task from the engine's stack; for a task that waits, from the stack when the wait began, while
 * places are recorded (`recordPlaces()`, debug mode); without that, for generator coroutines on Node, from the engine's inspector. Otherwise
 * only the function that the task was made of is known, and no place.
 *
 * Follows CPython's `asyncio.capture_call_graph`.
 *
 * @param future a task or a future; the present task when absent
 * @returns `null` when no task runs and no future was given
 * @throws {RuntimeError} when no loop runs the caller, and no future was given
 * @throws {TypeError} when it is not a future
 * @example
 * const task = createTask(async function load() {
 *   await sleep(1);
 * });
 * await sleep(0);
 * console.log(captureCallGraph(task)?.waitsFor[0]?.operation); // sleep
 */
export function captureCallGraph(future?: Future<unknown> | null, options: CallGraphOptions = {}): CallGraph | null {
  checkOptions('captureCallGraph', options, OPTIONS);
  const asked = future ?? null;
  if (asked !== null && !isfuture(asked)) {
    throw typeError(`captureCallGraph: a task or a future is required, got ${describe(asked)}`, 'NOT_A_FUTURE');
  }
  if (asked === null && runningLoop() === null) {
    throw new RuntimeError(
      'captureCallGraph() is called outside of a running event loop and no future was given: write captureCallGraph(task)',
      { code: 'NO_TASK' },
    );
  }
  const present = runningLoop() === null ? null : currentTask();
  const target = asked ?? present;
  return target === null ? null : new Capture(target.getLoop(), present, options).graphOf(target, new Set());
}

const ids = new WeakMap<object, number>();
let lastId = 0;

function idOf(object: object): number {
  let id = ids.get(object);
  if (id === undefined) {
    id = ++lastId;
    ids.set(object, id);
  }
  return id;
}

/** So many tasks are shown at the most: tasks that await each other crosswise have exponentially many ways. */
const MOST_NODES = 1_000;

/** One look at a loop. */
class Capture {
  readonly #present: Task<unknown> | null;
  readonly #limit: number | null;
  readonly #depth: number;
  readonly #edges: ReadonlyMap<Task<unknown>, readonly WaitEdge[]>;
  readonly #cycles: readonly (readonly string[])[];
  readonly #names: ReadonlyMap<Task<unknown>, string>;
  /** Of each thing that tasks wait for: those tasks, in the order in which they were made. */
  readonly #waiting = new Map<object, Set<Task<unknown>>>();
  readonly #tasks: readonly Task<unknown>[];
  /** A task may stand in the graph many times. */
  readonly #stacks = new Map<Task<unknown>, readonly CallFrame[]>();
  #nodes = 0;

  constructor(loop: EventLoop, present: Task<unknown> | null, { limit, depth }: CallGraphOptions) {
    this.#present = present;
    this.#limit = limit ?? null;
    this.#depth = depth ?? 1;
    this.#tasks = [...allTasks(loop)];
    const { tasks, cycles } = captureWaitGraph(loop);
    this.#cycles = cycles;
    this.#edges = new Map(this.#tasks.map((task, at) => [task, tasks[at]?.waits ?? []]));
    this.#names = new Map(this.#tasks.map((task, at) => [task, tasks[at]?.name ?? '']));
    for (const task of this.#tasks) this.#noteWaits(task);
  }

  #noteWaits(task: Task<unknown>): void {
    for (const { on, purpose } of waitsOfTask(task)) {
      if (on !== null) this.#note(on, task);
      if (purpose?.object instanceof Task) this.#note(purpose.object, task);
      for (const part of [...(purpose?.parts ?? []), ...(purpose?.holders ?? [])]) this.#note(part, task);
    }
  }

  #note(on: object, task: Task<unknown>): void {
    const known = this.#waiting.get(on);
    if (known === undefined) this.#waiting.set(on, new Set([task]));
    else known.add(task);
  }

  /** @param above what stands above it in the graph */
  graphOf(future: Future<unknown>, above: ReadonlySet<object>): CallGraph {
    this.#nodes++;
    const isTask = future instanceof Task;
    const isRepeated = above.has(future);
    const within = new Set([...above, future]);
    const name = isTask ? (this.#names.get(future) ?? '') : '';
    const isCut = isRepeated || this.#nodes > MOST_NODES;
    return {
      kind: isTask ? 'task' : 'future',
      name: isTask ? future.getName() : '',
      title: isTask ? titleOfTask(future) : '',
      id: idOf(future),
      callStack: isTask && !isRepeated && this.#limit !== 0 ? limited(this.#stackOf(future), this.#limit) : [],
      waitsFor: isTask ? (this.#edges.get(future) ?? []) : [],
      deadlock: isTask ? (this.#cycles.find((cycle) => cycle.includes(name)) ?? null) : null,
      awaitedBy: isCut ? [] : this.#awaitersOf(future).map((task) => this.graphOf(task, within)),
      isRepeated,
    };
  }

  /** The tasks that await something, directly or through other futures. */
  #awaitersOf(future: Future<unknown>): Task<unknown>[] {
    const found = new Set<Task<unknown>>();
    const seen = new Set<object>();
    const open: object[] = [future];
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      if (seen.has(at)) continue;
      seen.add(at);
      for (const task of this.#waiting.get(at) ?? []) found.add(task);
      for (const awaiter of isfuture(at) ? waitersOf(at) : []) {
        if (!(awaiter instanceof Task)) open.push(awaiter);
        else if (!awaiter.done()) found.add(awaiter);
      }
    }
    return this.#tasks.filter((task) => found.has(task));
  }

  #stackOf(task: Task<unknown>): readonly CallFrame[] {
    if (task.done()) return [];
    let frames = this.#stacks.get(task);
    if (frames !== undefined) return frames;
    frames = task === this.#present ? this.#presentFrames(task) : this.#framesOf(stacksOfTask(task));
    if (frames.length === 0) frames = rootFrames(task);
    this.#stacks.set(task, frames);
    return frames;
  }

  #presentFrames(task: Task<unknown>): CallFrame[] {
    const isAsync = spellingOf(task) !== 'generator';
    const now = framesOf(presentStack(), isAsync).slice(this.#depth - 1);
    // The frame that runs is on the engine's stack; those that it has been called from as coroutines are not.
    const below = stacksOfTask(task).filter(({ isRunning, isFollowing }) => isRunning || isFollowing);
    return [...now, ...this.#framesOf(below)];
  }

  /** Of a task that waits: the frames of its innermost wait, then those of the async functions that wait for it. */
  #framesOf(stacks: readonly StackView[]): CallFrame[] {
    const [innermost, ...others] = stacks;
    if (innermost === undefined) return [];
    return [innermost, ...others.filter(({ isFollowing }) => isFollowing)].flatMap(framesOfStack);
  }
}

function framesOfStack({ frames, site, isAwait, isFollowing, isRunning }: StackView): CallFrame[] {
  // At an `await`, what is on the stack are async functions, though a mapped stack does not say so.
  const known = (site === null ? [] : framesOf(site)).map(
    (frame): CallFrame => (isAwait && frame.kind === 'function' ? { ...frame, kind: 'async' } : frame),
  );
  // The stack of the engine shows the frame that has begun to wait, and those that it delegates to; not the ones below it.
  const isTopKnown = (known.length > 0 && !isFollowing) || isRunning;
  const inner = frames.toReversed();
  const rest = isTopKnown ? inner.slice(1) : inner;
  return [...known, ...locate(rest)];
}

function locate(frames: readonly object[]): CallFrame[] {
  const generators = frames.filter((frame) => !('calledAs' in frame)); // those of the library have a name
  const isOfProgram = placesOutside(presentStack());
  return placesOfGenerators(generators).filter(
    (frame) => frame !== null && isOutside(frame, isOfProgram),
  ) as CallFrame[];
}

function isOutside({ file, line, column }: CallFrame, isOfProgram: (place: string) => boolean): boolean {
  return file === null || (isOfProgram(`${file}:${line}:${column}`) && isOfProgram(`file://${file}:${line}:${column}`));
}

/** All that is known of a task when no places are: the function that it was made of. */
function rootFrames(task: Task<unknown>): CallFrame[] {
  const name = nameOfCoroutine(task);
  if (name === '') return [];
  return [{ name, kind: spellingOf(task) ?? 'function', file: null, line: null, column: null }];
}

function limited<T>(frames: readonly T[], limit: number | null): readonly T[] {
  if (limit === null) return frames;
  return limit > 0 ? frames.slice(0, limit) : frames.slice(limit);
}

/**
 * The call graph as text, in the shape that Python prints, with what each task waits for.
 *
 * Follows CPython's `asyncio.format_call_graph`.
 *
 * @param future as for `captureCallGraph`; or a graph that was captured
 * @returns an empty text when there is nothing to show
 * @throws as `captureCallGraph`
 */
export function formatCallGraph(future?: Future<unknown> | CallGraph | null, options: CallGraphOptions = {}): string {
  const graph = isGraph(future) ? future : captureCallGraph(future, options);
  if (graph === null) return '';
  const lines: string[] = [];
  render(graph, lines, '');
  return lines.join('\n');
}

function isGraph(value: unknown): value is CallGraph {
  return typeof value === 'object' && value !== null && 'callStack' in value;
}

function render(graph: CallGraph, lines: string[], indent: string): void {
  const add = (line: string): void => {
    lines.push(indent + line);
  };
  const what = graph.kind === 'task' ? `Task(name=${quoted(graph.name)}, id=${graph.id})` : `Future(id=${graph.id})`;
  const title = graph.title === harmless(graph.name) ? '' : ` ${graph.title}`;
  if (graph.isRepeated) {
    add(`⟲ ${what}${title}, as above`);
    return;
  }
  add(`* ${what}${title}`);
  if (graph.callStack.length > 0) {
    add('  + Call stack:');
    for (const frame of graph.callStack) add(`  |   ${frameText(frame)}`);
  }
  for (const wait of graph.waitsFor) add(`  + Waits for: ${harmless(describeWait(wait))}${placeText(wait)}`);
  if (graph.deadlock !== null) {
    add(`  + Deadlock: ${[...graph.deadlock, graph.deadlock[0]!].map(harmless).join(' → ')}`);
  }
  if (graph.awaitedBy.length === 0) return;
  add('  + Awaited by:');
  for (const awaiter of graph.awaitedBy) render(awaiter, lines, `${indent}    `);
}

function frameText({ name, kind, file, line }: CallFrame): string {
  const fn = `${kind === 'function' ? '' : `${kind} `}${name === '' ? '<anonymous>' : harmless(name)}()`;
  return file === null ? `in ${fn}` : `File ${quoted(file)}, line ${line}, in ${fn}`;
}

/**
 * Prints the call graph of a task or future.
 *
 * Follows CPython's `asyncio.print_call_graph`, which writes to standard output; this one writes to the library's logger, unless `file` says
 * otherwise.
 *
 * @throws as `captureCallGraph`
 */
export function printCallGraph(future?: Future<unknown> | null, options: PrintCallGraphOptions = {}): void {
  checkOptions('printCallGraph', options, [...OPTIONS, 'file']);
  const { file, ...others } = options;
  const text = formatCallGraph(future, others);
  if (file === undefined) logger.error(text);
  else file.write(`${text}\n`);
}
