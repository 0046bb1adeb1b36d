import { ValueError } from '../errors/index.ts';
import { nameOfClass } from '../internal/describe.ts';
import { inspectAsText } from '../internal/inspection.ts';
import { unbound } from '../internal/methods.ts';
import { byNameOrPosition } from '../internal/options.ts';
import { touch } from '../internal/touched.ts';
import { checkWholeNumber } from '../internal/whole-number.ts';
import {
  type AwaitableCoroutine,
  type CoroutineFunction,
  type Place,
  runningTask,
  type Task,
  thenOf,
  WaitQueue,
} from '../kernel/lowlevel.ts';
import { Attempt } from './attempt.ts';
import { Guard, holding } from './guard.ts';
import { Holders } from './holders.ts';

/** The units of a semaphore, given by name. */
export interface SemaphoreOptions {
  /** How many tasks may hold it at the same time; one when absent, infinity for no limit. */
  readonly value?: number | undefined;
}

function unitsOf(units: number | SemaphoreOptions): number {
  return byNameOrPosition('new Semaphore', ['value'], units, 1);
}

/** The state of a semaphore. */
export interface SemaphoreStatistics {
  /** The units that are free. */
  readonly value: number;
  /** How many units were free at the least: 0 when all of them have been taken at some time. */
  readonly leastValue: number;
  /** The tasks that hold units. This is a guess, because any task may give back a unit that another one took. */
  readonly holders: readonly Task<unknown>[];
  /** How many tasks wait. */
  readonly waiting: number;
  /** How many have waited at once, at the most. */
  readonly peakWaiting: number;
  /** The tasks that wait, the next one first. */
  readonly waiters: readonly Task<unknown>[];
}

/**
 * Can be held by a number of tasks at a time. Tasks get it in the order in which they asked.
 *
 * Follows CPython's `asyncio.Semaphore`.
 *
 * @example
 * const limit = new Semaphore(10);
 * const page = await limit.with(() => fetch(url));
 */
export class Semaphore {
  static {
    inspectAsText(Semaphore.prototype);
  }

  /** Units that nobody has taken; those of tasks that were woken are taken already. @internal */
  value: number;
  #least: number;
  readonly #waiters: WaitQueue;
  readonly #holders = new Holders();

  /**
   * @param units how many tasks may hold it at the same time, by position or as `{ value }`; infinity for no limit
   * @throws {ValueError} when it is negative, a fraction or `NaN`
   * @throws {TypeError} when it is not a number
   */
  constructor(units: number | SemaphoreOptions = 1) {
    const value = unitsOf(units);
    checkWholeNumber('Semaphore: the initial value', value, { least: 0, orInfinity: true });
    this.value = value;
    this.#least = value;
    this.#waiters = new WaitQueue(this, 'acquire'); // who is told of it finds the units
  }

  /** Whether `acquire()` would have to wait: no unit is free, or others wait already. */
  locked(): boolean {
    touch(this);
    return this.value === 0 || this.#waiters.hasLive();
  }

  /** For the wait records. @internal */
  get holders(): readonly Task<unknown>[] {
    return this.#holders.tasks;
  }

  /** Whether its units are given back by others than those that have taken them: it counts something, and nobody holds it. @internal */
  get isCounter(): boolean {
    return this.#holders.isGuess;
  }

  /**
   * Waits for a unit, and takes it. A free one is taken at once, without letting other tasks run.
   *
   * **Cancellation**: the place in the queue is lost; a unit that was reserved goes to the next one.
   * **Order**: first come, first served; no task overtakes those that wait.
   *
   * Follows CPython's `asyncio.Semaphore.acquire`.
   *
   * @returns a guard for `using`, which releases it
   * @throws {RuntimeError} when it has to wait, and tasks of another loop have waited for this semaphore before
   */
  acquire(): AwaitableCoroutine<Guard> {
    return new Acquire(this);
  }

  /**
   * Runs a body while holding a unit.
   *
   * **Cancellation**: while it waits, the body does not run at all; later the error is thrown inside the body, and the unit is given back
   * when the body ends.
   * **Order**: as `acquire()`.
   *
   * @param body an async function or a generator function; runs in the current task
   * @returns what the body returns
   * @throws {TypeError} at once, when the body is not a function
   * @throws what the body throws
   */
  with<T>(body: CoroutineFunction<T>): AwaitableCoroutine<T> {
    return holding(this, body, Semaphore.prototype.acquire);
  }

  /**
   * Gives a unit back; it is reserved at once for the first waiting task. Any task may call this, and callbacks too, even without
   * having taken a unit: then the semaphore has one more.
   *
   * Follows CPython's `asyncio.Semaphore.release`.
   */
  release(): void {
    if (this === undefined || !(#waiters in this)) throw unbound('Semaphore.release');
    touch(this);
    this.value++;
    this.#holders.gaveBack(runningTask());
    this.#wakeNext();
  }

  #wakeNext(): boolean {
    // Reserved: taken for the task that is woken, so that nobody can overtake it.
    if (!this.#waiters.wakeNext()) return false;
    this.value--;
    return true;
  }

  /** The current state, for tools. */
  statistics(): SemaphoreStatistics {
    const { size: waiting, peak: peakWaiting, tasks: waiters } = this.#waiters;
    return { value: this.value, leastValue: this.#least, holders: this.holders, waiting, peakWaiting, waiters };
  }

  /** The places of the waiting tasks. @internal */
  get waiters(): WaitQueue {
    return this.#waiters;
  }

  /** @internal */
  tookOne(task: Task<unknown> | null): Guard {
    if (this.value < this.#least) this.#least = this.value;
    this.#holders.took(task);
    return new Guard(this);
  }

  /** Wakes tasks that came later and had to wait only because this one was waiting. @internal */
  leavePlace(place: Place): void {
    this.#waiters.leave(place);
    while (this.value > 0 && this.#wakeNext());
  }

  toString(): string {
    const state = this.locked() ? 'locked' : `unlocked, value:${this.value}`;
    const waiting = this.#waiters.size > 0 ? `, waiters:${this.#waiters.size}` : '';
    return `<${nameOfClass(this)} [${state}${waiting}]>`;
  }
}

class Acquire extends Attempt<Guard> {
  static readonly exemplar: object = /* @__PURE__ */ new Acquire(/* @__PURE__ */ new Semaphore());

  declare private readonly semaphore: Semaphore;

  constructor(semaphore: Semaphore) {
    super();
    this.semaphore = semaphore;
  }

  override get then(): AwaitableCoroutine<Guard>['then'] {
    return thenOf(this);
  }

  get calledAs(): string {
    return 'Semaphore.acquire';
  }

  override get _isQuiet(): boolean {
    return true;
  }

  override next(): IteratorResult<unknown, Guard> {
    if (this.isOver || this.place !== null || this.mustWait(false)) return super.next();
    this.isOver = true;
    return { done: true, value: this.take(false) };
  }

  protected get queue(): WaitQueue {
    return this.semaphore.waiters;
  }

  protected mustWait(wasWoken: boolean): boolean {
    return !wasWoken && this.semaphore.locked();
  }

  protected take(wasWoken: boolean, task: Task<unknown> | null = runningTask()): Guard {
    if (!wasWoken) this.semaphore.value--; // otherwise it was reserved
    return this.semaphore.tookOne(task);
  }

  protected override leave(place: Place): void {
    this.semaphore.leavePlace(place);
  }

  protected override giveUp(place: Place, wasWoken: boolean): void {
    if (wasWoken) this.semaphore.value++; // the unit was reserved, but is not needed
    this.semaphore.leavePlace(place);
  }
}

/**
 * A semaphore that throws when it is released more often than acquired.
 *
 * Follows CPython's `asyncio.BoundedSemaphore`.
 *
 * @example
 * const seats = new BoundedSemaphore(2);
 * await seats.acquire();
 * seats.release(); // once more would be a ValueError: all seats are free already
 */
export class BoundedSemaphore extends Semaphore {
  readonly #bound: number;

  constructor(units: number | SemaphoreOptions = 1) {
    super(units);
    this.#bound = unitsOf(units);
  }

  /**
   * Gives a unit back, as `Semaphore.release`.
   *
   * Follows CPython's `asyncio.BoundedSemaphore.release`.
   *
   * @throws {ValueError} when it would have more units than at the beginning
   */
  override release(): void {
    if (this === undefined || !(#bound in this)) throw unbound('BoundedSemaphore.release');
    if (this.value >= this.#bound) {
      throw new ValueError(
        `BoundedSemaphore released too many times: ${this} has all its ${this.#bound} units; ` +
          'release it once for each time that it was acquired, or use a Semaphore',
        { code: 'RELEASED_TOO_OFTEN' },
      );
    }
    super.release();
  }
}
