/**
 * What the loop knows of its runtime, and the one place that looks at the runtime itself. `globalThis` is read at the
 * time of use, never at import, so that the module has no side effect and fakes installed by a test are seen.
 */

import { RuntimeError, ValueError } from '../errors/errors.ts';

/**
 * The services that an event loop needs: a clock and wake-ups. Give one to `newEventLoop({ host })` to drive a loop by
 * hand or by a clock of your own.
 *
 * @example
 * class ManualHost implements Host {
 *   now = 0;
 *   readonly resolution = 1e-9;
 *   time() { return this.now; }
 *   soon(turn: () => void) {}
 *   at(when: number | null, turn: () => void) {}
 *   ref() {}
 *   unref() {}
 * }
 * const loop = newEventLoop({ host: new ManualHost() });
 * loop.callSoon(console.log, 'ran');
 * loop.runOnce();
 */
export interface Host {
  /** The present time in seconds, from a clock that never goes back. */
  time(): number;
  /** The clock's step in seconds: a timer runs when it is due within it. */
  readonly resolution: number;
  /** Asks for one call of `turn` as soon as possible. */
  soon(turn: () => void): void;
  /** Asks for one call of `turn` at a time of `time()`, instead of the time asked for before; `null` takes the wish back. */
  at(when: number | null, turn: () => void): void;
  /** A loop begins to run: the program must not end before it does. */
  ref(): void;
  /** A loop has ended to run. */
  unref(): void;
  /** Asks for one call of `turn` after I/O and timers of others had theirs. Without it, `soon` is used. */
  afterIO?(turn: () => void): void;
  /** Calls `listener` on each Ctrl-C until the function that it returns is called; `null` when it cannot. */
  onInterrupt?(listener: () => void): (() => void) | null;
  /**
   * Calls `listener` on each signal of a name (`SIGTERM`) until the function that it returns is called; `null` when there are no
   * signals here. Throws for those that cannot be handled.
   */
  onSignal?(signal: string, listener: () => void): (() => void) | null;
}

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

/** A scope of async context that code can be run in later (`AsyncResource`). */
export interface AsyncScope {
  runInAsyncScope<This, A extends unknown[], R>(fn: (this: This, ...args: A) => R, self: This, ...args: A): R;
}

/** The two parts of `node:async_hooks` in use here. */
export interface AsyncHooks {
  readonly AsyncLocalStorage: new () => AsyncStorage;
  readonly AsyncResource: new (type: string) => AsyncScope;
}

/** `AsyncLocalStorage` as far as it is used here. */
export interface AsyncStorage {
  getStore(): unknown;
  enterWith(store: unknown): void;
}

type TimerId = object | number;

interface MessagePortLike {
  postMessage(message: unknown): void;
  onmessage: (() => void) | null;
  unref?(): void;
}

interface ProcessLike {
  readonly env?: Record<string, string | undefined>;
  getBuiltinModule?(name: string): unknown;
  on?(event: string, listener: () => void): void;
  removeListener?(event: string, listener: () => void): void;
  listenerCount?(event: string): number;
  exit?(code: number): void;
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
  readonly WorkerGlobalScope?: abstract new (...args: never[]) => unknown;
  readonly console?: Logger;
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

const globals = (): Globals => globalThis as object as Globals;

/** Node waits 1 ms when asked for more than this; a longer wait is made of several. */
const LONGEST_TIMEOUT = 2 ** 31 - 1;
const RESOLVED = /* @__PURE__ */ Promise.resolve();

/** Keeps a process alive by a timer that does nothing, for as long as a loop runs without one of its own. */
const KEEP_ALIVE_INTERVAL = 2 ** 30;

/**
 * The host of the runtime itself: Node, Bun, Deno, browsers, workers. A turn soon is a microtask, so that the effects of
 * an I/O callback are seen before the next one.
 */
export class RuntimeHost implements Host {
  readonly resolution: number = 1e-6;
  readonly #performance = globals().performance ?? Date;
  #timer: TimerId | null = null;
  #keepAlive: TimerId | null = null;
  #running = 0;

  time(): number {
    return this.#performance.now() / 1_000;
  }

  soon(turn: () => void): void {
    askForTurn(turn);
  }

  at(when: number | null, turn: () => void): void {
    const { setTimeout, clearTimeout } = globals();
    if (this.#timer !== null) clearTimeout?.(this.#timer);
    this.#timer = null;
    if (when === null || when === Number.POSITIVE_INFINITY || setTimeout === undefined) return;
    const milliseconds = Math.ceil((when - this.time()) * 1_000);
    this.#timer = setTimeout(
      turn,
      milliseconds > LONGEST_TIMEOUT ? LONGEST_TIMEOUT : milliseconds < 0 ? 0 : milliseconds,
    );
  }

  afterIO(turn: () => void): void {
    afterMicrotasks(turn);
  }

  ref(): void {
    if (this.#running++ === 0) this.#keepAlive = globals().setInterval?.(() => {}, KEEP_ALIVE_INTERVAL) ?? null;
  }

  unref(): void {
    if (--this.#running > 0 || this.#keepAlive === null) return;
    globals().clearInterval?.(this.#keepAlive);
    this.#keepAlive = null;
  }

  onInterrupt(listener: () => void): (() => void) | null {
    return listenToInterrupts(listener);
  }

  onSignal(signal: string, listener: () => void): (() => void) | null {
    return listenToSignal(signal, listener);
  }
}

/** Without what would happen by default, which several listeners suppress as one does. They keep no process alive. */
function listenToSignal(signal: string, listener: () => void): (() => void) | null {
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
  const relay = (): void => listener();
  process.on(signal, relay);
  return () => process.removeListener?.(signal, relay);
}

/** Some runtimes let one listen to these, in vain. */
const UNCATCHABLE = /^SIG(?:KILL|STOP)$/;

const interruptListeners: Set<() => void> = /* @__PURE__ */ new Set();

function interrupt(): void {
  for (const listener of [...interruptListeners]) listener();
}

/** One listener of the process for all runs under way. As in CPython, a program that has one of its own keeps it to itself. */
function listenToInterrupts(listener: () => void): (() => void) | null {
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
let channelPort: MessagePortLike | null = null;

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

/** Calls a function once when all microtasks have run, as a macrotask of its own. */
export function afterMicrotasks(callback: () => void): void {
  const { setImmediate, MessageChannel, setTimeout } = globals();
  if (setImmediate !== undefined) {
    setImmediate(callback);
  } else if (MessageChannel !== undefined) {
    if (channelQueue === null) {
      const queue: (() => void)[] = [];
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => queue.shift()?.();
      channelQueue = queue;
      channelPort = port2;
    }
    channelQueue.push(callback);
    channelPort?.postMessage(null);
  } else {
    setTimeout?.(callback, 0);
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

/** Remembers the present async context, where the runtime has such a thing. */
export function newAsyncScope(): AsyncScope | null {
  const hooks = findAsyncHooks();
  return hooks === null ? null : new hooks.AsyncResource('asyncio-ts');
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
  try {
    const value = globals().process?.env?.['ASYNCIO_DEBUG'];
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
export function onProcessExit(listener: () => void): void {
  const process = globals().process;
  process?.on?.('exit', listener);
}

/** Ends the process at once, where there is one (a second Ctrl-C). */
export function exitProcess(code: number): void {
  globals().process?.exit?.(code);
}

/** Throws an error where nobody can catch it, as the runtime reports errors of callbacks. */
export function throwUncaught(error: unknown): void {
  afterMicrotasks(() => {
    throw error;
  });
}

/** Puts a value under a well-known symbol, for tools that look into the process from outside. */
export function publish<T extends object>(name: string, value: T): T {
  const found = published(name);
  if (found !== undefined) return found as T;
  Object.defineProperty(globalThis, Symbol.for(name), { value, configurable: true, enumerable: false });
  return value;
}

/** What has been published under a name in this thread. */
export function published(name: string): unknown {
  return globals()[Symbol.for(name)];
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
