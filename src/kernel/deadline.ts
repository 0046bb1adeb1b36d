import { NOT_SCHEDULED, type Timer } from './engine/timers.ts';
import type { EventLoop } from './event-loop.ts';

/** What is told that a deadline has passed. It must not throw. */
export interface WithDeadline {
  /** @internal */
  deadlinePassed(): void;
}

/**
 * A call of the library itself at a time: a timer without what only programs need of a handle (a context, arguments, a picture for
 * messages), since nearly everything has a timeout around it.
 */
export class Deadline implements Timer {
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

  /** Takes it back. Harmless when it has passed. */
  cancel(): void {
    if (this._cancelled) return;
    this._cancelled = true;
    this.#loop._timers.noteCancelled(this);
  }
}
