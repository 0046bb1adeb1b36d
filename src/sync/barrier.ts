import { BrokenBarrierError, ValueError } from '../errors/index.ts';
import { typeError } from '../errors/type-error.ts';
import { describe, nameOfClass } from '../internal/describe.ts';
import { type AwaitableCoroutine, libraryCoroutine } from '../kernel/lowlevel.ts';
import { Condition } from './condition.ts';

/**
 * The states of a barrier.
 *
 *     FILLING ──all are there──▶ DRAINING ──all have left──▶ FILLING
 *        │ └──reset()──▶ RESETTING ──all have left──▶ FILLING
 *        └──abort()──▶ BROKEN ──reset()──▶ FILLING
 */
type BarrierState = 'filling' | 'draining' | 'resetting' | 'broken';

/**
 * Lets tasks wait for each other: when the last of so many has come, all go on.
 *
 * Follows CPython's `asyncio.Barrier`.
 *
 * @example
 * const barrier = new Barrier(3);
 * const runner = async () => {
 *   if ((await barrier.wait()) === 0) console.log('all three are here');
 * };
 * await gather(runner, runner, runner);
 */
export class Barrier {
  readonly #parties: number;
  readonly #condition = new Condition();
  #state: BarrierState = 'filling';
  #count = 0;

  /**
   * @param parties how many have to come
   * @throws {ValueError} when it is less than one, or no whole number
   */
  constructor(parties: number) {
    if (typeof parties !== 'number')
      throw typeError(`Barrier: a number of parties is required, got ${describe(parties)}`);
    if (!(parties >= 1)) throw new ValueError(`parties must be > 0, got ${parties}`);
    this.#parties = parties;
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
   * **Cancellation**: leaves as if it had not come; the barrier is not broken.
   * **Order**: indexes are given in order of arrival.
   *
   * @returns the index of this task in the round, from 0
   * @throws {BrokenBarrierError} when the barrier is reset or aborted meanwhile, or is broken
   */
  wait(): AwaitableCoroutine<number> {
    return Barrier.#wait(this);
  }

  /** Sends those who wait away with a `BrokenBarrierError`, and begins a new round. */
  reset(): AwaitableCoroutine<void> {
    return Barrier.#reset(this);
  }

  /** Breaks it: all who wait and who come get a `BrokenBarrierError`, until `reset()`. */
  abort(): AwaitableCoroutine<void> {
    return Barrier.#abort(this);
  }

  /** How it stands, for tools. */
  statistics(): { state: string; parties: number; waiting: number } {
    return { state: this.#state, parties: this.#parties, waiting: this.nWaiting };
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
    if (this.#state === 'broken') throw new BrokenBarrierError('Barrier aborted');
  }

  #open(): void {
    this.#state = 'draining';
    this.#condition.notifyAll();
  }

  *#waitForOthers(): Generator<unknown, void, unknown> {
    yield* this.#condition.waitFor(() => this.#state !== 'filling');
    if (this.#state === 'broken' || this.#state === 'resetting')
      throw new BrokenBarrierError('Abort or reset of barrier');
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
}
