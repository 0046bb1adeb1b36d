import { type CancelledError, cancelledError, textOf } from '../errors/errors.ts';
import { noteDelivered } from './engine/delivered.ts';
import { MadeRequest, sequence } from './engine/request.ts';
import { MUST_CANCEL, type Request, type Scope, type SignalRole } from './engine/roles.ts';
import { isWithin } from './engine/scope.ts';
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
 * The signal of a scope. When code reads its `reason` after it was aborted, for example to reject a promise with it, that code has seen the
 * cancellation, so it is not delivered a second time. When a native `fetch` reads the reason without calling JavaScript, this is not
 * noticed.
 */
class ScopeSignal implements SignalRole {
  readonly signal: PlatformAbortSignal;
  seenAt = 0;
  /** The `CancelledError` that it was aborted with. */
  #reason: CancelledError | null = null;
  readonly #controller: { abort(reason?: unknown): void };

  constructor(controller: NonNullable<ReturnType<typeof newAbortController>>, onSeen: () => void) {
    this.#controller = controller;
    this.signal = controller.signal;
    const read = (): unknown => {
      if (this.#reason === null) return undefined;
      this.seenAt = ++sequence.now;
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
    noteDelivered(reason); // it may be the reason of a rejected promise, such as a `fetch` that nobody awaits
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
    task._signalled.push(scope);
    if (isCancelled(scope, task)) {
      const request = pendingIn(scope) ?? requestOfConstruct(scope, task) ?? task._request;
      made.abort(cancelledError(request?.message, request));
    }
  }
  return (scope.signal as ScopeSignal).signal;
}

/** Whether the end of a scope was requested since it was entered, or an earlier request is pending for its first await. */
function isCancelled(scope: Scope, task: Task<unknown>): boolean {
  if (task.cancelled() || (task._marks & MUST_CANCEL) !== 0) return true;
  if (pendingIn(scope) !== null) return true;
  const before = scope.parent === null ? 0 : scope.requestsAtEntry;
  return scope.own > 0 || task._requestsTo(scope) > before;
}

/** A request that is pending for the next await of a scope. */
function pendingIn(scope: Scope): Request | null {
  for (let at: Scope | null = scope; at !== null; at = at.parent) if (at.pending !== null) return at.pending;
  return null;
}

/** The request of a construct around the scope that has asked for its own scope's end, and was already delivered. */
function requestOfConstruct(scope: Scope, task: Task<unknown>): Request | null {
  for (let at: Scope | null = scope; at !== null; at = at.parent) {
    if (at.own > 0) return new MadeRequest(task, null, undefined, at.owner, null, task.getLoop().time());
  }
  return null;
}

/** The reason was read: the request counts as delivered, and as a reaction of the scope. */
function seen(scope: Scope, task: Task<unknown>): void {
  const { now } = sequence;
  for (let at: Scope | null = scope; at !== null; at = at.parent) {
    if (at.pending !== null) at.pending = null;
    at.began = now;
  }
  task._marks &= ~MUST_CANCEL;
}

/** A request has been made to a scope: aborts the signals of all scopes in it. */
export function abortSignals(signalled: readonly Signalled[], scope: Scope, request: Request): void {
  for (const one of [...signalled]) {
    const at = one instanceof WeakRef ? one.deref() : one;
    if (at !== undefined && isWithin(at, scope)) at.signal?.abort(cancelledError(request.message, request));
  }
}

/**
 * A scope that has a signal. After the scope was left, the reference is weak, because a line that was left behind may still use the signal.
 */
export type Signalled = Scope | WeakRef<Scope>;

/** A scope is left: from now on its signal lives only as long as the program holds it. */
export function weaken(signalled: Signalled[], scope: Scope): void {
  const at = signalled.indexOf(scope);
  if (at < 0) return;
  signalled[at] = new WeakRef(scope);
  if (signalled.length < MANY) return;
  const kept = signalled.filter((one) => !(one instanceof WeakRef) || one.deref() !== undefined);
  signalled.splice(0, signalled.length, ...kept);
}

const MANY = 32;
