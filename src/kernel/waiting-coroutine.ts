import type { EventLoop } from './event-loop.ts';
import type { Future, RareFields, WaitRecord } from './future.ts';
import type { Unretrieved } from './reports.ts';
import { WrittenCoroutine } from './written-coroutine.ts';

/**
 * A written coroutine that waits for a future, several times if necessary, and is itself the record (`WaitRecord`) of
 * that wait. So a wait takes two objects, where a generator, a future and its record take six. For coroutines of which
 * programs have thousands at a time.
 *
 * It also is the `RareFields` of that future. It does not declare that with `implements`, because the published
 * declarations leave internal members out.
 */
export abstract class WaitingCoroutine<T> extends WrittenCoroutine<T> implements WaitRecord {
  /** @internal */
  declare otherWaiters: RareFields['otherWaiters'];
  /** @internal */
  declare unretrieved: Unretrieved | null;
  /** @internal */
  declare cancelMessage: unknown;

  constructor() {
    super();
    this.otherWaiters = null;
    this.unretrieved = null;
    this.cancelMessage = undefined;
  }

  abstract get operation(): string;
  abstract get object(): object | null;

  /** @internal */
  get purpose(): WaitRecord {
    return this;
  }

  /** The future to wait for. Invariant: the one before, if there was one, is done and was not cancelled. @internal */
  newWait(loop: EventLoop): Future<void> {
    const wait = loop.createFuture<void>();
    wait._rare = this;
    return wait;
  }
}
