import { NOT_SCHEDULED, type Timer } from './engine/timers.ts';
import type { EventLoop } from './event-loop.ts';

/** Called when a deadline has passed. Must not throw. */
export interface WithDeadline {
  /** @internal */
  deadlinePassed(): void;
}

/**
 * A call of the library itself at a given time: a timer without the parts of a handle that only programs need (a
 * context, arguments, a text for messages). It is small because programs use timeouts very often.
 */
class Deadline implements Timer {
  /** @internal */
  readonly _when: number;
  /** @internal */
  _sequence: number = NOT_SCHEDULED;
  /** @internal */
  _cancelled = false;
  readonly #loop: EventLoop;
  readonly #of: WithDeadline;

  /** @internal */
  constructor(loop: EventLoop, when: number, of: WithDeadline) {
    this._when = when;
    this.#loop = loop;
    this.#of = of;
  }

  /** @internal */
  _run(): void {
    if (!this._cancelled) this.#of.deadlinePassed();
  }

  /** Cancels it. Has no effect when it has passed. */
  cancel(): void {
    if (this._cancelled) return;
    this._cancelled = true;
    this.#loop._timers.noteCancelled(this);
  }
}

/** Calls a listener at a time of the loop's clock; in the next iteration when the time has already passed. */
export function deadlineAt(loop: EventLoop, when: number, of: WithDeadline): { cancel(): void } {
  if (loop._isOverridden) {
    const tell = (): void => of.deadlinePassed();
    return when <= loop.time() ? loop.callSoon(tell) : loop.callAt(when, tell);
  }
  loop._checkClosed();
  const deadline = new Deadline(loop, when, of);
  // The clock was read to compute the deadline, so it need not be read again.
  if (when <= loop._lastTime) loop._push(deadline);
  else loop._pushTimer(deadline);
  return deadline;
}
