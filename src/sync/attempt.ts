import { NONE, type Place, type Task, type WaitQueue, WrittenCoroutine } from '../kernel/lowlevel.ts';

/**
 * "Try, otherwise wait in the queue, and try again": the coroutine of operations that may have to wait for their turn.
 *
 *     next ──mustWait()? no──▶ take() ──▶ result
 *              │ yes  ▲
 *              ▼      │ leave(place)
 *           waiting ──┴─woken
 *              └──cancelled──▶ giveUp(place) ──▶ error
 *
 * `mustWait` and `take` get a flag that says whether the task has waited and was woken: if the code that wakes the task reserves something
 * for it, the task does not need to check again.
 *
 * Subclasses that programs use very often have a `next` of their own for what need not wait, always with the same text. In a method that all
 * subclasses share, the JavaScript engine would look up `mustWait` and `take` for each call, and allocate each attempt: in a program that uses
 * locks, semaphores and queues, that takes 10 ns of 20.
 */
export abstract class Attempt<T> extends WrittenCoroutine<T> {
  declare protected place: Place | null;
  declare protected isOver: boolean;

  constructor() {
    super();
    this.place = null;
    this.isOver = false;
  }

  /** Where the task waits. */
  protected abstract get queue(): WaitQueue;

  /** Whether the task has to wait. */
  protected abstract mustWait(wasWoken: boolean): boolean;

  /**
   * Has it: what the coroutine gives.
   *
   * @param task that takes it; the running one when absent
   */
  protected abstract take(wasWoken: boolean, task?: Task<unknown>): T;

  /** The task was woken, and its place is removed. */
  protected leave(place: Place): void {
    this.queue.leave(place);
  }

  /**
   * The wait was given up, and its place is removed.
   *
   * @param wasWoken it had already been woken, without effect
   */
  protected giveUp(place: Place, _wasWoken: boolean): void {
    this.queue.leave(place);
  }

  next(): IteratorResult<unknown, T> {
    if (this.isOver) return { done: true, value: undefined as T };
    const place = this.place;
    const wasWoken = place !== null;
    if (wasWoken) {
      if (!place.done()) return wait(place); // it was not woken: the program iterates the generator by hand
      if (place.cancelled()) {
        this.end();
        return wait(place); // which throws
      }
      this.place = null;
      this.leave(place);
    }
    if (this.mustWait(wasWoken)) {
      this.place = this.queue.join();
      return wait(this.place);
    }
    this.isOver = true;
    return { done: true, value: this.take(wasWoken) };
  }

  /** @internal */
  override _endAtOnce(task: Task<unknown>): T | typeof NONE {
    if (this.isOver || this.place !== null || this.mustWait(false)) return NONE;
    this[Symbol.iterator]();
    this.isOver = true;
    return this.take(false, task);
  }

  /** @internal */
  override _beginWait(task: Task<unknown>): Place | null {
    if (this.isOver || this.place !== null) return null;
    this[Symbol.iterator]();
    this.place = this.queue.join(task.getLoop());
    return this.place;
  }

  /** @internal */
  override _endWoken(task: Task<unknown>): T | typeof NONE {
    const place = this.place;
    if (place === null || this.mustWait(true)) return NONE;
    this.place = null;
    this.leave(place);
    this.isOver = true;
    return this.take(true, task);
  }

  protected end(): void {
    const place = this.place;
    this.isOver = true;
    this.place = null;
    if (place !== null) this.giveUp(place, place.done() && !place.cancelled());
  }
}

/** What the iterator of a place gives to the task, until the task is woken. */
function wait(place: Place): IteratorResult<unknown, never> {
  return place.next() as IteratorResult<unknown, never>;
}
