import { allTasks, type EventLoop, Queue, Task } from '../../index.ts';
import {
  awaitedTasks,
  captureWaitGraph,
  formatWaitGraph,
  neededTasks,
  type WaitGraph,
  type WaitNode,
} from '../../inspect/wait-graph.ts';
import { describe } from '../../internal/describe.ts';
import { leftIn, pendingTimers, type WaitView, waitsOfTask } from '../../kernel/lowlevel.ts';
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
 * needs each, one is enough, of others all have to. Whoever sleeps does not stand still, nor does whoever waits in `join()` for a queue of
 * which work is reported as done meanwhile.
 *
 * | for so many beats | it is stuck when |
 * | --- | --- |
 * | `maxBeats` | the main task has stood still, and no timer has been pending all the time: one that was set long ago may be what ends the wait |
 * | ten times as many | it has stood still |
 * | a hundred times as many | it has not ended |
 */
export class Stall {
  readonly #loop: EventLoop;
  readonly #maxBeats: number;
  readonly #interval: number;
  readonly #hasTotal: boolean;
  #main: Task<unknown> | null = null;
  #beats = 0;
  /** The beats at which waits and timers were seen first that are still there. */
  #waits = new Map<object, number>();
  #timers = new Map<object, number>();
  /** How much was unfinished of queues that are waited for in `join()`, when it was looked at them last. */
  #unfinished = new Map<object, number>();
  /** When tasks have had their last step, in beats; only where steps are told of. */
  #steps = new WeakMap<Task<unknown>, number>();
  #knowsSteps = false;

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
    this.#unfinished.clear();
  }

  /** A task has had a step. */
  stepped(task: Task<unknown>): void {
    this.#knowsSteps = true;
    this.#steps.set(task, this.#beats);
  }

  /** Time has passed, or something has come. The error when the program is stuck. */
  beat(now: number): LivelockError | null {
    if (++this.#beats % this.#interval !== 0) return null;
    if (this.#main === null) return this.#beats > this.#maxBeats ? this.#endless(now) : null;
    this.#note();
    if (this.#beats <= this.#maxBeats) return null;
    const standstill = this.#standstill(this.#main);
    if (standstill !== null) return this.#stuck(this.#main, now, standstill);
    return this.#isOverdue() ? this.#endless(now) : null;
  }

  #isOverdue(): boolean {
    return this.#hasTotal && this.#beats > this.#maxBeats * ALL_BEATS;
  }

  /** Notes what is waited for, and which timers are pending, with the beats at which that was seen first. */
  #note(): void {
    const waits = [...allTasks(this.#loop)].flatMap((task) => waitsOfTask(task));
    this.#noteWork(waits);
    this.#waits = this.#still(
      this.#waits,
      waits.flatMap(({ on }) => on ?? []),
    );
    this.#timers = this.#still(this.#timers, pendingTimers(this.#loop));
  }

  /** A wait in `join()` counts from when the queue had less to be done for the last time. */
  #noteWork(waits: readonly WaitView[]): void {
    const unfinished = new Map<object, number>();
    for (const { on, purpose } of waits) {
      const queue = purpose?.object;
      if (on === null || purpose?.operation !== 'join' || !(queue instanceof Queue)) continue;
      if (queue.unfinished < (this.#unfinished.get(queue) ?? 0)) this.#waits.delete(on);
      unfinished.set(queue, queue.unfinished);
    }
    this.#unfinished = unfinished;
  }

  #still(before: ReadonlyMap<object, number>, now: readonly object[]): Map<object, number> {
    return new Map(now.map((one) => [one, before.get(one) ?? this.#beats]));
  }

  #standstill(main: Task<unknown>): Standstill | null {
    const since = this.#beats - this.#maxBeats;
    const isBefore = (seen: number | undefined, beats: number): boolean => seen !== undefined && seen <= beats;
    const isStill =
      (beats: number) =>
      ({ on, purpose }: WaitView, task: Task<unknown>): boolean => {
        // A promise that is not of this library has no future: what its task has done tells how long it waits.
        if (on === null) return this.#knowsSteps && isBefore(this.#steps.get(task), beats);
        return purpose?.operation !== 'sleep' && isBefore(this.#waits.get(on), beats);
      };
    if (movingTasks(main, this.#loop, isStill(since)).has(main)) return null;
    // A timer that was seen first at this look may have been set after the one before it.
    if (![...this.#timers.values()].some((seen) => isBefore(seen, since + this.#interval))) {
      return { beats: this.#maxBeats, isStill: isStill(since) };
    }
    const most = this.#maxBeats * DOUBTFUL;
    const longer = isStill(this.#beats - most);
    return movingTasks(main, this.#loop, longer).has(main) ? null : { beats: most, isStill: longer };
  }

  #stuck(main: Task<unknown>, now: number, { beats, isStill }: Standstill): LivelockError {
    const { tasks } = captureWaitGraph(this.#loop);
    const moving = movingTasks(main, this.#loop, isStill);
    const live = [...allTasks(this.#loop)]; // in the order of the graph, where names may have numbers
    const needed = neededBy(tasks[live.indexOf(main)]!, tasks);
    const moves = (task: Task<unknown>): boolean => {
      const waits = waitsOfTask(task);
      return moving.has(task) || waits.length === 0 || waits.some((wait) => !isStill(wait, task));
    };
    const stuck = tasks.filter(({ name }, i) => needed.has(name) && !moving.has(live[i]!));
    const going = tasks.filter((task, i) => !stuck.includes(task) && moves(live[i]!));
    return new LivelockError(
      `livelock: the main task is stuck, and only what repeats keeps the clock going. For ${beats} timers or arrivals in a row (the clock is at ` +
        `${now} s) this has stood still:\n${textOf(stuck)}\n${this.#goingOn(going)}\n` +
        'End the wait, or pass { maxBeats: … } if what it waits for needs more than that.',
    );
  }

  #goingOn(tasks: WaitGraph['tasks']): string {
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

function textOf(tasks: WaitGraph['tasks']): string {
  return formatWaitGraph({ tasks, cycles: [] });
}

/** The names of a task and of those that it needs, directly or through others. */
function neededBy(main: WaitNode, tasks: WaitGraph['tasks']): ReadonlySet<string> {
  const nodes = new Map(tasks.map((task) => [task.name, task]));
  const found = new Set([main.name]);
  for (const one of found) {
    for (const { needs } of nodes.get(one)?.waits ?? []) for (const need of needs) found.add(need);
  }
  return found;
}

interface Waiting {
  readonly wait: WaitView;
  readonly needs: readonly Task<unknown>[];
}

/** How long the main task stands still, and whether a wait is one that has lasted so long. */
interface Standstill {
  readonly beats: number;
  isStill(wait: WaitView, task: Task<unknown>): boolean;
}

/**
 * Of a task and those that it needs: those that do not stand still.
 *
 * @param isStill whether a wait is one that lasts
 */
function movingTasks(
  main: Task<unknown>,
  loop: EventLoop,
  isStill: (wait: WaitView, task: Task<unknown>) => boolean,
): ReadonlySet<Task<unknown>> {
  const awaited = awaitedTasks([...allTasks(loop)]);
  const waitsOf = new Map<Task<unknown>, readonly Waiting[]>();
  const open = new Set([main]);
  for (const task of open) {
    const waits = waitsOfTask(task).map((wait) => ({ wait, needs: neededTasks(wait, awaited) }));
    waitsOf.set(task, waits);
    for (const { needs } of waits) for (const need of needs) open.add(need);
  }
  // Those that move make those move that need them, until no more are found. From the last to the first: chains then take one round.
  const tasks = [...open].reverse();
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
      // A task that has branches which wait side by side may need only one of them.
      if (waits.length === 0 || waits.some((wait) => moves(wait, task))) moving.add(task);
    }
  }
  return moving;
}

function operationOf({ on, purpose }: WaitView): string {
  return on instanceof Task ? 'task' : (purpose?.operation ?? 'result');
}
