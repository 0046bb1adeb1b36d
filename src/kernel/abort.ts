import { type CancelledError, cancelledError, textOf } from '../errors/errors.ts';
import { MUST_CANCEL, type Request, type Scope, type SignalRole } from './engine/roles.ts';
import { clock, isWithin } from './engine/scope.ts';
import { type AbortSignalLike, newAbortController, type PlatformAbortSignal } from './runtime/platform.ts';
import type { Task } from './task.ts';

/** Cancels a task when a signal is aborted, with the reason's message. */
export function cancelOnAbort(task: Task<unknown>, signal: AbortSignalLike): void {
  const cancel = (): void => {
    task._cancelFor('an AbortSignal', messageOf(signal.reason));
  };
  if (signal.aborted) {
    cancel();
    return;
  }
  signal.addEventListener('abort', cancel, { once: true });
  task.addDoneCallback(() => signal.removeEventListener('abort', cancel));
}

function messageOf(reason: unknown): string | undefined {
  return reason instanceof Error ? reason.message : reason === undefined ? undefined : textOf(reason);
}

/**
 * The signal of a scope. Whoever reads its `reason` once it is aborted, as those do who reject a promise with it, has seen the
 * cancellation: it is not delivered a second time. Runtimes whose own `fetch` reads it past JavaScript do not tell.
 */
class ScopeSignal implements SignalRole {
  readonly signal: PlatformAbortSignal;
  /** The `CancelledError` that it was aborted with. */
  #reason: CancelledError | null = null;
  readonly #controller: { abort(reason?: unknown): void };

  constructor(controller: NonNullable<ReturnType<typeof newAbortController>>, onSeen: () => void) {
    this.#controller = controller;
    this.signal = controller.signal;
    const read = (): unknown => {
      if (this.#reason === null) return undefined;
      onSeen();
      return this.#reason;
    };
    const throwIfAborted = (): void => {
      if (this.#reason !== null) throw read();
    };
    Object.defineProperty(controller.signal, 'throwIfAborted', { configurable: true, value: throwIfAborted });
    Object.defineProperty(controller.signal, 'reason', { configurable: true, enumerable: true, get: read });
  }

  get isAborted(): boolean {
    return this.#reason !== null;
  }

  abort(reason: CancelledError): void {
    if (this.#reason !== null) return;
    this.#reason = reason;
    this.#controller.abort(reason);
  }
}

/** The signal of a scope: aborted when it, or one around it, is cancelled. `null` where the runtime has no `AbortController`. */
export function signalOf(scope: Scope, task: Task<unknown>): PlatformAbortSignal | null {
  if (scope.signal === null) {
    const controller = newAbortController();
    if (controller === null) return null;
    const made = new ScopeSignal(controller, () => seen(scope, task));
    scope.signal = made;
    if (!task._signalled.includes(scope)) task._signalled.push(scope);
    if (isCancelled(scope, task)) made.abort(cancelledError(task._request?.message, task._request));
  }
  return (scope.signal as ScopeSignal).signal;
}

function isCancelled(scope: Scope, task: Task<unknown>): boolean {
  if (task.cancelled() || task._requestsTo(scope) > 0) return true;
  return scope.own > 0;
}

/** Somebody has read the reason: the request has arrived, and whoever waits for a reaction has it. */
function seen(scope: Scope, task: Task<unknown>): void {
  const now = ++clock.now;
  for (let at: Scope | null = scope; at !== null; at = at.parent) {
    at.pending = null;
    at.began = now;
  }
  task._marks &= ~MUST_CANCEL;
}

/** A request has been made to a scope: aborts the signals of all scopes in it. */
export function abortSignals(signalled: readonly Scope[], scope: Scope, request: Request): void {
  for (const one of [...signalled]) {
    if (isWithin(one, scope)) one.signal?.abort(cancelledError(request.message, request));
  }
}
