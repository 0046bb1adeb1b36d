/**
 * The features of the platform that the kernel is built on: microtasks, timers, async contexts, promises, abort
 * controllers, the process. No other file reads `globalThis`; what tools, servers and streams need is in the files
 * beside this one. It is read each time a feature is used, so that fakes that a test installs are used too; only what
 * has to be real in spite of fakes is remembered at import.
 */

import { RuntimeError, ValueError } from '../../errors/errors.ts';

/** An `AbortSignal` as far as this library uses one. */
export interface AbortSignalLike {
  readonly aborted: boolean;
  readonly reason: unknown;
  addEventListener(type: 'abort', listener: () => void, options?: { once?: boolean }): void;
  removeEventListener(type: 'abort', listener: () => void): void;
  throwIfAborted(): void;
}

/** The `AbortSignal` of the platform's own types where the program has them (DOM or Node). */
export type PlatformAbortSignal = typeof globalThis extends { AbortSignal: { prototype: infer Signal } }
  ? Signal
  : AbortSignalLike;

interface AbortControllerLike {
  readonly signal: PlatformAbortSignal;
  abort(reason?: unknown): void;
}

/** An async context that was kept, to run code in it later (`AsyncResource`). */
export interface AsyncFrame {
  readonly [key: symbol]: unknown;
  runInAsyncScope<This, A extends unknown[], R>(fn: (this: This, ...args: A) => R, self: This, ...args: A): R;
}

/** The parts of `node:async_hooks` in use here. */
export interface AsyncHooks {
  readonly AsyncLocalStorage: new () => AsyncStorage;
  readonly AsyncResource: { new (type: string): AsyncFrame; readonly prototype: object };
  executionAsyncId?(): number;
  executionAsyncResource?(): unknown;
}

/** `AsyncLocalStorage` as far as it is used here. */
export interface AsyncStorage {
  getStore(): unknown;
  enterWith(store: unknown): void;
  disable?(): void;
}

export type TimerId = object | number;

interface MessagePortLike {
  postMessage(message: unknown): void;
  onmessage: (() => void) | null;
  ref?(): void;
  unref?(): void;
}

interface ProcessLike {
  readonly env?: Record<string, string | undefined>;
  readonly versions?: Record<string, string | undefined>;
  getBuiltinModule?(name: string): unknown;
  readonly execArgv?: readonly string[];
  on?(event: string, listener: (...args: unknown[]) => void): void;
  removeListener?(event: string, listener: (...args: unknown[]) => void): void;
  listenerCount?(event: string): number;
  eventNames?(): readonly (string | symbol)[];
  listeners?(event: string | symbol): readonly unknown[];
  emit?(event: unknown, ...args: unknown[]): boolean;
  exitCode?: number | string | undefined;
}

/** The globals in use, each of which a runtime may lack. */
interface Globals {
  readonly Object?: ObjectConstructor;
  readonly performance?: { now(): number };
  readonly setTimeout?: (callback: () => void, milliseconds: number) => TimerId;
  readonly clearTimeout?: (timer: TimerId) => void;
  readonly setInterval?: (callback: () => void, milliseconds: number) => TimerId;
  readonly clearInterval?: (timer: TimerId) => void;
  readonly setImmediate?: (callback: () => void) => unknown;
  readonly MessageChannel?: new () => { port1: MessagePortLike; port2: MessagePortLike };
  readonly AbortController?: new () => AbortControllerLike;
  readonly process?: ProcessLike;
  readonly window?: unknown;
  readonly WorkerGlobalScope?: abstract new (...args: never[]) => unknown;
  readonly console?: Logger;
  readonly reportError?: (error: unknown) => void;
  readonly addEventListener?: (type: string, listener: (event: RejectionEvent) => void) => void;
  readonly Deno?: { unrefTimer?(timer: number): void };
  readonly [key: symbol]: unknown;
}

/** Where reports go: to `console`, unless a program or a test replaces a method. */
export interface Logger {
  error(...data: unknown[]): void;
  warn(...data: unknown[]): void;
}

/** The globals of the platform. A file beside this one gives the type of those that only it needs. */
export const globals = <More = unknown>(): Globals & More => globalThis as object as Globals & More;

/**
 * The functions of the runtime when this module was loaded, nearly always before a test installs fake timers;
 * `undefined` for one that was fake already. The loop's own turns need real ones: if they were timers of the test, the
 * loop would stand still until the test advances its clock.
 */
const realImmediate = /* @__PURE__ */ notFake(/* @__PURE__ */ globals().setImmediate);
const realTimeout = /* @__PURE__ */ notFake(/* @__PURE__ */ globals().setTimeout);
const realClear = /* @__PURE__ */ notFake(/* @__PURE__ */ globals().clearTimeout);
const realNow = /* @__PURE__ */ findNow();

function findNow(): (() => number) | undefined {
  const { performance } = globals();
  return performance && notFake(performance.now)?.bind(performance);
}

/** The fake timers of Vitest and Jest have a property `clock`. */
function notFake<T extends object>(value: T | undefined): T | undefined {
  return value === undefined || 'clock' in value ? undefined : value;
}

/** Whether timers are faked by a test, whose clock may jump by days. */
export function hasFakeTimers(): boolean {
  return 'clock' in (globals().setInterval ?? {});
}

/**
 * Made by an async function, so that it is a promise of the JavaScript engine also where a program has replaced the
 * global `Promise`.
 */
export const RESOLVED: Promise<void> = /* @__PURE__ */ (async () => {})();

let foundPromise: (abstract new (...args: never[]) => unknown) | undefined;

/** The `Promise` of the JavaScript engine, also where a program has replaced the global one. */
export function enginePromise(): abstract new (...args: never[]) => unknown {
  foundPromise ??= RESOLVED.constructor as abstract new () => unknown;
  return foundPromise;
}

/**
 * Listens to a signal of the process, which replaces its default action. Listeners do not keep the process alive.
 * Returns what removes the listener, or `null` where there are no signals.
 *
 * @param mayWake whether a task that waits may go on because of this signal; `false` when the signal only ends a run or
 * writes a report
 * @throws {RuntimeError} outside the main thread, and for signals that cannot be caught
 * @throws {ValueError} when the system has no such signal
 */
export function listenToSignal(signal: string, listener: () => void, mayWake = true): (() => void) | null {
  const process = globals().process;
  const os = process?.getBuiltinModule?.('node:os') as { constants?: { signals?: object } } | undefined;
  const signals = os?.constants?.signals;
  if (process?.on === undefined || signals === undefined) return null;
  if (!isMainThread()) {
    throw new RuntimeError(`${signal}: only the main thread can handle signals`, { code: 'NOT_MAIN_THREAD' });
  }
  if (!Object.hasOwn(signals, signal)) {
    throw new ValueError(`this system has no signal ${signal}: give a name such as SIGTERM`, {
      code: 'UNKNOWN_SIGNAL',
    });
  }
  if (UNCATCHABLE.test(signal)) throw new RuntimeError(`${signal} cannot be caught`, { code: 'UNCATCHABLE_SIGNAL' });
  const relay: Relay = Object.assign((): void => listener(), { mayWake });
  process.on(signal, relay);
  return () => process.removeListener?.(signal, relay);
}

/** A listener to a signal, with the `mayWake` that it was added with. */
type Relay = (() => void) & { readonly mayWake: boolean };

/** Whether there is a listener to a signal, other than Ctrl-C, because of which a task that waits may go on. */
function mayBeWokenBySignal(process: ProcessLike | undefined): boolean {
  const names = process?.eventNames?.() ?? [];
  const wakesNone = (name: string | symbol): boolean | undefined =>
    process?.listeners?.(name).every((listener) => (listener as Partial<Relay>).mayWake === false);
  return names.some((name) => /^SIG(?!INT$)/.test(String(name)) && wakesNone(name) !== true);
}

/** Some runtimes accept listeners for these, and never call them. */
const UNCATCHABLE = /^SIG(?:KILL|STOP)$/;

const interruptListeners: Set<() => void> = /* @__PURE__ */ new Set();

function interrupt(): void {
  for (const listener of [...interruptListeners]) listener();
}

/**
 * Calls a listener on each Ctrl-C. All runs share one listener of the process. As in CPython, this does nothing when
 * the program handles Ctrl-C itself: then it returns `null`, as where there are no signals.
 */
export function listenToInterrupts(listener: () => void): (() => void) | null {
  const process = globals().process;
  if (process?.on === undefined || !isMainThread()) return null;
  if (interruptListeners.size === 0) {
    if (process.listenerCount?.('SIGINT') !== 0) return null;
    process.on('SIGINT', interrupt);
  }
  interruptListeners.add(listener);
  return () => {
    interruptListeners.delete(listener);
    if (interruptListeners.size === 0) process.removeListener?.('SIGINT', interrupt);
  };
}

let channelQueue: (() => void)[] | null = null;
let channel: { readonly port1: MessagePortLike; readonly port2: MessagePortLike } | null = null;

/**
 * Asks for a turn as soon as possible: a microtask where the runtime has async contexts. Elsewhere it is a macrotask:
 * between an `await` of code outside any task and the call of `then` that the `await` causes, no task may begin a step,
 * because the `await` would be taken for one of that task.
 */
export function askForTurn(turn: () => void): void {
  if (canTellTasks()) RESOLVED.then(turn);
  else afterMicrotasks(turn);
}

/** Whether the runtime has async contexts, which tell to which task the code after an `await` belongs. */
export function canTellTasks(): boolean {
  return findAsyncHooks() !== null;
}

/**
 * Calls a function once, in a macrotask, so that all pending microtasks have run before; a real macrotask, also while
 * timers are faked.
 */
export function afterMicrotasks(callback: () => void): void {
  const { setImmediate, MessageChannel, setTimeout } = globals();
  const immediate = setImmediate && (realImmediate ?? notFake(setImmediate));
  if (immediate !== undefined) {
    immediate(callback);
  } else if (MessageChannel !== undefined) {
    if (channelQueue === null) {
      const queue: (() => void)[] = [];
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => {
        const next = queue.shift();
        if (queue.length === 0) port1.unref?.(); // where there is a process, it ends when nothing else is left
        next?.();
      };
      channelQueue = queue;
      channel = { port1, port2 };
    }
    if (channelQueue.push(callback) === 1) channel?.port1.ref?.();
    channel?.port2.postMessage(null);
  } else {
    (realTimeout ?? setTimeout)?.(callback, 0);
  }
}

let asyncHooks: AsyncHooks | null | undefined;

/**
 * `node:async_hooks` where the runtime has it. It is looked for at run time, not imported, because a bundle for
 * browsers could not resolve the import.
 */
export function findAsyncHooks(): AsyncHooks | null {
  if (asyncHooks === undefined) {
    const found = globals().process?.getBuiltinModule?.('node:async_hooks') as AsyncHooks | undefined;
    asyncHooks = found?.AsyncLocalStorage !== undefined && found.AsyncResource !== undefined ? found : null;
  }
  return asyncHooks;
}

/** Calls a function with a temporary `AsyncLocalStorage`; returns `null` where the runtime has none. */
export function withAsyncStorage<R>(fn: (storage: AsyncStorage) => R): R | null {
  const hooks = findAsyncHooks();
  if (hooks === null) return null;
  const storage = new hooks.AsyncLocalStorage();
  try {
    return fn(storage);
  } finally {
    storage.disable?.(); // otherwise some versions of Node go on to watch every promise for it
  }
}

/** Keeps the present async context; returns `null` where the runtime has none. */
export function newAsyncFrame(): AsyncFrame | null {
  const hooks = findAsyncHooks();
  return hooks === null ? null : new hooks.AsyncResource(FRAME);
}

/**
 * Whether the runtime itself has called the code that runs now: a timer, a request handler, a message. While a callback
 * runs there is an execution id. In the continuation of a promise there is none or, while promise hooks are on, one
 * whose resource is a promise. While a function that is bound to an `AsyncResource` runs there is an id too, but its
 * code belongs to the code that bound it. Always false in runtimes that have no ids.
 */
export function isCalledByRuntime(): boolean {
  return callbackId(0) !== 0;
}

/**
 * The execution id of the callback that runs now, if the runtime has called it; 0 otherwise.
 *
 * @param known an id that is known to be that of a callback: it is returned without another check
 */
export function callbackId(known: number): number {
  executionId ??= findAsyncHooks()?.executionAsyncId ?? noId;
  const id = executionId();
  return id === known || (id !== 0 && isCallback()) ? id : 0;
}

/** The runtime's `executionAsyncId`, kept because it is called at every `await`. */
let executionId: (() => number) | undefined;

function noId(): number {
  return 0;
}

function isCallback(): boolean {
  const hooks = findAsyncHooks()!;
  const resource = hooks.executionAsyncResource?.();
  if (resource instanceof enginePromise()) return false;
  return !(resource instanceof hooks.AsyncResource) || isOurs(resource) || isMicrotask(resource, hooks);
}

/**
 * Deno calls what was scheduled in an async frame of this library with that frame as its resource. Code that the loop
 * calls in such a frame does not get here, because this is not asked while a handle runs.
 */
function isOurs(resource: { readonly type?: unknown }): boolean {
  return resource.type === FRAME;
}

const FRAME = 'asyncio-ts';

/**
 * Callbacks of `queueMicrotask` have an `AsyncResource` too. Node keeps the callback in it, by which it is recognised.
 */
function isMicrotask(resource: object, hooks: AsyncHooks): boolean {
  return Object.getPrototypeOf(resource) === hooks.AsyncResource.prototype && Object.hasOwn(resource, 'callback');
}

/**
 * Whether all callbacks of the runtime can be distinguished from continuations of promises. In Bun none can be, in Deno
 * some.
 */
export function canTellCallbacks(): boolean {
  const versions = globals().process?.versions;
  return findAsyncHooks() !== null && versions?.['node'] !== undefined && !('bun' in versions) && !('deno' in versions);
}

/**
 * Whether an async function continues in the async context in which it was called (Bun). Elsewhere it continues in the
 * context of the `await`, so that it is early enough to enter a context when the function reads a `then`.
 */
export function keepsContextOfCall(): boolean {
  const versions = globals().process?.versions;
  return versions !== undefined && 'bun' in versions;
}

/** Whether this is the main thread. Its loop is made on first use; other threads have to set theirs. */
export function isMainThread(): boolean {
  const { process, window, WorkerGlobalScope } = globals();
  const threads = process?.getBuiltinModule?.('node:worker_threads') as { isMainThread?: boolean } | undefined;
  if (threads?.isMainThread !== undefined) return threads.isMainThread;
  return window !== undefined || WorkerGlobalScope === undefined || !(globalThis instanceof WorkerGlobalScope);
}

/** Whether `ASYNCIO_DEBUG=1` is set in the environment. */
export function debugFromEnvironment(): boolean {
  return isSwitchedOn('ASYNCIO_DEBUG');
}

/** Whether a variable of the environment is set, and neither empty nor 0. */
export function isSwitchedOn(variable: string): boolean {
  try {
    const value = globals().process?.env?.[variable];
    return value !== undefined && value !== '' && value !== '0';
  } catch {
    return false; // Deno without the permission to read the environment
  }
}

/** A new `AbortController`, or `null` where the runtime has none. */
export function newAbortController(): AbortControllerLike | null {
  const { AbortController } = globals();
  return AbortController === undefined ? null : new AbortController();
}

/** Calls `listener` when the process ends, where there is a process. */
export function onProcessExit(listener: (code: unknown) => void): void {
  const process = globals().process;
  process?.on?.('exit', listener);
}

let probes = 0;

/**
 * Calls a function when nothing but a timer keeps the process alive. Meanwhile the timer does not; afterwards it does
 * again. Only the event `beforeExit` tells this: the list of active resources lacks workers and much else. Bun and Deno
 * do not emit it while a module waits at its top level.
 *
 * @returns a function that ends this; `null` when the program listens to a signal that can wake its tasks, so that it
 * is not stuck, or to `beforeExit`, which must not be emitted to it because of this library
 */
export function whenNothingElseIsLeft(timer: TimerId, callback: () => void): (() => void) | null {
  const { process } = globals();
  if (mayBeWokenBySignal(process)) return null;
  if (process?.listenerCount?.('beforeExit') !== probes) return null;
  const listener = (): void => {
    stop();
    callback();
  };
  const stop = (): void => {
    probes--;
    process.removeListener?.('beforeExit', listener);
    (timer as { ref?(): void }).ref?.();
  };
  probes++;
  process.on?.('beforeExit', listener);
  unref(timer);
  return stop;
}

const exitCodes = /* @__PURE__ */ new WeakMap<object, number>();
/** Whether the listener for all these errors was added to the process. */
let listensForExit = false;

/** Sets the exit code with which the process ends if this error is not caught. */
export function exitWithCode(error: object, code: number): void {
  exitCodes.set(error, code);
  if (listensForExit) return;
  listensForExit = true;
  const { process } = globals();
  // Unlike `uncaughtException`, a listener for this event does not change what happens. Runtimes without it end with 1.
  process?.on?.('uncaughtExceptionMonitor', (uncaught: unknown) => {
    const own = exitCodes.get(uncaught as object);
    if (own === undefined) return;
    process.on?.('exit', () => {
      process.exitCode = own;
    });
  });
}

/** Calls a function after so many seconds, if the program still runs then: the timer does not keep it alive. */
export function callInBackground(seconds: number, callback: () => void): void {
  const timer = globals().setTimeout?.(callback, seconds * 1_000);
  if (timer !== undefined) unref(timer);
}

/** Calls a function at intervals, without keeping the program alive. Returns a function that ends this. */
export function inIntervals(seconds: number, callback: () => void): () => void {
  const { setInterval, clearInterval } = globals();
  const timer = setInterval?.(callback, seconds * 1_000);
  if (timer === undefined) return () => {};
  unref(timer);
  return () => clearInterval?.(timer);
}

/** Seconds of the clock that the program sees, which a test may have faked. */
export function presentTime(): number {
  return (globals().performance ?? Date).now() / 1_000;
}

/** Seconds of real time since some fixed moment, also while clocks are faked. */
export function realTime(): number {
  return (realNow?.() ?? (globals().performance ?? Date).now()) / 1_000;
}

/**
 * Calls a function after so many seconds of real time, also while timers are faked. Returns a function that cancels the
 * call.
 */
export function afterRealTime(seconds: number, callback: () => void): () => void {
  const timer = (realTimeout ?? globals().setTimeout)?.(callback, seconds * 1_000);
  return () => {
    if (timer !== undefined) (realClear ?? globals().clearTimeout)?.(timer);
  };
}

function unref(timer: TimerId): void {
  if (typeof timer === 'number') globals().Deno?.unrefTimer?.(timer);
  else (timer as { unref?(): void }).unref?.();
}

/** Makes the runtime treat an error as an unhandled rejection. */
export function throwUnhandled(error: unknown): void {
  Promise.reject(error);
}

/**
 * Reports an error in a page or its workers as they report errors of event listeners, so that monitoring sees it.
 * Returns false where there is no page.
 */
export function reportToPage(error: unknown): boolean {
  const { process, reportError } = globals();
  if (reportError === undefined || process?.versions?.['node'] !== undefined) return false;
  reportError(error);
  return true;
}

/**
 * Throws an error from a macrotask of its own, where no code can catch it: the runtime treats it as an uncaught
 * exception.
 */
export function throwUncaught(error: unknown): void {
  afterMicrotasks(() => {
    throw error;
  });
}

/** The `unhandledrejection` event of pages and workers. */
interface RejectionEvent {
  readonly reason: unknown;
  preventDefault(): void;
}

let ignoresRejections = false;

/**
 * From now on unhandled rejections with certain reasons are ignored. Nothing changes for all others. In a process this
 * cannot be done by a listener alone, because a listener replaces the runtime's default action for all rejections.
 */
export function ignoreRejections(isMeant: (reason: unknown) => boolean): void {
  if (ignoresRejections) return;
  ignoresRejections = true;
  const { process, addEventListener } = globals();
  const versions = process?.versions;
  if (process?.on !== undefined && versions?.['node'] !== undefined && !('deno' in versions)) {
    if (!('bun' in versions)) keepFromListeners(process, isMeant);
    else if (!hasRejectionMode(process)) ignoreInProcess(process, isMeant);
  } else {
    addEventListener?.('unhandledrejection', (event) => {
      if (isMeant(event.reason)) event.preventDefault();
    });
  }
}

/** Whether the program was started with `--unhandled-rejections`, whose effect a listener would change. */
function hasRejectionMode({ execArgv = [], env }: ProcessLike): boolean {
  return [...execArgv, env?.['NODE_OPTIONS'] ?? ''].some((option) => option.includes('--unhandled-rejections'));
}

const UNHANDLED = 'unhandledRejection';

/**
 * Node calls `process.emit`, and takes its default action when that returns false. So `emit` is replaced. A listener
 * would suppress the default action for all rejections, and would not keep the program's own listeners from being
 * called: a program that ends at an unhandled rejection would end whenever a deadline cancels a call whose promise it
 * has not awaited yet.
 */
function keepFromListeners(process: ProcessLike, isMeant: (reason: unknown) => boolean): void {
  const { emit } = process;
  if (emit === undefined) return;
  process.emit = function emitUnlessMeant(this: unknown, event: unknown, ...args: unknown[]): boolean {
    if (event === UNHANDLED && isMeant(args[0])) return true;
    return Reflect.apply(emit, this, [event, ...args]) as boolean;
  };
}

/**
 * Bun does not call `process.emit`, so here it is a listener. For other reasons it makes the runtime take its default
 * action, unless the program has a listener. Listeners of the program are called for ignored reasons too.
 */
function ignoreInProcess(process: ProcessLike, isMeant: (reason: unknown) => boolean): void {
  const listener = (reason: unknown): void => {
    // With a listener of its own, the program has replaced the default action.
    if (isMeant(reason) || process.listenerCount?.(UNHANDLED) !== 1) return;
    // The default action is taken when a promise is rejected with the same reason while there is no listener.
    process.removeListener?.(UNHANDLED, listener);
    Promise.reject(reason);
    afterMicrotasks(() => process.on?.(UNHANDLED, listener));
  };
  process.on?.(UNHANDLED, listener);
}

/** Where the library reports what cannot be thrown in code of the program. A program may replace its methods. */
export const logger: Logger = {
  error: (...data) => globals().console?.error(...data),
  warn: (...data) => globals().console?.warn(...data),
};
