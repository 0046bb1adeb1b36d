import { cancelBecause, carriedRequest, type EventLoop, Future, isLoopClosed, noteWait } from '../kernel/lowlevel.ts';

/**
 * A wait of a task for a job on another machine. As with a wait for a task, and unlike one for a promise, cancelling it does not end it:
 * it ends when the job has, so that the clean-up of the function is over by then.
 */
export class HeldWait<T> extends Future<T> {
  readonly #letGo: (wait: HeldWait<T>) => boolean;
  /** The message of the cancellation that was asked for; it ends as cancelled then, whatever the job gives. */
  #asked: { readonly message: unknown; readonly request: unknown } | null = null;
  /** Whether the job has ended. */
  #isOver = false;

  /** @param letGo called when it is cancelled; returns whether the wait ends at once */
  constructor(loop: EventLoop, purpose: { readonly name: string }, letGo: (wait: HeldWait<T>) => boolean) {
    super({ loop });
    this.#letGo = letGo;
    noteWait(this as Future<unknown>, { operation: purpose.name, object: purpose });
  }

  begin(outcome: Promise<T>): void {
    outcome.then(
      (value) => this.#settle(() => this.setResult(value)),
      (error) => this.#settle(() => this.setException(error as Error)),
    );
  }

  #settle(end: () => void): void {
    if (this.done() || isLoopClosed(this.getLoop())) return;
    this.#isOver = true;
    if (this.#asked === null) end();
    else cancelBecause(this, this.#asked.request, this.#asked.message);
  }

  override cancel(message?: unknown): boolean {
    if (this.done()) return false;
    if (this.#isOver || this.#letGo(this)) return super.cancel(message);
    this.#asked ??= { message, request: carriedRequest() };
    return true;
  }
}
