import { NOT_SCHEDULED, type Timer } from './engine/timers.ts';
import type { EventLoop } from './event-loop.ts';
import { Future, PENDING, type WaitRecord } from './future.ts';
import type { TimerHandle } from './handle.ts';

const SLEEP: WaitRecord = { operation: 'sleep', object: null };

/**
 * A future that gets its result at a given time. It is its own entry in the timer queue, because sleeping is the most
 * frequent wait.
 */
export class TimedFuture<T> extends Future<T> implements Timer {
  /** @internal */
  readonly _when: number;
  /** @internal */
  _sequence: number = NOT_SCHEDULED;
  /** @internal */
  _cancelled = false;
  /** The handle on a loop whose class overrides scheduling. @internal */
  _handle: TimerHandle | null = null;
  readonly #result: T;

  constructor(loop: EventLoop, when: number, result: T) {
    super({ loop });
    this._when = when;
    this.#result = result;
  }

  /** @internal */
  override get _purpose(): WaitRecord {
    return SLEEP;
  }

  /** Its time has come. @internal */
  _run(): void {
    if (this._state === PENDING) this.setResult(this.#result);
  }

  /** Takes it out of the timer queue, when nothing waits for it any more. */
  release(): void {
    this._handle?.cancel();
    if (this._cancelled) return;
    this._cancelled = true;
    this._loop._timers.noteCancelled(this);
  }
}

/** A future that gets its result after a time: `sleep` waits for it. */
export function timedFuture<T>(loop: EventLoop, seconds: number, result: T): TimedFuture<T> {
  const future = new TimedFuture<T>(loop, loop.time() + seconds, result);
  if (loop._isOverridden) {
    future._handle = loop.callLater(seconds, () => future._run());
  } else {
    loop._checkClosed();
    loop._pushTimer(future);
  }
  return future;
}
