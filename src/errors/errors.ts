/**
 * The errors of this library. Their names are CPython's where it has one; each also carries a stable `code`, so that
 * programs need not compare messages.
 */

/** What an error may be given besides its message. */
export interface ErrorDetails {
  /** A stable word for programs, such as `LOOP_CLOSED`. */
  readonly code?: string;
  /** The error that led to this one. */
  readonly cause?: unknown;
}

/** The options that `Error` takes; an absent cause stays absent, so that `'cause' in error` tells the truth. */
function options(details: ErrorDetails | undefined): ErrorOptions | undefined {
  return details !== undefined && 'cause' in details ? { cause: details.cause } : undefined;
}

/** Marks the classes that the kernel acts on, so that each copy of this library in a thread knows those of the others. */
const KIND: unique symbol = /* @__PURE__ */ Symbol.for('asyncio-ts.error') as never;

/**
 * Thrown where a task waits when that task is cancelled, and by `result()` of a cancelled future. Code that catches it
 * to clean up should throw it on; `rethrowIfCancelled` is for code that handles other errors.
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

  constructor(...args: readonly unknown[]) {
    super(args.length === 0 ? '' : textOf(args[0]));
    this.args = args;
  }

  /** @internal */
  static override [Symbol.hasInstance](value: unknown): boolean {
    // biome-ignore lint/complexity/noThisInStatic: a subclass inherits it, and asks for itself
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

type ErrorClass = abstract new (...args: never[]) => Error;

/** `value instanceof asked`, where an error of the same class of another copy of this library is one of `own`, too. */
function isOfKind(value: unknown, asked: unknown, own: ErrorClass, kind: string): boolean {
  if (Function.prototype[Symbol.hasInstance].call(asked, value)) return true;
  try {
    return asked === own && value instanceof Error && (value as { [KIND]?: unknown })[KIND] === kind;
  } catch {
    return false; // a proxy that throws
  }
}

function textOf(value: unknown): string {
  try {
    return String(value);
  } catch {
    return Object.prototype.toString.call(value);
  }
}

/**
 * The `CancelledError` for a message, `undefined` for none. The kernel makes it in the loop, where a stack tells nothing and costs
 * more than everything else about a cancellation; who asked for it is in `task.cancelRequest`.
 */
export function cancelledError(message: unknown): CancelledError {
  const traced = Error as ErrorConstructor & { stackTraceLimit?: number };
  const limit = traced.stackTraceLimit;
  if (typeof limit === 'number') traced.stackTraceLimit = 0;
  const error = message === undefined ? new CancelledError() : new CancelledError(message);
  if (typeof limit === 'number') traced.stackTraceLimit = limit;
  return error;
}

/** The operation is not allowed in the present state of a future: not done yet, or done already. */
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

/** An operation ran out of its time. Its `cause` is the `CancelledError` that stopped the work. */
export class TimeoutError extends Error {
  readonly code: string;

  constructor(message?: string, details?: ErrorDetails) {
    super(message, options(details));
    this.code = details?.code ?? 'TIMED_OUT';
  }

  override get name(): string {
    return 'TimeoutError';
  }
}

/** A call in a state or place where it makes no sense. */
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

/** A context variable without a value was read. */
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

/**
 * Ctrl-C. A task that throws it stores it like any error, and the run of the loop ends with it at once.
 */
export class KeyboardInterrupt extends Error {
  readonly code = 'INTERRUPTED';

  /** @internal */
  static override [Symbol.hasInstance](value: unknown): boolean {
    // biome-ignore lint/complexity/noThisInStatic: a subclass inherits it, and asks for itself
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

/** A wish to end the program with a code. As with `KeyboardInterrupt`, the run of the loop ends with it at once. */
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
    // biome-ignore lint/complexity/noThisInStatic: a subclass inherits it, and asks for itself
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

/** What was thrown, as an error: whoever asks for the error of a future must not get `null`, which means that there is none. */
export function errorOfThrown(thrown: unknown): unknown {
  return thrown ?? new RuntimeError(`${thrown} was thrown instead of an error`, { code: 'THREW_NOTHING' });
}

/**
 * The `CancelledError` that a thrown error is about: a `SuppressedError` of it (where `await using` cleans up and is cancelled
 * meanwhile), an `AbortError` that it has caused, an `AggregateError` of nothing else. Anything else comes back as it is.
 */
export function unwrapCancellation(thrown: unknown): unknown {
  return thrown instanceof CancelledError ? thrown : (cancellationIn(thrown, new Set()) ?? thrown);
}

function cancellationIn(thrown: unknown, seen: Set<unknown>): CancelledError | null {
  if (thrown instanceof CancelledError) return thrown;
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
  return error instanceof KeyboardInterrupt || error instanceof SystemExit;
}

/**
 * Throws an error on when it says that the task is to end: a `CancelledError`, a `KeyboardInterrupt` or a `SystemExit`. The
 * first line of a `catch` that handles errors: JavaScript's catches these too, Python's `except Exception` does not.
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
  if (unwrapCancellation(error) instanceof CancelledError || leavesTheLoop(error)) throw error;
}
