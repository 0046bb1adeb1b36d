import { RuntimeError } from '../errors/index.ts';
import { nameOfClass } from '../internal/describe.ts';
import { inspectAsText } from '../internal/inspection.ts';
import { unbound } from '../internal/methods.ts';
import { touch } from '../internal/touched.ts';
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

/** The state of a lock. */
export interface LockStatistics {
  readonly locked: boolean;
  /** The task that holds it, `null` when it is free or was acquired outside any task. */
  readonly holder: Task<unknown> | null;
  /** How many tasks wait for it. */
  readonly waiting: number;
  /** How many have waited at once, at the most. */
  readonly peakWaiting: number;
  /** The tasks that wait for it, the next one first. */
  readonly waiters: readonly Task<unknown>[];
}

/**
 * Can be held by one task at a time. Tasks get it in the order in which they asked; any task may release it.
 *
 * Follows CPython's `asyncio.Lock`.
 *
 * @example
 * const lock = new Lock();
 * {
 *   using _ = await lock.acquire();
 *   // alone here
 * }
 * await lock.with(() => download(url)); // the same around a body
 */
export class Lock {
  static {
    inspectAsText(Lock.prototype);
  }

  #locked = false;
  #holder: Task<unknown> | null = null;
  readonly #waiters = new WaitQueue(this, 'acquire');

  /** Whether it is held. After `release()` it is free, even if a waiting task is about to take it. */
  locked(): boolean {
    touch(this);
    return this.#locked;
  }

  /** The task that acquired it, `null` when it is free or was acquired outside any task. */
  get holder(): Task<unknown> | null {
    return this.#holder;
  }

  /** For the wait records. @internal */
  get holders(): readonly Task<unknown>[] {
    return this.#holder === null ? [] : [this.#holder];
  }

  /**
   * Waits until it is free, and takes it. A free lock is taken at once, without letting other tasks run.
   *
   * **Cancellation**: the place in the queue is lost; a lock that was about to be taken goes to the next one.
   * **Order**: first come, first served; no task overtakes those that wait, not even the task that has just released it.
   *
   * Follows CPython's `asyncio.Lock.acquire`.
   *
   * @returns a guard for `using`, which releases it
   * @throws {RuntimeError} when it has to wait, and tasks of another loop have waited for this lock before
   */
  acquire(): AwaitableCoroutine<Guard> {
    return new Acquire(this);
  }

  /**
   * Runs a body while holding it.
   *
   * **Cancellation**: while it waits, the body does not run at all; later the error is thrown inside the body, and the lock is released
   * when the body ends.
   * **Order**: as `acquire()`.
   *
   * @param body an async function or a generator function; runs in the current task
   * @returns what the body returns
   * @throws {TypeError} at once, when the body is not a function
   * @throws what the body throws
   */
  with<T>(body: CoroutineFunction<T>): AwaitableCoroutine<T> {
    return holding(this, body, Lock.prototype.acquire);
  }

  /**
   * Releases it; the first waiting task takes it in the next iteration. Any task may call this, and callbacks too.
   *
   * Follows CPython's `asyncio.Lock.release`.
   *
   * @throws {RuntimeError} when it is free
   */
  release(): void {
    if (this === undefined || !(#locked in this)) throw unbound('Lock.release');
    if (!this.#locked) {
      throw new RuntimeError(
        `Lock is not acquired: ${this} cannot be released; acquire it first, and release it once for each time`,
        { code: 'NOT_ACQUIRED' },
      );
    }
    touch(this);
    this.#locked = false;
    this.#holder = null;
    this.#waiters.first?.wake();
  }

  /** The current state, for tools. */
  statistics(): LockStatistics {
    const { size: waiting, peak: peakWaiting, tasks: waiters } = this.#waiters;
    return { locked: this.#locked, holder: this.#holder, waiting, peakWaiting, waiters };
  }

  /** The places of the waiting tasks. @internal */
  get waiters(): WaitQueue {
    return this.#waiters;
  }

  /**
   * Whether `acquire()` has to wait: no task overtakes waiting tasks, even while the lock is free because the woken task has not taken it
   * yet. @internal
   */
  isWanted(): boolean {
    touch(this);
    return this.#locked || this.#waiters.hasLive();
  }

  /** @internal */
  takeNow(task: Task<unknown> | null): Guard {
    this.#locked = true;
    this.#holder = task;
    return new Guard(this);
  }

  toString(): string {
    const waiting = this.#waiters.size > 0 ? `, waiters:${this.#waiters.size}` : '';
    return `<${nameOfClass(this)} [${this.#locked ? 'locked' : 'unlocked'}${waiting}]>`;
  }
}

class Acquire extends Attempt<Guard> {
  static readonly exemplar: object = /* @__PURE__ */ new Acquire(/* @__PURE__ */ new Lock());

  declare private readonly lock: Lock;

  constructor(lock: Lock) {
    super();
    this.lock = lock;
  }

  override get then(): AwaitableCoroutine<Guard>['then'] {
    return thenOf(this);
  }

  get calledAs(): string {
    return 'Lock.acquire';
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
    return this.lock.waiters;
  }

  protected mustWait(wasWoken: boolean): boolean {
    return !wasWoken && this.lock.isWanted();
  }

  protected take(_wasWoken: boolean, task: Task<unknown> | null = runningTask()): Guard {
    return this.lock.takeNow(task);
  }

  protected override giveUp(place: Place): void {
    const { waiters } = this.lock;
    waiters.leave(place);
    // Woken and cancelled at the same time: the next task must be woken instead.
    if (!this.lock.locked()) waiters.first?.wake();
  }
}
