/**
 * The errors of this library. They have the same names as in CPython where CPython has them. Each also has a stable `code`, so that
 * programs need not compare messages.
 */

import { describe } from '../internal/describe.ts';

/** The options of an error besides its message. */
export interface ErrorDetails {
  /** A stable word for programs, such as `LOOP_CLOSED`. */
  readonly code?: string;
  /** The error that led to this one. */
  readonly cause?: unknown;
}

/** The options that `Error` takes; without a cause the property is absent, so that `'cause' in error` is false. */
function options(details: ErrorDetails | undefined): ErrorOptions | undefined {
  return details !== undefined && 'cause' in details ? { cause: details.cause } : undefined;
}

/**
 * Marks the classes that the kernel handles specially, so that each copy of this library in a thread recognises those of the other copies.
 */
const KIND: unique symbol = /* @__PURE__ */ Symbol.for('asyncio-ts.error') as never;

/**
 * Thrown where a task waits when that task is cancelled, and by `result()` of a cancelled future. Code that catches it
 * to clean up should rethrow it; `rethrowIfCancelled` is for code that handles other errors.
 *
 * @example
 * try {
 *   await sleep(60);
 * } catch (error) {
 *   await cleanUp();
 *   throw error; // a task that swallows its cancellation is not cancelled
 * }
 */
export class CancelledError extends Error {
  /** What was given to `cancel()`: nothing, or its message as it was. */
  readonly args: readonly unknown[];
  readonly code = 'CANCELLED';
  /** Who asked, for what and why; it becomes the text when `message` is read and none was given. */
  #story: Story | null = null;
  /** Whether the kernel has thrown it into an async function. If nobody awaits that function, this is not an unhandled rejection. */
  #isDelivered = false;

  constructor(...args: readonly unknown[]) {
    if (args.length === 0) super();
    else super(textOf(args[0]));
    this.args = args;
  }

  // An accessor, so that the text is made only when it is read. TypeScript declares `message` as a property only.
  static {
    Object.defineProperty(CancelledError.prototype, 'message', {
      configurable: true,
      get(this: CancelledError): string {
        return #story in this ? (this.#story?.tell() ?? '') : '';
      },
      set(this: CancelledError, value: string) {
        Object.defineProperty(this, 'message', { value, writable: true, configurable: true, enumerable: false });
      },
    });
  }

  /** Whether a value is one. For errors of this copy of the library it runs no code of the value, which may be a proxy. @internal */
  static is(value: unknown): value is CancelledError {
    if (typeof value !== 'object' || value === null) return false;
    return #story in value || isOfKind(value, CancelledError, CancelledError, 'CancelledError');
  }

  /** Who asked, where that is known. @internal */
  static storyOf(error: CancelledError): Story | null {
    return #story in error ? error.#story : null;
  }

  /** Says who asked. @internal */
  static tell(error: CancelledError, story: Story): void {
    error.#story = story;
  }

  /**
   * Notes whether the kernel has thrown it into an async function; `false` when code outside any task asks for it as an outcome. @internal
   */
  static noteDelivered(error: CancelledError, isDelivered: boolean): void {
    if (#story in error) error.#isDelivered = isDelivered;
  }

  /** @internal */
  static isDelivered(value: unknown): boolean {
    return typeof value === 'object' && value !== null && #story in value && value.#isDelivered;
  }

  /** @internal */
  static override [Symbol.hasInstance](value: unknown): boolean {
    // biome-ignore lint/complexity/noThisInStatic: a subclass inherits it, where `this` is the subclass
    return isOfKind(value, this, CancelledError, 'CancelledError');
  }

  /** @internal */
  get [KIND](): string {
    return 'CancelledError';
  }

  override get name(): string {
    return 'CancelledError';
  }
}

/** Whether a value is a `CancelledError`, also one of another copy of this library. Never throws, even if reading the value throws. */
export function isCancelledError(value: unknown): value is CancelledError {
  return CancelledError.is(value);
}

/** Gives the sentence that says why something was cancelled. */
export interface Story {
  tell(): string;
}

type ErrorClass = abstract new (...args: never[]) => Error;

/** `value instanceof asked`; an error of the same class from another copy of this library counts as one of `own`. */
function isOfKind(value: unknown, asked: unknown, own: ErrorClass, kind: string): boolean {
  try {
    if (Function.prototype[Symbol.hasInstance].call(asked, value)) return true;
    return asked === own && value instanceof Error && (value as { [KIND]?: unknown })[KIND] === kind;
  } catch {
    return false; // a proxy that throws
  }
}

/** Any value as text: also an object without a prototype, or whose own `toString` throws. One that has no text of its own is described. */
export function textOf(value: unknown): string {
  try {
    const text = String(value);
    if (typeof value !== 'object' || !text.includes('[object ')) return text;
  } catch {
    // It is described, which throws nothing.
  }
  return describe(value);
}

/**
 * The `CancelledError` for a message, `undefined` for none. The kernel makes it in the loop, where a stack is not useful and costs
 * more than everything else about a cancellation; its story says who asked for it.
 */
export function cancelledError(message: unknown, story: Story | null = null): CancelledError {
  const traced = Error as ErrorConstructor & { stackTraceLimit?: number };
  const limit = traced.stackTraceLimit;
  if (typeof limit === 'number') traced.stackTraceLimit = 0;
  const error = message === undefined ? new CancelledError() : new CancelledError(message);
  if (typeof limit === 'number') traced.stackTraceLimit = limit;
  if (story !== null) CancelledError.tell(error, story);
  return error;
}

/** Adds a stack, with the story in the first line, to a cancellation that leaves the library uncaught: the loop makes them without one. */
export function withStack(error: unknown): unknown {
  const { captureStackTrace } = Error as { captureStackTrace?(error: object, above: unknown): void };
  if (isCancelledError(error) && !/\n\s+at /.test(error.stack ?? '')) captureStackTrace?.(error, withStack);
  return error;
}

/** The operation is not allowed in the current state of a future: the future is not done yet, or is already done. */
export class InvalidStateError extends Error {
  readonly code: string;

  constructor(message?: string, details?: ErrorDetails) {
    super(message, options(details));
    this.code = details?.code ?? 'INVALID_STATE';
  }

  override get name(): string {
    return 'InvalidStateError';
  }
}

/** An operation took longer than its time limit. Its `cause` is the `CancelledError` that stopped the work. */
export class TimeoutError extends Error {
  readonly code: string;
  /** What the work returned after the deadline, if it could not be stopped and was waited for. */
  declare readonly late?: unknown;

  constructor(message?: string, details?: ErrorDetails) {
    super(message, options(details));
    this.code = details?.code ?? 'TIMED_OUT';
  }

  override get name(): string {
    return 'TimeoutError';
  }
}

/** A call that is not allowed in the current state, or at this place. */
export class RuntimeError extends Error {
  readonly code: string;

  constructor(message?: string, details?: ErrorDetails) {
    super(message, options(details));
    this.code = details?.code ?? 'RUNTIME';
  }

  override get name(): string {
    return 'RuntimeError';
  }
}

/** An argument of the right type with a value that cannot be used. */
export class ValueError extends RangeError {
  readonly code: string;

  constructor(message?: string, details?: ErrorDetails) {
    super(message, options(details));
    this.code = details?.code ?? 'INVALID_VALUE';
  }

  override get name(): string {
    return 'ValueError';
  }
}

/** A context variable that has no value was read. */
export class LookupError extends Error {
  readonly code: string;

  constructor(message?: string, details?: ErrorDetails) {
    super(message, options(details));
    this.code = details?.code ?? 'NOT_FOUND';
  }

  override get name(): string {
    return 'LookupError';
  }
}

/** The numbers of the signals that programs are ended with, the same everywhere. */
const NUMBERS: Readonly<Record<string, number>> = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGQUIT: 3,
  SIGABRT: 6,
  SIGALRM: 14,
  SIGTERM: 15,
  SIGBREAK: 21,
};

/**
 * Ctrl-C, or another signal at which `run` should end. A task that throws it stores it like any error, and the run of the loop ends with
 * it at once.
 */
export class KeyboardInterrupt extends Error {
  readonly code = 'INTERRUPTED';
  /** The name of the signal. */
  readonly signal: string;

  /** @param options `signal`: its name; `SIGINT` when absent. `cause`: what this has taken the place of */
  constructor(message?: string, options?: ErrorOptions & { readonly signal?: string }) {
    const signal = options?.signal ?? 'SIGINT';
    super(message ?? (signal === 'SIGINT' ? '' : signal), options);
    this.signal = signal;
  }

  /** The exit code that a shell shows for a program that the signal has ended: 130 for `SIGINT`, 143 for `SIGTERM`. */
  get exitCode(): number {
    return 128 + (NUMBERS[this.signal] ?? NUMBERS['SIGINT']!);
  }

  /** @internal */
  static override [Symbol.hasInstance](value: unknown): boolean {
    // biome-ignore lint/complexity/noThisInStatic: a subclass inherits it, where `this` is the subclass
    return isOfKind(value, this, KeyboardInterrupt, 'KeyboardInterrupt');
  }

  /** @internal */
  get [KIND](): string {
    return 'KeyboardInterrupt';
  }

  override get name(): string {
    return 'KeyboardInterrupt';
  }
}

/** Ends the program with an exit code. As with `KeyboardInterrupt`, the run of the loop ends with it at once. */
export class SystemExit extends Error {
  readonly code = 'EXIT';
  /** The exit code of the process. */
  readonly exitCode: number;

  constructor(exitCode: number | string = 0) {
    super(String(exitCode));
    this.exitCode = typeof exitCode === 'number' ? exitCode : 1;
  }

  /** @internal */
  static override [Symbol.hasInstance](value: unknown): boolean {
    // biome-ignore lint/complexity/noThisInStatic: a subclass inherits it, where `this` is the subclass
    return isOfKind(value, this, SystemExit, 'SystemExit');
  }

  /** @internal */
  get [KIND](): string {
    return 'SystemExit';
  }

  override get name(): string {
    return 'SystemExit';
  }
}

/**
 * What was thrown, as an error: `exception()` of a future must not return `null` for a failure, because `null` means that there is no
 * error.
 */
export function errorOfThrown(thrown: unknown): unknown {
  return thrown ?? new RuntimeError(`${thrown} was thrown instead of an error`, { code: 'THREW_NOTHING' });
}

/**
 * The `CancelledError` inside a thrown error: in a `SuppressedError` (when the clean-up of `await using` is cancelled
 * too), as the cause of an `AbortError`, or in an `AggregateError` of only cancellations. Any other value is returned unchanged.
 */
export function unwrapCancellation(thrown: unknown): unknown {
  try {
    return isCancelledError(thrown) ? thrown : (cancellationIn(thrown, new Set()) ?? thrown);
  } catch {
    return thrown; // a proxy that throws when it is looked at
  }
}

function cancellationIn(thrown: unknown, seen: Set<unknown>): CancelledError | null {
  if (isCancelledError(thrown)) return thrown;
  if (!(thrown instanceof Error) || seen.has(thrown)) return null;
  seen.add(thrown);
  if (thrown.name === 'SuppressedError') return cancellationIn((thrown as { error?: unknown }).error, seen);
  if (thrown.name === 'AbortError') return cancellationIn(thrown.cause, seen);
  if (thrown.name !== 'AggregateError') return null;
  const { errors } = thrown as { errors?: unknown };
  if (!Array.isArray(errors) || errors.length === 0) return null;
  let first: CancelledError | null = null;
  for (const error of errors) {
    const found = cancellationIn(error, seen);
    if (found === null) return null;
    first ??= found;
  }
  return first;
}

/** Whether an error must leave the event loop instead of being reported by it. */
export function leavesTheLoop(error: unknown): error is KeyboardInterrupt | SystemExit {
  try {
    return error instanceof KeyboardInterrupt || error instanceof SystemExit;
  } catch {
    return false; // a proxy that throws when it is looked at
  }
}

/**
 * Rethrows an error that means that the task has to end: a `CancelledError`, a `KeyboardInterrupt` or a `SystemExit`. Use it as the
 * first line of a `catch` that handles errors: in JavaScript it catches these too, unlike Python's `except Exception`.
 *
 * @throws the error itself
 * @example
 * try {
 *   await download(url);
 * } catch (error) {
 *   rethrowIfCancelled(error);
 *   console.log(`no page at ${url}: ${error}`);
 * }
 */
export function rethrowIfCancelled(error: unknown): void {
  if (isCancelledError(unwrapCancellation(error)) || leavesTheLoop(error)) throw error;
}
