import { nameOfClass } from '../internal/describe.ts';
import { inspectAsText } from '../internal/inspection.ts';
import { bindWhenRead } from '../internal/methods.ts';
import { type AwaitableCoroutine, type Task, WaitQueue } from '../kernel/lowlevel.ts';
import { Attempt } from './attempt.ts';

/** How an event stands. */
export interface EventStatistics {
  readonly isSet: boolean;
  /** How many tasks wait. */
  readonly waiting: number;
  /** The tasks that wait, the longest waiting first. */
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
    bindWhenRead(Event.prototype, ['set', 'clear']);
  }

  #isSet = false;
  readonly #waiters = new WaitQueue(this, 'wait');

  /** Whether the flag is set. */
  isSet(): boolean {
    return this.#isSet;
  }

  /** Sets the flag and wakes all that wait, also when it is cleared again at once. */
  set(): void {
    if (this.#isSet) return;
    this.#isSet = true;
    this.#waiters.wake(this.#waiters.size);
  }

  /** Clears the flag. */
  clear(): void {
    this.#isSet = false;
  }

  /**
   * Waits until the flag is set. When it is, goes on without giving others a turn.
   *
   * **Cancellation**: ends the wait; nothing is lost, and others are not concerned.
   * **Order**: all are woken at once, and go on in the order in which they came.
   *
   * Follows CPython's `asyncio.Event.wait`.
   *
   * @returns true, also when the flag was cleared again meanwhile
   * @throws {RuntimeError} when it has to wait, and tasks of another loop have waited for this event before
   */
  wait(): AwaitableCoroutine<true> {
    return new Wait(this);
  }

  /** How it stands, for tools. */
  statistics(): EventStatistics {
    const { size: waiting, tasks: waiters } = this.#waiters;
    return { isSet: this.#isSet, waiting, waiters };
  }

  /** The places of those who wait. @internal */
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

  get calledAs(): string {
    return 'Event.wait';
  }

  override get _isQuiet(): boolean {
    return true;
  }

  protected get queue(): WaitQueue {
    return this.event.waiters;
  }

  /** Who was woken goes on, also when the flag was cleared again. */
  protected mustWait(wasWoken: boolean): boolean {
    return !wasWoken && !this.event.isSet();
  }

  protected take(): true {
    return true;
  }
}
