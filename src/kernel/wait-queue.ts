import { RuntimeError } from '../errors/errors.ts';
import { touch } from '../internal/touched.ts';
import { tellOfLoop } from './engine/copies.ts';
import type { EventLoop } from './event-loop.ts';
import { Future, PENDING, SUCCEEDED, type WaitRecord } from './future.ts';
import type { Task } from './task.ts';
import { implicitLoop } from './thread-loop.ts';

/** A place in a wait queue: the future that a task waits on, linked to its neighbours. */
export class Place extends Future<void> {
  /** @internal */
  readonly _queue: WaitQueue;
  /** @internal */
  _before: Place | null;
  /** @internal */
  _after: Place | null = null;
  /** Whether it is in the queue. @internal */
  _queued = true;

  /** @internal */
  constructor(queue: WaitQueue, before: Place | null) {
    super(queue); // it has a `loop`, as the options of a future do
    this._queue = queue;
    this._before = before;
  }

  /** @internal */
  override get _purpose(): WaitQueue {
    return this._queue;
  }

  /** The task that waits, `null` while none does. */
  get task(): Task<unknown> | null {
    return (this._waiters()[0]?._awaiter ?? null) as Task<unknown> | null;
  }

  /** Wakes the task. False when it was already woken or cancelled. */
  wake(): boolean {
    if (this._state !== PENDING) return false;
    this._finish(SUCCEEDED, undefined);
    return true;
  }
}

/**
 * `note` is called with each wait queue that is made or joined; `null` while nothing records the primitives of a
 * program.
 */
const watch: { note: ((queue: WaitQueue) => void) | null } = { note: null };

/**
 * Calls a function with the wait queues of each primitive (lock, queue and so on) that is made, or that a task has to
 * wait for. It may be called several times with the same queue. `null` ends this.
 *
 * @returns the function that was set before
 */
export function watchPrimitives(note: ((queue: WaitQueue) => void) | null): ((queue: WaitQueue) => void) | null {
  const before = watch.note;
  watch.note = note;
  return before;
}

/**
 * The fair queue that every lock and queue is built on: tasks wait in order of arrival, and leave it when they are
 * woken or cancelled.
 *
 *     first ⇄ place ⇄ place ⇄ last       taking one out of the middle costs the same as at the end
 *
 * A primitive is used by "try, otherwise wait": a woken task tries again, and nothing is reserved for it. Each
 * primitive decides what happens when a task is woken and cancelled at the same time; nearly always it wakes the next
 * one.
 */
export class WaitQueue implements WaitRecord {
  /** The object that is waited for. A primitive that is built on another one sets itself here. */
  object: object;
  /** The operation that the tasks wait for. */
  readonly operation: string;
  #first: Place | null = null;
  #last: Place | null = null;
  /** The last place that was woken. While it is in the queue, all places before it have been woken or cancelled. */
  #woken: Place | null = null;
  #size = 0;
  #peak = 0;
  #loop: EventLoop | null = null;
  /** The queue that knows the loop, when a primitive has several: one loop for all of them. */
  readonly #bound: WaitQueue;

  /**
   * @param owner the object that is waited for, for the wait records
   * @param operation the operation that the tasks wait for, such as `acquire`
   * @param sibling another queue of the same owner
   */
  constructor(owner: object, operation: string, sibling?: WaitQueue) {
    this.object = owner;
    this.operation = operation;
    this.#bound = sibling ?? this;
    if (watch.note !== null) watch.note(this);
    touch(owner);
  }

  /** The loop of the tasks that wait or have waited, `null` when none has yet. */
  get loop(): EventLoop | null {
    return this.#bound.#loop;
  }

  /** How many are in the queue. */
  get size(): number {
    return this.#size;
  }

  /** The largest size that it has had. */
  get peak(): number {
    return this.#peak;
  }

  /** The tasks that wait, the one that has waited longest first. */
  get tasks(): Task<unknown>[] {
    return Array.from(this, (place) => place.task).filter((task) => task !== null);
  }

  /** The tasks that keep the others waiting, if the object knows them. */
  get holders(): readonly Task<unknown>[] {
    const { holders = [] } = this.object as { readonly holders?: readonly Task<unknown>[] };
    return holders;
  }

  /** The place that has waited longest. */
  get first(): Place | null {
    return this.#first;
  }

  /**
   * Takes the last place. The first to wait binds the primitive to its loop.
   *
   * @param loop of the task that waits; the running one when absent
   * @throws {RuntimeError} when the primitive belongs to another loop
   */
  join(loop: EventLoop = implicitLoop()): Place {
    if (watch.note !== null) watch.note(this);
    touch(this.object);
    const bound = this.#bound;
    bound.#loop ??= loop;
    if (bound.#loop !== loop) {
      const hint = tellOfLoop(bound.#loop);
      throw new RuntimeError(`${this.object} is bound to a different event loop: make one for each loop${hint}`, {
        code: 'DIFFERENT_LOOP',
      });
    }
    const place = new Place(this, this.#last);
    if (this.#last === null) this.#first = place;
    else this.#last._after = place;
    this.#last = place;
    if (++this.#size > this.#peak) this.#peak = this.#size;
    return place;
  }

  /** Leaves the queue. Has no effect when it was already left. */
  leave(place: Place): void {
    if (!place._queued) return;
    touch(this.object);
    const { _before: before, _after: after } = place;
    if (before === null) this.#first = after;
    else before._after = after;
    if (after === null) this.#last = before;
    else after._before = before;
    place._queued = false;
    place._before = null;
    place._after = null;
    this.#size--;
  }

  /** Wakes the task that has waited longest and was not woken yet. False when there is none. */
  wakeNext(): boolean {
    for (let place = this.#firstToWake(); place !== null; place = place._after) {
      if (place.wake()) {
        this.#woken = place;
        return true;
      }
    }
    return false;
  }

  /**
   * Where to look for the next one to wake. Many may be woken before the first of them leaves, and are not looked at
   * again.
   */
  #firstToWake(): Place | null {
    return this.#woken?._queued ? this.#woken._after : this.#first;
  }

  /** Wakes up to `count`, in order. */
  wake(count: number): void {
    for (let left = count; left > 0 && this.wakeNext(); ) left--;
  }

  /** Takes the first place out of the queue and wakes its task; skips places that were already cancelled or woken. */
  dismissNext(): boolean {
    while (this.#first !== null) {
      const place = this.#first;
      this.leave(place);
      if (place.wake()) return true;
    }
    return false;
  }

  /** Whether a task waits that was not cancelled. */
  hasLive(): boolean {
    for (let place = this.#first; place !== null; place = place._after) if (!place.cancelled()) return true;
    return false;
  }

  /** The places, the one that has waited longest first. */
  *[Symbol.iterator](): Iterator<Place> {
    for (let place = this.#first; place !== null; place = place._after) yield place;
  }
}
