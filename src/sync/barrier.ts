import { BrokenBarrierError } from '../errors/index.ts';
import { nameOfClass } from '../internal/describe.ts';
import { inspectAsText } from '../internal/inspection.ts';
import { byNameOrPosition } from '../internal/options.ts';
import { touch } from '../internal/touched.ts';
import { checkWholeNumber } from '../internal/whole-number.ts';
import { type AwaitableCoroutine, libraryCoroutine, type Task } from '../kernel/lowlevel.ts';
import { Condition } from './condition.ts';

/**
 * The states of a barrier.
 *
 *     FILLING ──all are there──▶ DRAINING ──all have left──▶ FILLING
 *        │ └──reset()──▶ RESETTING ──all have left──▶ FILLING
 *        └──abort()──▶ BROKEN ──reset()──▶ FILLING
 */
type BarrierState = 'filling' | 'draining' | 'resetting' | 'broken';

/** What a barrier waits for, by name. */
export interface BarrierOptions {
  /** How many tasks have to arrive. */
  readonly parties: number;
}

/** The state of a barrier. */
export interface BarrierStatistics {
  readonly state: 'filling' | 'draining' | 'resetting' | 'broken';
  /** How many tasks have to arrive. */
  readonly parties: number;
  /** How many tasks have arrived and wait for the others. */
  readonly waiting: number;
  /** The tasks that wait, also those that wait for the next round. */
  readonly waiters: readonly Task<unknown>[];
}

/**
 * Lets a number of tasks wait for each other: when the last one has arrived, all continue.
 *
 * Follows CPython's `asyncio.Barrier`.
 *
 * @example
 * const barrier = new Barrier(3);
 * const arrive = async () => {
 *   if ((await barrier.wait()) === 0) console.log('all three are here');
 * };
 * await taskGroup(async (group) => {
 *   for (let i = 0; i < 3; i++) group.createTask(arrive);
 * });
 */
export class Barrier {
  static {
    inspectAsText(Barrier.prototype);
  }

  readonly #parties: number;
  readonly #condition = new Condition();
  #state: BarrierState = 'filling';
  #count = 0;

  /**
   * @param count how many tasks have to arrive, by position or as `{ parties }`
   * @throws {ValueError} when it is less than one, or not a whole number
   * @throws {TypeError} when it is not a number
   */
  constructor(count: number | BarrierOptions) {
    const parties = byNameOrPosition<unknown>('new Barrier', ['parties'], count, undefined);
    this.#parties = checkWholeNumber('Barrier: parties', parties, { least: 1 });
    this.#condition.waiters.object = this; // who waits, waits for the barrier
  }

  /** How many tasks have to arrive. */
  get parties(): number {
    return this.#parties;
  }

  /** How many tasks have arrived and wait for the others. */
  get nWaiting(): number {
    touch(this.#condition.lock);
    return this.#state === 'filling' ? this.#count : 0;
  }

  /** Whether it was aborted. */
  get broken(): boolean {
    touch(this.#condition.lock);
    return this.#state === 'broken';
  }

  /**
   * Waits until all tasks have arrived. A task that arrives while the tasks of the last round are still leaving waits for the next round.
   *
   * **Cancellation**: the task leaves as if it had not arrived; the barrier is not broken, and the others keep waiting.
   * **Order**: indexes are given in order of arrival, and the last one to arrive continues first.
   *
   * Follows CPython's `asyncio.Barrier.wait`.
   *
   * @returns the index of this task in the round, from 0
   * @throws {BrokenBarrierError} when the barrier is reset or aborted during the wait, or is broken
   * @throws {RuntimeError} when tasks of another loop have waited at this barrier before
   */
  wait(): AwaitableCoroutine<number> {
    return Barrier.#wait(this);
  }

  /**
   * Throws a `BrokenBarrierError` into all waiting tasks, and begins a new round. Repairs a broken barrier.
   *
   * **Cancellation**: the barrier does not change.
   *
   * Follows CPython's `asyncio.Barrier.reset`.
   */
  reset(): AwaitableCoroutine<void> {
    return Barrier.#change(this, () => (this.#count > 0 ? 'resetting' : 'filling'));
  }

  /**
   * Breaks it: all tasks that wait, and all that arrive later, get a `BrokenBarrierError`, until `reset()`.
   *
   * **Cancellation**: the barrier does not change.
   *
   * Follows CPython's `asyncio.Barrier.abort`.
   */
  abort(): AwaitableCoroutine<void> {
    return Barrier.#change(this, () => 'broken');
  }

  /** The current state, for tools. */
  statistics(): BarrierStatistics {
    const waiters = this.#condition.waiters.tasks;
    return { state: this.#state, parties: this.#parties, waiting: this.nWaiting, waiters };
  }

  /** How many tasks are inside, waiting or leaving. @internal */
  get count(): number {
    return this.#count;
  }

  // One generator for everything, because an error has to unwind each generator on its way.
  static readonly #wait = /* @__PURE__ */ libraryCoroutine(function* wait(
    barrier: Barrier,
  ): Generator<unknown, number, unknown> {
    const condition = barrier.#condition;
    yield* condition.acquire();
    try {
      while (barrier.#isBeingLeft()) yield* condition.wait();
      barrier.#checkWhole();
      const index = barrier.#count++;
      try {
        if (index + 1 === barrier.#parties) barrier.#open();
        while (barrier.#state === 'filling') yield* condition.wait();
        barrier.#checkOpen();
        return index;
      } finally {
        barrier.#count--;
        barrier.#leave();
      }
    } finally {
      condition.release();
    }
  });

  /** Whether the last round is not over yet. */
  #isBeingLeft(): boolean {
    return this.#state === 'draining' || this.#state === 'resetting';
  }

  #checkWhole(): void {
    if (this.#state === 'broken')
      throw new BrokenBarrierError(`Barrier aborted: ${this} does not open until it is reset`);
  }

  #checkOpen(): void {
    if (this.#state === 'broken' || this.#state === 'resetting')
      throw new BrokenBarrierError(`Abort or reset of barrier: ${this} while this task waited at it`);
  }

  #open(): void {
    this.#state = 'draining';
    this.#condition.notifyAll();
  }

  #leave(): void {
    if (this.#count > 0) return;
    if (this.#state === 'resetting' || this.#state === 'draining') this.#state = 'filling';
    this.#condition.notifyAll();
  }

  /** The new state is computed when the lock is held, because the count may change before that. */
  static readonly #change = /* @__PURE__ */ libraryCoroutine(function* change(
    barrier: Barrier,
    state: () => BarrierState,
  ): Generator<unknown, void, unknown> {
    yield* barrier.#condition.acquire();
    barrier.#state = state();
    barrier.#condition.notifyAll();
    barrier.#condition.release();
  });

  toString(): string {
    const waiting = this.broken ? '' : `, waiters:${this.nWaiting}/${this.#parties}`;
    return `<${nameOfClass(this)} [${this.#state}${waiting}]>`;
  }
}
