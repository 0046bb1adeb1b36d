import type { CancelledError } from '../errors/errors.ts';
import { type AbortSignalLike, newAbortController, type PlatformAbortSignal } from './host.ts';
import type { Task } from './task.ts';

/** Cancels a task when a signal is aborted, with the reason's message. */
export function cancelOnAbort(task: Task<unknown>, signal: AbortSignalLike): void {
  const cancel = (): void => {
    const message = messageOf(signal.reason);
    if (message === undefined) task.cancel();
    else task.cancel(message);
  };
  if (signal.aborted) {
    cancel();
    return;
  }
  signal.addEventListener('abort', cancel, { once: true });
  task.addDoneCallback(() => signal.removeEventListener('abort', cancel));
}

function messageOf(reason: unknown): string | undefined {
  return reason instanceof Error ? reason.message : reason === undefined ? undefined : String(reason);
}

/**
 * The signal of a task. Whoever reads its `reason` once it is aborted, as those do who reject a promise with it, has seen the
 * cancellation: it is not delivered a second time. Runtimes whose own `fetch` reads it past JavaScript do not tell.
 */
export class TaskSignal {
  readonly signal: PlatformAbortSignal;
  /** The `CancelledError` that it was aborted with. */
  reason: CancelledError | null = null;
  readonly #controller: { abort(reason?: unknown): void };

  private constructor(controller: NonNullable<ReturnType<typeof newAbortController>>, onSeen: () => void) {
    this.#controller = controller;
    this.signal = controller.signal;
    const read = (): unknown => {
      if (this.reason === null) return undefined;
      onSeen();
      return this.reason;
    };
    Object.defineProperty(controller.signal, 'reason', { configurable: true, enumerable: true, get: read });
  }

  /**
   * `null` where the runtime has no `AbortController`.
   *
   * @param onSeen called when somebody reads the reason of the aborted signal
   */
  static make(onSeen: () => void): TaskSignal | null {
    const controller = newAbortController();
    return controller === null ? null : new TaskSignal(controller, onSeen);
  }

  abort(reason: CancelledError): void {
    this.reason ??= reason;
    this.#controller.abort(this.reason);
  }

  /** Whether an error is what the signal was aborted with, or what an API of the platform has made of it. */
  hasCaused(error: unknown): boolean {
    return this.reason !== null && error instanceof Error && error.name === 'AbortError' && error.cause === this.reason;
  }
}
