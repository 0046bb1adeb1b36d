import { CancelledError } from '../errors/errors.ts';
import { type AbortSignalLike, newAbortController, type PlatformAbortSignal } from './host.ts';
import type { Scope } from './scope.ts';
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
  return reason instanceof Error ? reason.message : reason === undefined ? undefined : textOfReason(reason);
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
    const throwIfAborted = (): void => {
      if (this.reason !== null) throw read();
    };
    Object.defineProperty(controller.signal, 'throwIfAborted', { configurable: true, value: throwIfAborted });
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
}

function textOfReason(reason: unknown): string {
  try {
    return String(reason);
  } catch {
    return Object.prototype.toString.call(reason);
  }
}

/** The signal of a scope: aborted when it, or one around it, is cancelled. */
export function signalOf(scope: Scope): PlatformAbortSignal | undefined {
  const task = scope.task!;
  if (scope.parent === null) return task.signal;
  if (scope.signal === undefined) {
    scope.signal = TaskSignal.make(() => {
      for (let at: Scope | null = scope; at !== null; at = at.parent) at.clearPending();
      scope.began = Number.MAX_SAFE_INTEGER;
    });
    task._signalled.push(scope);
    let isCancelled = task.cancelRequest !== null && task._requestsTo(scope) > scope.requestsAtEntry;
    for (let at: Scope | null = scope; at !== null; at = at.parent) if (at.own > 0) isCancelled = true;
    if (isCancelled) scope.signal?.abort(new CancelledError());
  }
  return scope.signal?.signal;
}
