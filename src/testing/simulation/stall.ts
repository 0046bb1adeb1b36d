import { allTasks, type EventLoop, Queue, Task } from '../../index.ts';
import {
  awaitedTasks,
  captureWaitGraph,
  formatWaitGraph,
  neededTasks,
  type WaitNode,
} from '../../inspect/wait-graph.ts';
import { describe } from '../../internal/describe.ts';
import { leftIn, pendingTimers, WaitQueue, type WaitView, waitsOfTask } from '../../kernel/lowlevel.ts';
import { LivelockError } from '../errors.ts';

/** So many beats of a clock without any progress of the main task mean that it is stuck, where nothing else was said. */
export const MAX_BEATS = 100_000;
/** A program that the rest of the rule cannot tell from one that works is given so many times as many beats. */
const DOUBTFUL = 10;
/** And so many times as many until its end. */
const ALL_BEATS = 100;
/** How often it is looked at the program within `maxBeats`. */
const LOOKS = 8;
/** Who waits in one of these ways needs all that it waits for, and not only one of it. */
const NEEDS_ALL: ReadonlySet<string> = new Set(['gather', 'tasks', 'task']);

/**
 * Finds out that a program will not end although its clock goes on: the main task waits for something that only a timer which fires again
 * and again could bring, and that has not brought it for a long time. Whether it ever will cannot be decided, so that the number of beats is bounded.
 * A beat is that time passes, or that something comes from outside.
 *
 * The main task **stands still** while it waits for one and the same thing, and so do those that it waits for in turn: of several of which it
 * needs each, one is enough, of others all have to. Whoever sleeps does not stand still. Nor does whoever comes nearer to the end of its wait:
 * those before it in the line of a queue or a lock become fewer, or the items become fewer that `join()` waits for.
 *
 * | for so many beats | it is stuck when |
 * | --- | --- |
 * | `maxBeats` | the main task has stood still, and no timer has been pending all the time: one that was set long ago may be what ends the wait |
 * | ten times as many | it has stood still, or one of its branches has: a task that waits in several may need only one of them, as under `Promise.race` |
 * | a hundred times as many | it has not ended |
 */
export class Stall {
  readonly #loop: EventLoop;
  readonly #maxBeats: number;
  readonly #interval: number;
  readonly #hasTotal: boolean;
  #main: Task<unknown> | null = null;
  #beats = 0;
  /** The waits that were there at the last look, by what is waited for. */
  #waits = new Map<object, LastingWait>();
  /** The beats at which timers were seen first that are still pending. */
  #timers = new Map<object, number>();
  /** When tasks have had their last step, in beats; empty where steps are not told of. */
  #steps = new WeakMap<Task<unknown>, number>();

  /** @param hasTotal whether a program that does not end at all is an error as well */
  constructor(loop: EventLoop, maxBeats: number, hasTotal: boolean) {
    this.#loop = loop;
    this.#maxBeats = maxBeats;
    this.#interval = Math.max(1, Math.floor(maxBeats / LOOKS));
    this.#hasTotal = hasTotal;
  }

  /** A program begins, or its end does, when `main` is `null`: what is cancelled has to end then. */
  begin(main: Task<unknown> | null): void {
    this.#main = main;
    this.#beats = 0;
    this.#waits.clear();
    this.#timers.clear();
  }

  /** A task has had a step. */
  stepped(task: Task<unknown>): void {
    this.#steps.set(task, this.#beats);
  }

  /** Time has passed, or something has come. The error when the program is stuck. */
  beat(now: number): LivelockError | null {
    if (++this.#beats % this.#interval !== 0) return null;
    if (this.#main === null) return this.#beats > this.#maxBeats ? this.#endless(now) : null;
    this.#note();
    if (this.#beats <= this.#maxBeats) return null;
    const standstill = this.#standstill(this.#main);
    if (standstill !== null) return this.#stuck(standstill, now);
    return this.#isOverdue() ? this.#endless(now) : null;
  }

  #isOverdue(): boolean {
    return this.#hasTotal && this.#beats > this.#maxBeats * ALL_BEATS;
  }

  /** Notes what is waited for and which timers are pending, with the beats since which that is so. */
  #note(): void {
    const waits = [...allTasks(this.#loop)].flatMap((task) => waitsOfTask(task));
    const places = placesIn(waits);
    const lasting = new Map<object, LastingWait>();
    for (const { on, purpose } of waits) {
      if (on === null) continue;
      const queue = purpose?.object;
      const left = purpose?.operation === 'join' && queue instanceof Queue ? queue.unfinished : (places.get(on) ?? 0);
      const before = this.#waits.get(on);
      const isNearer = before === undefined || left < before.left;
      lasting.set(on, { since: isNearer ? this.#beats : before.since, left });
    }
    this.#waits = lasting;
    const timers = pendingTimers(this.#loop);
    this.#timers = new Map(timers.map((timer) => [timer, this.#timers.get(timer) ?? this.#beats]));
  }

  #standstill(main: Task<unknown>): Standstill | null {
    const certain = this.#standstillFor(this.#maxBeats, main, false);
    if (certain !== null && !this.#hasOldTimer()) return certain;
    return this.#standstillFor(this.#maxBeats * DOUBTFUL, main, true);
  }

  /** Whether a timer has been pending for `maxBeats`. One that was seen first at a look may have been set after the look before it. */
  #hasOldTimer(): boolean {
    const since = this.#beats - this.#maxBeats + this.#interval;
    return [...this.#timers.values()].some((seen) => seen <= since);
  }

  /**
   * `null` when the main task has not stood still for so many beats.
   *
   * @param isBranchEnough whether a task stands still as soon as one of its branches does
   */
  #standstillFor(beats: number, main: Task<unknown>, isBranchEnough: boolean): Standstill | null {
    const since = this.#beats - beats;
    if (since < 0) return null;
    const isStill = ({ on, purpose }: WaitView, task: Task<unknown>): boolean => {
      // A promise that is not of this library has no future: what its task has done tells how long it waits.
      const begun = on === null ? this.#steps.get(task) : this.#waits.get(on)?.since;
      return purpose?.operation !== 'sleep' && begun !== undefined && begun <= since;
    };
    const { needed, moving } = movementOf(main, this.#loop, isStill, isBranchEnough);
    return moving.has(main) ? null : { beats, isStill, needed, moving };
  }

  #stuck({ beats, isStill, needed, moving }: Standstill, now: number): LivelockError {
    const { tasks } = captureWaitGraph(this.#loop);
    const live = [...allTasks(this.#loop)]; // in the order of the graph
    const goesOn = (task: Task<unknown>): boolean => {
      const waits = waitsOfTask(task);
      return moving.has(task) || waits.length === 0 || waits.some((wait) => !isStill(wait, task));
    };
    const stuck: WaitNode[] = [];
    const going: WaitNode[] = [];
    for (const [i, node] of tasks.entries()) {
      const task = live[i]!;
      if (!needed.has(task) || moving.has(task)) {
        if (goesOn(task)) going.push(node);
        continue;
      }
      // Other branches of it may go on.
      const views = waitsOfTask(task);
      const part = (still: boolean): WaitNode => ({
        ...node,
        waits: node.waits.filter((_, at) => isStill(views[at]!, task) === still),
      });
      stuck.push(part(true));
      if (part(false).waits.length > 0) going.push(part(false));
    }
    return new LivelockError(
      `livelock: the main task is stuck, and only what repeats keeps the clock going. For ${beats} timers or arrivals in a row (the clock is at ` +
        `${now} s) this has stood still:\n${textOf(stuck)}\n${this.#goingOn(going)}\n` +
        'End the wait, or pass { maxBeats: … } if what it waits for needs more than that.',
    );
  }

  #goingOn(tasks: readonly WaitNode[]): string {
    const timers = leftIn(this.#loop).timers.map((timer) => `  timer ${describe(timer)}`);
    const lines = [textOf(tasks), ...timers].filter((line) => line !== '');
    return lines.length === 0 ? 'Something comes from outside again and again.' : `This goes on:\n${lines.join('\n')}`;
  }

  #endless(now: number): LivelockError {
    const graph = formatWaitGraph(captureWaitGraph(this.#loop));
    const what =
      this.#main === null
        ? 'the main task has ended and the others were cancelled, but they go on: begin a catch around their waits with rethrowIfCancelled(error)'
        : 'the program does not end: it looks again and again for something that never comes, or is meant to run for ever';
    return new LivelockError(
      `livelock: ${what}. It has run for ${this.#beats} timers or arrivals and ${now} seconds of simulated time; pass { maxBeats: … } if it needs more.\n` +
        `What its tasks do now:\n${graph}`,
    );
  }
}

function textOf(tasks: readonly WaitNode[]): string {
  return formatWaitGraph({ tasks, cycles: [] });
}

/** How many tasks are before each one that waits in a line, as for a lock or an item: by the futures that they wait for. */
function placesIn(waits: readonly WaitView[]): ReadonlyMap<object, number> {
  const places = new Map<object, number>();
  for (const line of new Set(waits.map(({ purpose }) => purpose))) {
    if (!(line instanceof WaitQueue)) continue;
    let before = 0;
    for (const place of line) places.set(place, before++);
  }
  return places;
}

/** A wait that goes on. */
interface LastingWait {
  /** The beats at which it was seen first, or came nearer to its end last. */
  readonly since: number;
  /** How much there is before its end, where that can be counted: tasks before it in a line, items of a queue that are not done; otherwise 0. */
  readonly left: number;
}

interface Waiting {
  readonly wait: WaitView;
  readonly needs: readonly Task<unknown>[];
}

/** The main task and those that it waits for in turn. */
interface Movement {
  readonly needed: ReadonlySet<Task<unknown>>;
  /** Those of them that do not stand still. */
  readonly moving: ReadonlySet<Task<unknown>>;
}

/** That the main task has stood still for so many beats. */
interface Standstill extends Movement {
  readonly beats: number;
  /** Whether a wait has lasted so long. */
  isStill(wait: WaitView, task: Task<unknown>): boolean;
}

/**
 * @param isStill whether a wait is one that lasts
 * @param isBranchEnough whether a task stands still as soon as one of its branches does; otherwise when all of them do
 */
function movementOf(
  main: Task<unknown>,
  loop: EventLoop,
  isStill: (wait: WaitView, task: Task<unknown>) => boolean,
  isBranchEnough: boolean,
): Movement {
  const awaited = awaitedTasks([...allTasks(loop)]);
  const waitsOf = new Map<Task<unknown>, readonly Waiting[]>();
  const needed = new Set([main]);
  for (const task of needed) {
    const waits = waitsOfTask(task).map((wait) => ({ wait, needs: neededTasks(wait, awaited) }));
    waitsOf.set(task, waits);
    for (const { needs } of waits) for (const need of needs) needed.add(need);
  }
  // Those that move make those move that need them, until no more are found. From the last to the first: chains then take one round.
  const tasks = [...needed].reverse();
  const moving = new Set<Task<unknown>>();
  const moves = ({ wait, needs }: Waiting, of: Task<unknown>): boolean => {
    if (!isStill(wait, of)) return true;
    const isMoving = (task: Task<unknown>): boolean => moving.has(task);
    if (needs.length === 0) return false;
    return NEEDS_ALL.has(operationOf(wait)) ? needs.every(isMoving) : needs.some(isMoving);
  };
  for (let before = -1; before < moving.size; ) {
    before = moving.size;
    for (const task of tasks) {
      const waits = waitsOf.get(task)!;
      const isMoving = isBranchEnough
        ? waits.every((wait) => moves(wait, task))
        : waits.length === 0 || waits.some((wait) => moves(wait, task));
      if (isMoving) moving.add(task);
    }
  }
  return { needed, moving };
}

function operationOf({ on, purpose }: WaitView): string {
  return on instanceof Task ? 'task' : (purpose?.operation ?? 'result');
}
