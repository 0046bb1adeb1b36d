import { nameOfClass } from '../internal/describe.ts';
import { inspectAsText } from '../internal/inspection.ts';
import { bindWhenRead } from '../internal/methods.ts';
import { touch } from '../internal/touched.ts';
import { type AwaitableCoroutine, type Task, thenOf, WaitQueue } from '../kernel/lowlevel.ts';
import { Attempt } from './attempt.ts';

/** The state of an event. */
export interface EventStatistics {
  readonly isSet: boolean;
  /** How many tasks wait. */
  readonly waiting: number;
  /** How many have waited at once, at the most. */
  readonly peakWaiting: number;
  /** The tasks that wait, the one that has waited longest first. */
  readonly waiters: readonly Task<unknown>[];
}

/**
 * A flag that tasks can wait for.
 *
 * Follows CPython's `asyncio.Event`.
 *
 * @example
 * const ready = new Event();
 * createTask(function* () {
 *   yield* ready.wait();
 * });
 * ready.set();
 */
export class Event {
  static {
    inspectAsText(Event.prototype);
    bindWhenRead(Event.prototype, ['set', 'clear'], true);
  }

  #isSet = false;
  readonly #waiters = new WaitQueue(this, 'wait');

  /** Whether the flag is set. */
  isSet(): boolean {
    touch(this);
    return this.#isSet;
  }

  /** Sets the flag and wakes all waiting tasks, even if it is cleared again at once. */
  set(): void {
    touch(this);
    if (this.#isSet) return;
    this.#isSet = true;
    this.#waiters.wake(this.#waiters.size);
  }

  /** Clears the flag. */
  clear(): void {
    touch(this);
    this.#isSet = false;
  }

  /**
   * Waits until the flag is set. If it is already set, returns without letting other tasks run.
   *
   * **Cancellation**: ends the wait; nothing is lost, and other tasks are not affected.
   * **Order**: all are woken at once, and continue in the order in which they came.
   *
   * Follows CPython's `asyncio.Event.wait`.
   *
   * @returns true, even if the flag was cleared again in the meantime
   * @throws {RuntimeError} when it has to wait, and tasks of another loop have waited for this event before
   */
  wait(): AwaitableCoroutine<true> {
    return new Wait(this);
  }

  /** The current state, for tools. */
  statistics(): EventStatistics {
    const { size: waiting, peak: peakWaiting, tasks: waiters } = this.#waiters;
    return { isSet: this.#isSet, waiting, peakWaiting, waiters };
  }

  /** The places of the waiting tasks. @internal */
  get waiters(): WaitQueue {
    return this.#waiters;
  }

  toString(): string {
    const waiting = this.#waiters.size > 0 ? `, waiters:${this.#waiters.size}` : '';
    return `<${nameOfClass(this)} [${this.#isSet ? 'set' : 'unset'}${waiting}]>`;
  }
}

class Wait extends Attempt<true> {
  static readonly exemplar: object = /* @__PURE__ */ new Wait(/* @__PURE__ */ new Event());

  declare private readonly event: Event;

  constructor(event: Event) {
    super();
    this.event = event;
  }

  override get then(): AwaitableCoroutine<true>['then'] {
    return thenOf(this);
  }

  get calledAs(): string {
    return 'Event.wait';
  }

  override get _isQuiet(): boolean {
    return true;
  }

  protected get queue(): WaitQueue {
    return this.event.waiters;
  }

  /** A task that was woken continues, even if the flag was cleared again. */
  protected mustWait(wasWoken: boolean): boolean {
    return !wasWoken && !this.event.isSet();
  }

  protected take(): true {
    return true;
  }
}
