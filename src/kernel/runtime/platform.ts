/**
 * What the platform gives, and the one place that looks at it. `globalThis` is read at the time of use, so that fakes that a test
 * installs are seen; only what has to be real in spite of fakes is remembered at import.
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

/** The async context of some moment, in which code can be run later (`AsyncResource`). */
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
  exit?(code: number): void;
  getActiveResourcesInfo?(): string[];
  exitCode?: number | string | undefined;
}

/** What a console may have for developer tools. */
export interface DevtoolsConsole {
  timeStamp?(label: string, start: number, end: number, track: string, group: string, color: string): void;
  createTask?(name: string): { run(step: () => void): unknown };
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
  readonly TextEncoder?: new () => { encode(text: string): Uint8Array };
  readonly TextDecoder?: new (encoding: string) => TextDecoderLike;
  readonly window?: unknown;
  readonly Response?: new (body: unknown, init: object) => object;
  readonly ReadableStream?: new (source: object, strategy: object) => object;
  readonly WorkerGlobalScope?: abstract new (...args: never[]) => unknown;
  readonly console?: Logger;
  readonly reportError?: (error: unknown) => void;
  readonly Deno?: { unrefTimer?(timer: number): void };
  readonly addEventListener?: (type: string, listener: (event: RejectionEvent) => void) => void;
  readonly [key: symbol]: unknown;
}

/** A `TextDecoder` as far as this library uses one. */
export interface TextDecoderLike {
  readonly encoding: string;
  decode(bytes?: Uint8Array, options?: { stream?: boolean }): string;
}

/** Where reports go: `console`, unless a program or a test takes a method over. */
export interface Logger {
  error(...data: unknown[]): void;
  warn(...data: unknown[]): void;
}

export const globals = (): Globals => globalThis as object as Globals;

/**
 * What the runtime had when this module was loaded, which is nearly always before a test installs fake timers: turns of the runtime are no
 * timers of a program, and a loop whose turns wait for a test to advance a clock would stand still. `undefined` for a fake one.
 */
const realImmediate = /* @__PURE__ */ notFake(/* @__PURE__ */ globals().setImmediate);
const realTimeout = /* @__PURE__ */ notFake(/* @__PURE__ */ globals().setTimeout);
const realClear = /* @__PURE__ */ notFake(/* @__PURE__ */ globals().clearTimeout);
const realNow = /* @__PURE__ */ findNow();

function findNow(): (() => number) | undefined {
  const { performance } = globals();
  return performance && notFake(performance.now)?.bind(performance);
}

/** The fake timers of Vitest and Jest have a clock. */
function notFake<T extends object>(value: T | undefined): T | undefined {
  return value === undefined || 'clock' in value ? undefined : value;
}

/** Whether timers are a test's, whose clock may jump by days. */
export function hasFakeTimers(): boolean {
  return 'clock' in (globals().setInterval ?? {});
}

/** Of an async function, so that it is the engine's own promise also where a program has replaced the global one. */
export const RESOLVED: Promise<void> = /* @__PURE__ */ (async () => {})();

/**
 * Listens to a signal of the process instead of what would happen by default. Several listeners suppress that as one does, and none
 * keeps the process alive. `null` where there are no signals.
 *
 * @param mayWake whether the program may go on by this signal; `false` when it only ends a run or writes a report, as Ctrl-C does
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

/** What listens to a signal, and tells whether a task that waits may go on by it. */
type Relay = (() => void) & { readonly mayWake: boolean };

/** Whether somebody listens to a signal, other than Ctrl-C, that may wake a program. */
function mayBeWokenBySignal(process: ProcessLike | undefined): boolean {
  const names = process?.eventNames?.() ?? [];
  const wakesNone = (name: string | symbol): boolean | undefined =>
    process?.listeners?.(name).every((listener) => (listener as Partial<Relay>).mayWake === false);
  return names.some((name) => /^SIG(?!INT$)/.test(String(name)) && wakesNone(name) !== true);
}

/** Some runtimes let one listen to these, in vain. */
const UNCATCHABLE = /^SIG(?:KILL|STOP)$/;

const interruptListeners: Set<() => void> = /* @__PURE__ */ new Set();

function interrupt(): void {
  for (const listener of [...interruptListeners]) listener();
}

/** One listener of the process for all runs under way. As in CPython, a program that has one of its own keeps it to itself. */
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
 * Calls for a turn as soon as possible. Where nothing tells whose code runs after an `await`, it must not come between an `await` of
 * code outside any task and the call of `then` that follows from it: that would be taken for the running task's.
 */
export function askForTurn(turn: () => void): void {
  if (canTellTasks()) RESOLVED.then(turn);
  else afterMicrotasks(turn);
}

/** Whether the runtime tells whose code runs after an `await`. */
export function canTellTasks(): boolean {
  return findAsyncHooks() !== null;
}

/** Calls a function once when all microtasks have run, as a macrotask of its own: a real one, also while timers are faked. */
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

/** `node:async_hooks` where the runtime has it: found at run time, so that bundles for browsers need no trick. */
export function findAsyncHooks(): AsyncHooks | null {
  if (asyncHooks === undefined) {
    const found = globals().process?.getBuiltinModule?.('node:async_hooks') as AsyncHooks | undefined;
    asyncHooks = found?.AsyncLocalStorage !== undefined && found.AsyncResource !== undefined ? found : null;
  }
  return asyncHooks;
}

/** Calls a function with an `AsyncLocalStorage` that is not used afterwards; `null` where the runtime has no such thing. */
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

/** Remembers the present async context, where the runtime has such a thing. */
export function newAsyncFrame(): AsyncFrame | null {
  const hooks = findAsyncHooks();
  return hooks === null ? null : new hooks.AsyncResource(FRAME);
}

/** The engine's own `Promise`, also where a program has replaced the global one. */
let enginePromise: (abstract new (...args: never[]) => unknown) | undefined;

/**
 * Whether the runtime itself has called the code that runs now: a timer, a request handler, a message. A callback has an execution
 * id, the continuation of a promise has none; where promise hooks are on, it has one whose resource is a promise. Functions that are
 * bound to an `AsyncResource` have an id as well, and run for whoever bound them. Runtimes that give no ids always answer false.
 */
export function isCalledByRuntime(): boolean {
  return callbackId(0) !== 0;
}

/**
 * The execution id of the callback that runs now, when the runtime has called it; 0 otherwise.
 *
 * @param known an id of which the answer is known, and which is not looked at again
 */
export function callbackId(known: number): number {
  executionId ??= findAsyncHooks()?.executionAsyncId ?? noId;
  const id = executionId();
  return id === known || (id !== 0 && isCallback()) ? id : 0;
}

/** The runtime's `executionAsyncId`: asked at every `await`, so that it is kept. */
let executionId: (() => number) | undefined;

function noId(): number {
  return 0;
}

function isCallback(): boolean {
  const hooks = findAsyncHooks()!;
  const resource = hooks.executionAsyncResource?.();
  enginePromise ??= (async () => {})().constructor as abstract new () => unknown;
  if (resource instanceof enginePromise) return false;
  return !(resource instanceof hooks.AsyncResource) || isOurs(resource) || isMicrotask(resource, hooks);
}

/** Deno calls what was scheduled in a frame of ours with that frame as its resource. Nothing else shows it here: the loop is asked first. */
function isOurs(resource: { readonly type?: unknown }): boolean {
  return resource.type === FRAME;
}

const FRAME = 'asyncio-ts';

/** What `queueMicrotask` calls has an `AsyncResource` too, which shows by what Node keeps in it. */
function isMicrotask(resource: object, hooks: AsyncHooks): boolean {
  return Object.getPrototypeOf(resource) === hooks.AsyncResource.prototype && Object.hasOwn(resource, 'callback');
}

/** Whether the runtime tells all callbacks from the continuations of promises. Bun tells none, Deno some. */
export function canTellCallbacks(): boolean {
  const versions = globals().process?.versions;
  return findAsyncHooks() !== null && versions?.['node'] !== undefined && !('bun' in versions) && !('deno' in versions);
}

/**
 * Whether an async function keeps the async context of the moment in which it is called. Elsewhere it keeps that of each `await`, so that the
 * context can be entered when the function looks a `then` up.
 */
export function keepsContextOfCall(): boolean {
  const versions = globals().process?.versions;
  return versions !== undefined && 'bun' in versions;
}

/** Whether this is the main thread: its loop is made on first use, those of other threads must be set. */
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

/** Whether `ASYNCIO_SWEEP=1` is set in the environment. */
export function sweepFromEnvironment(): boolean {
  return isSwitchedOn('ASYNCIO_SWEEP');
}

function isSwitchedOn(variable: string): boolean {
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

/** A module of the runtime, such as `node:inspector`; `undefined` where there is none. */
export function builtinModule(name: string): unknown {
  return globals().process?.getBuiltinModule?.(name);
}

/** Calls `listener` when the process ends, where there is a process. */
export function onProcessExit(listener: (code: unknown) => void): void {
  const process = globals().process;
  process?.on?.('exit', listener);
}

let probes = 0;

/**
 * Calls back when a timer is all that keeps the process alive; it keeps it alive afterwards, as before. Runtimes tell of this by `beforeExit`
 * alone: the list of active resources lacks workers and much else. Bun and Deno do not emit it while a module waits at its top level.
 *
 * @returns what ends this; `null` where somebody listens to signals that can wake a program that has nothing else left, which those do not
 * that only end the run, as Ctrl-C, or to `beforeExit`, which would be emitted for nobody else's sake
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
/** The process is listened to once for all of them. */
let listensForExit = false;

/** Should nobody catch an error, so that the process ends by it, then with this exit code. */
export function exitWithCode(error: object, code: number): void {
  exitCodes.set(error, code);
  if (listensForExit) return;
  listensForExit = true;
  const { process } = globals();
  // It changes nothing of what happens, unlike a listener for uncaught exceptions. Runtimes without it end with 1.
  process?.on?.('uncaughtExceptionMonitor', (uncaught: unknown) => {
    const own = exitCodes.get(uncaught as object);
    if (own === undefined) return;
    process.on?.('exit', () => {
      process.exitCode = own;
    });
  });
}

/** Ends the process at once, where there is one (a second Ctrl-C). */
export function exitProcess(code: number): void {
  globals().process?.exit?.(code);
}

/** Calls a function after so many seconds of real time, should the program still run then: the timer does not keep it alive. */
export function callInBackground(seconds: number, callback: () => void): void {
  const timer = globals().setTimeout?.(callback, seconds * 1_000);
  if (timer !== undefined) unref(timer);
}

/** Calls a function again and again, without keeping the program alive. Returns what ends it. */
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

/** Calls a function after so many seconds of real time, also while timers are faked. Returns what takes it back. */
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

/** Has the runtime treat an error as that of a promise that rejected and that nobody looked at. */
export function throwUnhandled(error: unknown): void {
  Promise.reject(error);
}

/** Reports an error as a page or its worker does that of an event listener, so that its monitoring sees it. False where there is no page. */
export function reportToPage(error: unknown): boolean {
  const { process, reportError } = globals();
  if (reportError === undefined || process?.versions?.['node'] !== undefined) return false;
  reportError(error);
  return true;
}

/** Throws an error where nobody can catch it, as the runtime reports errors of callbacks. */
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
 * From now on, promises that reject with certain reasons, and that nobody looks at, are no errors of the program. For all others everything
 * stays as it is without this: also in a process, where to listen means to take over what happens by default.
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

/** Whether the program has chosen by `--unhandled-rejections` what happens: a listener would change that. */
function hasRejectionMode({ execArgv = [], env }: ProcessLike): boolean {
  return [...execArgv, env?.['NODE_OPTIONS'] ?? ''].some((option) => option.includes('--unhandled-rejections'));
}

const UNHANDLED = 'unhandledRejection';

/**
 * Node asks its listeners by `process.emit`, and does what it does by default where that says that there is none. To be among the
 * listeners would change the default, and could not keep the others from being called: a program that logs such errors and ends would
 * end at every deadline that passes over a call whose promise it has not awaited yet.
 */
function keepFromListeners(process: ProcessLike, isMeant: (reason: unknown) => boolean): void {
  const { emit } = process;
  if (emit === undefined) return;
  process.emit = function emitUnlessMeant(this: unknown, event: unknown, ...args: unknown[]): boolean {
    if (event === UNHANDLED && isMeant(args[0])) return true;
    return Reflect.apply(emit, this, [event, ...args]) as boolean;
  };
}

/** Bun calls its listeners by itself: one of ours decides whether there would have been one. The program's own hear of it all the same. */
function ignoreInProcess(process: ProcessLike, isMeant: (reason: unknown) => boolean): void {
  const listener = (reason: unknown): void => {
    // A program that listens itself has taken over already.
    if (isMeant(reason) || process.listenerCount?.(UNHANDLED) !== 1) return;
    // Rejected once more, while nobody listens: the runtime does what it would have done.
    process.removeListener?.(UNHANDLED, listener);
    Promise.reject(reason);
    afterMicrotasks(() => process.on?.(UNHANDLED, listener));
  };
  process.on?.(UNHANDLED, listener);
}

/** A `Response` of the runtime. */
export function newWebResponse(body: unknown, init: object): object {
  const { Response } = globals();
  if (Response === undefined) throw new Error('this runtime has no Response');
  return new Response(body, init);
}

/** A `ReadableStream` of the runtime. */
export function newWebStream(source: object, strategy: object): object {
  const { ReadableStream } = globals();
  if (ReadableStream === undefined) throw new Error('this runtime has no ReadableStream');
  return new ReadableStream(source, strategy);
}

/** What keeps the process alive, or is under way in it, by kinds of the runtime; `null` where it does not tell. */
export function activeResources(): readonly string[] | null {
  const { process } = globals();
  // Bun always says that there are none.
  if (process?.versions !== undefined && 'bun' in process.versions) return null;
  return process?.getActiveResourcesInfo?.() ?? null;
}

/** Puts a value under a well-known symbol, for tools that look into the process from outside. */
export function publish<T extends object>(name: string, value: T): T {
  const found = published(name);
  if (found !== undefined) return found as T;
  Object.defineProperty(globalThis, Symbol.for(name), { value, configurable: true, enumerable: false });
  return value;
}

/** Puts a value under a well-known symbol for a moment, for the engine's inspector. Returns what takes it away again. */
export function lend(name: string, value: object): () => void {
  const key = Symbol.for(name);
  Object.defineProperty(globalThis, key, { value, configurable: true, enumerable: false });
  return () => Reflect.deleteProperty(globalThis, key);
}

/** What has been published under a name in this thread. */
export function published(name: string): unknown {
  return globals()[Symbol.for(name)];
}

/** What the console of the runtime has for developer tools. */
export function devtoolsConsole(): DevtoolsConsole {
  return (globals().console ?? {}) as DevtoolsConsole;
}

/** Where the library reports what nobody else can be told. */
export const logger: Logger = {
  error: (...data) => globals().console?.error(...data),
  warn: (...data) => globals().console?.warn(...data),
};

/** A string as UTF-8. */
export function encodeUtf8(text: string): Uint8Array {
  const { TextEncoder } = globals();
  if (TextEncoder === undefined) throw new TypeError('this runtime has no TextEncoder: give bytes instead of strings');
  return new TextEncoder().encode(text);
}

/**
 * A decoder of bytes into text.
 *
 * @throws {RangeError} when the encoding is unknown
 */
export function newTextDecoder(encoding: string): TextDecoderLike {
  const { TextDecoder } = globals();
  if (TextDecoder === undefined) throw new TypeError('this runtime has no TextDecoder');
  return new TextDecoder(encoding);
}
