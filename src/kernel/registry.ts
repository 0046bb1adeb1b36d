import { describe } from '../internal/describe.ts';
import { type Copy, introduce, placeOfCode } from './engine/copies.ts';
import { current } from './engine/current.ts';
import { runningTask } from './engine/line.ts';
import type { EventLoop } from './event-loop.ts';
import type { Future } from './future.ts';
import { addInstrument, type Instrument } from './instruments.ts';
import { realTime } from './runtime/platform.ts';
import { publish } from './runtime/tools.ts';
import { describeWaiting, isDetached, stacksOf, type Task, waitingOf } from './task.ts';
import { framesOf } from './task-stack.ts';
import { runningLoop } from './thread-loop.ts';
import { titleOf, type WaitView, waitersOf, waitsOfTask } from './views.ts';

/** One task as tools see it. */
export interface TaskReport {
  readonly name: string;
  readonly state: 'scheduled' | 'waiting' | 'detached' | 'running';
  /** The function that it runs, such as `load()`. */
  readonly coroutine: string;
  /** What it waits for: the operation and the object, if they are known. */
  readonly waitsFor: string | null;
  /** The names of the tasks that wait for it. */
  readonly awaitedBy: readonly string[];
}

/** What a thread publishes about its loops under `Symbol.for('asyncio-ts')`. */
export interface Registry {
  readonly version: 1;
  /** The copies of this library that have made a loop in this thread: one, unless it was loaded twice. */
  readonly copies: CopyReport[];
  /** The loops that are alive. */
  loops(): EventLoop[];
  /** A page of the tasks that are not done. */
  tasks(offset?: number, limit?: number): TaskReport[];
}

/** A copy of this library, as tools and the other copies see it. */
export interface CopyReport extends Copy {
  /** The task whose code runs, as tools show it; `null` when none does. */
  running?(): string | null;
  /** Its tasks that are not done: for each one a function that returns its description. */
  tasks(): Iterable<() => TaskReport>;
  /** For tools that look at more than these descriptions have. */
  readonly views: TaskViews;
}

/**
 * The kernel's views as functions of one copy. A tool of another process sends a program that calls them, since it
 * cannot import anything of a program that is bundled into one file, or stands in the middle of a loop that never ends.
 */
export interface TaskViews {
  /** The tasks that are not done, of all loops. */
  tasks(): Iterable<Task<unknown>>;
  stateOf(task: Task<unknown>): TaskReport['state'];
  waitsOf(task: Task<unknown>): readonly WaitView[];
  /** The tasks and futures that wait for a task or a future. */
  waitersOf(future: object): readonly object[];
  /**
   * The call stacks of a task: its own frames, then the awaits of its async functions, of which the latest comes first.
   */
  stacksOf(task: Task<unknown>): readonly FrameStack[];
  /** In one line; throws nothing. */
  describe(value: unknown): string;
  addInstrument(instrument: Instrument): () => void;
  /** Seconds since some fixed moment, also while clocks are faked. */
  now(): number;
}

/** One call stack of a task. */
export interface FrameStack {
  /**
   * Generators and other coroutines, each called by the one before it: the outermost first. Async functions are not in
   * it.
   */
  readonly frames: readonly object[];
  /** Whether it waits for an async function that it has called, which waits in turn. */
  readonly isFollowing: boolean;
}

const loops: Set<WeakRef<EventLoop>> = /* @__PURE__ */ new Set();
let isIntroduced = false;
/** With so many references, those to loops that were dropped without being closed are looked for. */
let manyLoops = 16;

/**
 * Makes a loop known to tools that look into the process, from inside or through the runtime's inspector protocol.
 *
 * @returns what to call when the loop is closed
 */
export function registerLoop(loop: EventLoop): () => void {
  if (!isIntroduced) introduceThisCopy();
  const ref = new WeakRef(loop);
  loops.add(ref);
  if (loops.size >= manyLoops) {
    for (const one of loops) if (one.deref() === undefined) loops.delete(one);
    manyLoops = Math.max(16, loops.size * 2);
  }
  return () => loops.delete(ref);
}

/**
 * The first copy of the library that makes a loop publishes the registry of the thread; later copies, of any version,
 * add themselves to it.
 */
function introduceThisCopy(): void {
  isIntroduced = true;
  const copy: CopyReport = {
    place: placeOfCode(),
    loops: liveLoops,
    isRunning: () => runningLoop() !== null,
    running: () => {
      const task = runningTask() as Task<unknown> | null;
      return task && titleOf(task);
    },
    tasks: () => liveTasks().map((task) => () => reportOf(task)),
    views: viewsOfThisCopy(),
  };
  introduce(copy);
  const copies: CopyReport[] = [copy];
  const shared = publish<Partial<Registry>>('asyncio-ts', {
    version: 1,
    copies,
    loops: () => copies.flatMap((one) => one.loops() as EventLoop[]),
    tasks: (offset = 0, limit = 100) => {
      const all = Iterator.from(copies).flatMap((one) => one.tasks());
      return [...all.drop(offset).take(limit)].map((report) => report());
    },
  });
  if (shared.copies !== copies) shared.copies?.push(copy);
}

/** The same functions for tools inside the process. */
export function viewsOfThisCopy(): TaskViews {
  return {
    // All at once: with one generator inside another a list of 100,000 tasks takes twice as long, and stops the program
    // for that.
    tasks: () => liveLoops().flatMap((loop) => [...loop._tasks()]),
    stateOf,
    waitsOf: waitsOfTask,
    waitersOf,
    stacksOf: (task) =>
      stacksOf(task).map((stack) => ({ frames: framesOf(stack), isFollowing: stack._following !== null })),
    describe,
    addInstrument,
    now: realTime,
  };
}

function liveLoops(): EventLoop[] {
  return [...loops].map((ref) => ref.deref()).filter((loop) => loop !== undefined && !loop._isClosed) as EventLoop[];
}

function* liveTasks(): Generator<Task<unknown>> {
  for (const loop of liveLoops()) yield* loop._tasks();
}

/** A task as tools see it. */
export function reportOf(task: Task<unknown>): TaskReport {
  const waiting = waitingOf(task);
  return {
    name: task.getName(),
    state: stateOf(task),
    coroutine: task._describeCoroutine(),
    waitsFor: waiting === null ? null : `${describeWaiting(waiting)}${holdersOf(waiting as Partial<Future<unknown>>)}`,
    awaitedBy: waitersOf(task).map(String),
  };
}

function stateOf(task: Task<unknown>): TaskReport['state'] {
  if (current.task === task || task._loop._step.task === task) return 'running';
  if (waitingOf(task) !== null) return 'waiting';
  return isDetached(task) ? 'detached' : 'scheduled';
}

function holdersOf({ _purpose: purpose }: Partial<Future<unknown>>): string {
  const names = purpose?.object ? purpose.holders?.map(titleOf).join(', ') : '';
  return names ? ` held by ${names}` : '';
}
