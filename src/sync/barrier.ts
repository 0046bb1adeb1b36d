import { BrokenBarrierError, ValueError } from '../errors/index.ts';
import { nameOfClass } from '../internal/describe.ts';
import { type AwaitableCoroutine, libraryCoroutine, type Task } from '../kernel/lowlevel.ts';
import { Condition } from './condition.ts';
import { checkCount } from './count.ts';

/**
 * The states of a barrier.
 *
 *     FILLING ──all are there──▶ DRAINING ──all have left──▶ FILLING
 *        │ └──reset()──▶ RESETTING ──all have left──▶ FILLING
 *        └──abort()──▶ BROKEN ──reset()──▶ FILLING
 */
type BarrierState = 'filling' | 'draining' | 'resetting' | 'broken';

/** How a barrier stands. */
export interface BarrierStatistics {
  readonly state: 'filling' | 'draining' | 'resetting' | 'broken';
  /** How many have to come. */
  readonly parties: number;
  /** How many have come and wait for the others. */
  readonly waiting: number;
  /** The tasks that wait, also those that wait for the next round. */
  readonly waiters: readonly Task<unknown>[];
}

/**
 * Lets tasks wait for each other: when the last of so many has come, all go on.
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
  readonly #parties: number;
  readonly #condition = new Condition();
  #state: BarrierState = 'filling';
  #count = 0;

  /**
   * @param parties how many have to come
   * @throws {ValueError} when it is less than one, or no whole number
   * @throws {TypeError} when it is no number
   */
  constructor(parties: number) {
    checkCount(parties, 'Barrier: parties must be > 0', 1);
    if (parties === Number.POSITIVE_INFINITY) {
      throw new ValueError('Barrier: parties must be > 0 and a whole number, got Infinity: they would never all come', {
        code: 'INVALID_COUNT',
      });
    }
    this.#parties = parties;
    this.#condition.waiters.object = this; // who waits, waits for the barrier
  }

  /** How many have to come. */
  get parties(): number {
    return this.#parties;
  }

  /** How many have come and wait for the others. */
  get nWaiting(): number {
    return this.#state === 'filling' ? this.#count : 0;
  }

  /** Whether it was aborted. */
  get broken(): boolean {
    return this.#state === 'broken';
  }

  /**
   * Waits until all have come. Who comes while the last round still leaves waits for the next one.
   *
   * **Cancellation**: leaves as if it had not come; the barrier is not broken, and the others wait on.
   * **Order**: indexes are given in order of arrival, and the last one to come goes on first.
   *
   * Follows CPython's `asyncio.Barrier.wait`.
   *
   * @returns the index of this task in the round, from 0
   * @throws {BrokenBarrierError} when the barrier is reset or aborted meanwhile, or is broken
   * @throws {RuntimeError} when tasks of another loop have waited at this barrier before
   */
  wait(): AwaitableCoroutine<number> {
    return Barrier.#wait(this);
  }

  /**
   * Sends those who wait away with a `BrokenBarrierError`, and begins a new round. Mends a broken barrier.
   *
   * **Cancellation**: the barrier stays as it is.
   *
   * Follows CPython's `asyncio.Barrier.reset`.
   */
  reset(): AwaitableCoroutine<void> {
    return Barrier.#reset(this);
  }

  /**
   * Breaks it: all who wait and who come get a `BrokenBarrierError`, until `reset()`.
   *
   * **Cancellation**: the barrier stays as it is.
   *
   * Follows CPython's `asyncio.Barrier.abort`.
   */
  abort(): AwaitableCoroutine<void> {
    return Barrier.#abort(this);
  }

  /** How it stands, for tools. */
  statistics(): BarrierStatistics {
    const waiters = this.#condition.waiters.tasks;
    return { state: this.#state, parties: this.#parties, waiting: this.nWaiting, waiters };
  }

  /** How many are inside, waiting or leaving. @internal */
  get count(): number {
    return this.#count;
  }

  static readonly #wait = /* @__PURE__ */ libraryCoroutine(function* wait(
    barrier: Barrier,
  ): Generator<unknown, number, unknown> {
    yield* barrier.#condition.acquire();
    try {
      yield* barrier.#enter();
      return yield* barrier.#pass();
    } finally {
      barrier.#condition.release();
    }
  });

  *#pass(): Generator<unknown, number, unknown> {
    try {
      const index = this.#count++;
      if (index + 1 === this.#parties) this.#open();
      else yield* this.#waitForOthers();
      return index;
    } finally {
      this.#count--;
      this.#leave();
    }
  }

  *#enter(): Generator<unknown, void, unknown> {
    yield* this.#condition.waitFor(() => this.#state !== 'draining' && this.#state !== 'resetting');
    if (this.#state === 'broken')
      throw new BrokenBarrierError(`Barrier aborted: ${this} lets nobody through until it is reset`);
  }

  #open(): void {
    this.#state = 'draining';
    this.#condition.notifyAll();
  }

  *#waitForOthers(): Generator<unknown, void, unknown> {
    yield* this.#condition.waitFor(() => this.#state !== 'filling');
    if (this.#state === 'broken' || this.#state === 'resetting')
      throw new BrokenBarrierError(`Abort or reset of barrier: ${this} while this task waited at it`);
  }

  #leave(): void {
    if (this.#count > 0) return;
    if (this.#state === 'resetting' || this.#state === 'draining') this.#state = 'filling';
    this.#condition.notifyAll();
  }

  static readonly #reset = /* @__PURE__ */ libraryCoroutine(function* reset(
    barrier: Barrier,
  ): Generator<unknown, void, unknown> {
    yield* barrier.#change(() => (barrier.#count > 0 ? 'resetting' : 'filling'));
  });

  static readonly #abort = /* @__PURE__ */ libraryCoroutine(function* abort(
    barrier: Barrier,
  ): Generator<unknown, void, unknown> {
    yield* barrier.#change(() => 'broken');
  });

  /** The new state is asked for when the lock is held, since the count may change before. */
  *#change(state: () => BarrierState): Generator<unknown, void, unknown> {
    yield* this.#condition.acquire();
    this.#state = state();
    this.#condition.notifyAll();
    this.#condition.release();
  }

  toString(): string {
    const waiting = this.broken ? '' : `, waiters:${this.nWaiting}/${this.#parties}`;
    return `<${nameOfClass(this)} [${this.#state}${waiting}]>`;
  }

  /** What Node's `util.inspect` shows. */
  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return this.toString();
  }
}
