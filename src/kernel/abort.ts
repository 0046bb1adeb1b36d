import { type CancelledError, cancelledError, RuntimeError, textOf } from '../errors/errors.ts';
import { typeError } from '../errors/type-error.ts';
import { describe } from '../internal/describe.ts';
import { SharedListener } from '../internal/shared-listener.ts';
import { cancelFor } from './cancel-for.ts';
import { noteDelivered } from './engine/delivered.ts';
import { sequence } from './engine/request.ts';
import { MUST_CANCEL, type Request, type Scope, type SignalRole } from './engine/roles.ts';
import { askedScopes, dropPending, OVER } from './engine/scope.ts';
import { type AbortSignalLike, newAbortController, type PlatformAbortSignal } from './runtime/platform.ts';
import type { Task } from './task.ts';

/** Cancels a task when a signal is aborted, with the reason's message. */
export function cancelOnAbort(task: Task<unknown>, signal: AbortSignalLike): void {
  const cancel = (): void => {
    cancelFor(task, 'an AbortSignal', messageOf(reasonOf(signal)));
  };
  if (signal.aborted) cancel();
  else task.addDoneCallback(onAbort(signal, cancel));
}

const listenersOf = new WeakMap<AbortSignalLike, SharedListener<() => void>>();

/**
 * Calls a listener once when a signal is aborted. Many may wait for the same signal, such as that of the whole program,
 * so this library adds only one listener to it.
 *
 * @returns a function that takes the listener back
 */
export function onAbort(signal: AbortSignalLike, listener: () => void): () => void {
  let listeners = listenersOf.get(signal);
  if (listeners === undefined) {
    listeners = new SharedListener((tell, isAdded) => {
      if (isAdded) signal.addEventListener('abort', tell);
      else signal.removeEventListener('abort', tell);
    });
    listenersOf.set(signal, listeners);
  }
  const remove = listeners.add(() => {
    remove();
    listener();
  });
  return remove;
}

/**
 * Checks the option `signal`, before a task is made with it.
 *
 * @throws {TypeError} when it is not a signal
 */
export function checkSignal(signal: unknown): void {
  const given = (signal ?? {}) as Partial<AbortSignalLike> & { readonly signal?: unknown };
  if (typeof given.addEventListener === 'function') return;
  const hint = given.signal === undefined ? '' : '; write { signal: controller.signal }';
  throw typeError(`signal must be an AbortSignal, got ${describe(signal)}${hint}`);
}

/** Whether the library itself reads the reason of a signal, which delivers no cancellation to the line whose signal it may be. */
let isLooking = false;

function reasonOf(signal: AbortSignalLike): unknown {
  isLooking = true;
  try {
    return signal.reason;
  } finally {
    isLooking = false;
  }
}

function messageOf(reason: unknown): string | undefined {
  return reason instanceof Error ? reason.message : reason === undefined ? undefined : textOf(reason);
}

/**
 * The signal of a scope. When code reads its `reason` after it was aborted, for example to reject a promise with it,
 * that code has seen the cancellation, so it is not delivered a second time. When a native `fetch` reads the reason
 * without calling JavaScript, this is not noticed.
 */
class ScopeSignal implements SignalRole {
  readonly signal: PlatformAbortSignal;
  seenAt = 0;
  /** The `CancelledError` that it was aborted with. */
  #reason: CancelledError | null = null;
  readonly #controller: { abort(reason?: unknown): void };

  constructor(controller: ReturnType<typeof newController>, onSeen: () => void) {
    this.#controller = controller;
    this.signal = controller.signal;
    const read = (): unknown => {
      if (this.#reason === null || isLooking) return this.#reason ?? undefined;
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

/** @throws {RuntimeError} where the runtime has none */
function newController(): NonNullable<ReturnType<typeof newAbortController>> {
  const controller = newAbortController();
  if (controller === null)
    throw new RuntimeError('This runtime has no AbortController', { code: 'NO_ABORT_CONTROLLER' });
  return controller;
}

/**
 * A signal that is never aborted.
 *
 * @throws {RuntimeError} where the runtime has no `AbortController`
 */
export function newSignal(): PlatformAbortSignal {
  return newController().signal;
}

/**
 * The signal of a scope: aborted when it, or one around it, is cancelled.
 *
 * @throws {RuntimeError} where the runtime has no `AbortController`
 */
export function signalOf(scope: Scope, task: Task<unknown>): PlatformAbortSignal {
  if (scope.signal === null) {
    const made = new ScopeSignal(newController(), () => seen(scope, task));
    scope.signal = made;
    addNode(scope);
    if (isCancelled(scope, task)) {
      const request = pendingIn(scope) ?? askedScopes(scope)[0]?.asked ?? task._request;
      made.abort(cancelledError(request?.message, request));
    }
  }
  return (scope.signal as ScopeSignal).signal;
}

/**
 * Whether the end of a scope was requested since it was entered, or an earlier request is pending for its first await.
 */
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

/** The reason was read: the request counts as delivered, and as a reaction of the scope. */
function seen(scope: Scope, task: Task<unknown>): void {
  const { now } = sequence;
  for (let at: Scope | null = scope; at !== null; at = at.parent) {
    dropPending(at);
    at.began = now;
  }
  task._marks &= ~MUST_CANCEL;
}

/**
 * The node of a scope in the tree of those scopes of a task that have a signal, or have a scope with a signal inside
 * them.
 *
 *     root ─▶ timeout ─▶ group ─▶ timeout      each node knows those directly inside it, so that a request finds all
 *                                              signals in its scope, and no others
 *
 * While a scope is entered, the node around it holds its node strongly, because code that waits only for its signal may
 * not be reachable from anywhere else. When it and all scopes inside it were left, its node is held weakly: its signal
 * lives as long as the program has it, for example in a line that was left behind.
 */
class SignalNode {
  readonly scope: Scope;
  readonly parent: SignalNode | null;
  /** Its entry in the node around it. */
  readonly entry: Entry;
  /** The nodes directly inside it, in the order in which they came. */
  #inner: Entry[] = [];
  /** How many of these were left after the last sweep, which removes those that were garbage collected. */
  #alive = FEW;
  /**
   * How many reasons there are to hold it strongly: one while its scope was not left, and one for each node inside it
   * that is held strongly.
   */
  #holds = 0;

  constructor(scope: Scope, parent: SignalNode | null) {
    this.scope = scope;
    this.parent = parent;
    this.entry = { held: null, left: null };
    if (parent !== null) parent.#add(this.entry);
  }

  /** Sweeps when the number of nodes has doubled since the last sweep, so that on average adding one is O(1). */
  #add(entry: Entry): void {
    if (this.#inner.length >= 2 * this.#alive) {
      this.#inner = this.#inner.filter((one) => nodeOf(one) !== undefined);
      this.#alive = Math.max(FEW, this.#inner.length);
    }
    this.#inner.push(entry);
  }

  hold(): void {
    for (let at: SignalNode | null = this; at !== null && at.#holds++ === 0; at = at.parent) at.entry.held = at;
  }

  release(): void {
    for (let at: SignalNode | null = this; at !== null && --at.#holds === 0; at = at.parent) {
      at.entry.held = null;
      at.entry.left ??= new WeakRef(at);
    }
  }

  /**
   * The scopes inside this one that have a signal, itself first. Without recursion, because a program may nest scopes
   * to any depth.
   */
  signalled(): Scope[] {
    const found: Scope[] = [];
    const open: SignalNode[] = [this];
    for (let at = open.pop(); at !== undefined; at = open.pop()) {
      if (at.scope.signal !== null) found.push(at.scope);
      for (let i = at.#inner.length - 1; i >= 0; i--) {
        const inner = nodeOf(at.#inner[i]!);
        if (inner !== undefined) open.push(inner);
      }
    }
    return found;
  }
}

/** A reference from one node to another. */
interface Entry {
  /** Strong, while the scope is entered. */
  held: SignalNode | null;
  /** Weak, once the scope was left. */
  left: WeakRef<SignalNode> | null;
}

function nodeOf({ held, left }: Entry): SignalNode | undefined {
  return held ?? left?.deref();
}

/** A node with fewer nodes than this inside it is not swept. */
const FEW = 16;

/** Makes the node of a scope, and those of the scopes around it that have none. */
function addNode(scope: Scope): void {
  const without: Scope[] = [];
  let at: Scope | null = scope;
  for (; at !== null && at.signals === null; at = at.parent) without.push(at);
  let parent = at === null ? null : (at.signals as SignalNode);
  for (let i = without.length - 1; i >= 0; i--) {
    const made = new SignalNode(without[i]!, parent);
    without[i]!.signals = made;
    if ((without[i]!.marks & OVER) === 0) made.hold();
    else made.entry.left = new WeakRef(made);
    parent = made;
  }
}

/** A request has been made to a scope: aborts the signals of all scopes in it, if there are any. */
export function abortSignals(scope: Scope, request: Request): void {
  const node = scope.signals as SignalNode | null;
  if (node === null) return;
  for (const one of node.signalled()) one.signal?.abort(cancelledError(request.message, request));
}

/** A scope is left: from now on its signal lives only as long as the program holds it. */
export function weaken(scope: Scope): void {
  (scope.signals as SignalNode).release();
}
