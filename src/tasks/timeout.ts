import { errorOfThrown, isCancelledError, unwrapCancellation } from '../errors/errors.ts';
import { ExceptionGroup, RuntimeError, TimeoutError } from '../errors/index.ts';
import { typeError } from '../errors/type-error.ts';
import { describe } from '../internal/describe.ts';
import { type Duration, secondsOrNull } from '../internal/duration.ts';
import {
  Around,
  type AwaitableCoroutine,
  type CoroutineFunction,
  cancelLines,
  cancelScope,
  deadlineAt,
  enterScope,
  getRunningLoop,
  implicitLoop,
  isUndelivered,
  leaveScope,
  libraryCoroutine,
  placeInDebugMode,
  reportOnce,
  requestsAtEntry,
  requestsTo,
  runningTask,
  type Scope,
  takeBack,
  taskOf,
  thenOf,
  type WithDeadline,
} from '../kernel/lowlevel.ts';

/**
 * The life of a timeout.
 *
 * | state    | meaning                                         | `expired()` | left by               |
 * |----------|-------------------------------------------------|-------------|-----------------------|
 * | created  | not entered yet                                 | false       | `enter`               |
 * | active   | the body runs, the deadline is ahead            | false       | the deadline, `exit`  |
 * | expiring | the deadline has passed, the body is cancelled  | true        | `exit`                |
 * | expired  | left after the deadline                         | true        | –                     |
 * | finished | left before                                     | false       | –                     |
 */
type TimeoutState = 'created' | 'active' | 'expiring' | 'expired' | 'finished';

/**
 * A deadline for a part of a task. Prefer `timeout` and `timeoutAt`, which enter and leave it around a body.
 *
 * Follows CPython's `asyncio.Timeout`.
 */
export class Timeout implements WithDeadline {
  #state: TimeoutState = 'created';
  #when: number | null;
  #scope: Scope | null = null;
  #timer: { cancel(): void } | null = null;
  /** The time limit in seconds, for messages; `null` when the deadline was given as a time of the clock. */
  readonly #delay: number | null;
  /** Where it was made, in debug mode. @internal */
  madeAt: string | null | undefined = placeInDebugMode();

  /**
   * @param when the deadline on the loop's clock in seconds, by position or as `{ when }`; `null` for none
   * @param delay the seconds that messages tell, where it was given as such
   */
  constructor(when: number | null | TimeoutAtOptions = null, delay: number | null = null) {
    this.#when = secondsOrNull(when, 'when');
    this.#delay = delay;
  }

  /** The deadline on the loop's clock in seconds, `null` when there is none. */
  when(): number | null {
    return this.#when;
  }

  /** Whether the deadline has passed while the body ran. */
  expired(): boolean {
    return this.#state === 'expiring' || this.#state === 'expired';
  }

  /**
   * Moves the deadline.
   *
   * @param when a time of the loop's clock in seconds, by position or as `{ when }`; `null` for no deadline
   * @throws {RuntimeError} before the timeout is entered, and once it has expired or was left
   */
  reschedule(when: number | null | TimeoutAtOptions = null): void {
    if (this.#state === 'created')
      throw new RuntimeError('Timeout has not been entered', { code: 'TIMEOUT_NOT_ENTERED' });
    if (this.#state !== 'active') {
      throw new RuntimeError(`Cannot change state of ${this.#state} Timeout`, { code: 'TIMEOUT_OVER' });
    }
    this.#when = secondsOrNull(when, 'when');
    this.#timer?.cancel();
    // A deadline in the past: the body still runs up to its first suspension.
    this.#timer = this.#when === null ? null : deadlineAt(getRunningLoop(), this.#when, this);
  }

  /** @internal */
  deadlinePassed(): void {
    this.#state = 'expiring';
    this.#timer = null;
    const scope = this.#scope!;
    cancelScope(scope, new Because(this.#delay));
    if (this.madeAt !== undefined && isUndelivered(scope) && scope.loop.getDebug()) this.#reportForeign(scope);
  }

  /** In debug mode: reports that no line of the body could get the request, because the body waits for foreign promises. */
  #reportForeign(scope: Scope): void {
    reportOnce(
      'deadline',
      `${new Because(this.#delay)} of ${taskOf(scope).getName()} has passed while its body waited for a promise that this library did not make and ` +
        'cannot end. Wait for it with wrapPromise(promise), or give the work the signal: fetch(url, { signal: currentSignal() }).',
      this.madeAt ?? null,
    );
  }

  /**
   * Enters the timeout: the running task is cancelled at the deadline. For adapters; await it, then `exit`. Not in one of several branches of a
   * task, since the other branches would be inside it, too: there write `timeout(seconds, body)`.
   */
  enter(): AwaitableCoroutine<this> {
    return entered(this) as AwaitableCoroutine<this>;
  }

  /**
   * Leaves the timeout. For adapters.
   *
   * @param error what the body threw
   * @throws {TimeoutError} when the deadline ended the body
   */
  exit(error?: unknown): AwaitableCoroutine<void> {
    return left(this, error);
  }

  /** `enter` without waiting, which it never does. */
  enterNow(): void {
    if (this.#state !== 'created')
      throw new RuntimeError('Timeout has already been entered', { code: 'TIMEOUT_REENTERED' });
    const task = runningTask();
    if (task === null)
      throw new RuntimeError('Timeout should be used inside a task: start one with run() or createTask()', {
        code: 'NO_TASK',
      });
    this.#state = 'active';
    this.#scope = enterScope(task, this);
    this.reschedule(this.#when);
  }

  /**
   * `exit` without waiting, which it never does.
   *
   * @param error what the body threw
   * @param result what the body returned
   */
  exitNow(error?: unknown, result?: unknown): void {
    this.#timer?.cancel();
    this.#timer = null;
    const scope = this.#scope;
    const state = this.#state;
    if (scope === null || (state !== 'active' && state !== 'expiring'))
      throw new RuntimeError(`Cannot exit a Timeout that is ${state}`, { code: 'TIMEOUT_NOT_ENTERED' });
    const cancellation = error === undefined ? undefined : unwrapCancellation(error);
    const isCancelled = isCancelledError(cancellation);
    const isPassedOver = isUndelivered(scope);
    leaveScope(scope, isCancelled || isPassedOver);
    if (state === 'active') {
      this.#state = 'finished';
      // A cancellation that nobody has requested comes from a cancelled future: a failure like any other.
      const isAsked = isCancelled && requestsTo(scope) > requestsAtEntry(scope);
      if (error !== undefined && !isAsked) cancelLines(scope, 'a failure beside it');
      return;
    }
    this.#state = 'expired';
    takeBack(scope);
    // The end was also requested from outside, so this deadline does not turn the error into a `TimeoutError`.
    if (requestsTo(scope) > requestsAtEntry(scope)) return;
    if (isCancelled) throw new TimeoutError(this.#message(), { cause: cancellation });
    if (error !== undefined) explain(error, this.#message());
    // No line of the body noticed the deadline: the result came too late, so it is an error.
    else if (isPassedOver) throw Object.assign(new TimeoutError(this.#message()), { late: result });
  }

  #message(): string {
    return this.#delay === null ? 'timed out at its deadline' : `timed out after ${seconds(this.#delay)}`;
  }

  toString(): string {
    const when =
      this.#state !== 'active' ? '' : ` when=${this.#when === null ? 'None' : Math.round(this.#when * 1_000) / 1_000}`;
    return `<Timeout [${this.#state}]${when}>`;
  }
}

/** Says what has cancelled, for the story of the `CancelledError`. */
class Because {
  readonly #delay: number | null;

  constructor(delay: number | null) {
    this.#delay = delay;
  }

  toString(): string {
    return this.#delay === null ? 'a timeout' : `timeout(${seconds(this.#delay)})`;
  }
}

/** Removes digits that are only rounding errors of adding to a clock. */
function seconds(delay: number): string {
  return `${Number(delay.toPrecision(6))} s`;
}

/**
 * Puts a `TimeoutError` in front of the cancellation in an error's chain of causes, so that the chain says why. Programs may have made it
 * circular, or frozen it.
 */
function explain(error: unknown, message: string): void {
  try {
    for (const part of error instanceof ExceptionGroup ? [error, ...error.errors] : [error]) explainPart(part, message);
  } catch {
    // A proxy that throws when it is read: the error stays unchanged.
  }
}

function explainPart(part: unknown, message: string): void {
  const seen = new Set<unknown>();
  let outer = part;
  while (outer instanceof Error && outer.cause instanceof Error && !seen.has(outer)) {
    seen.add(outer);
    const { cause } = outer;
    if (isCancelledError(cause)) {
      // A timeout inside this one has already done it.
      if (!(outer instanceof TimeoutError)) Reflect.set(outer, 'cause', new TimeoutError(message, { cause }));
      return;
    }
    outer = cause;
  }
}

const entered = /* @__PURE__ */ libraryCoroutine(function* enter(
  timeout: Timeout,
): Generator<unknown, Timeout, unknown> {
  timeout.enterNow();
  return timeout;
});

const left = /* @__PURE__ */ libraryCoroutine(function* exit(
  timeout: Timeout,
  error: unknown,
): Generator<unknown, void, unknown> {
  timeout.exitNow(error);
});

/** The time of `timeout` by name. */
export interface TimeoutOptions {
  /** `null` for no deadline. */
  readonly delay: Duration | null | undefined;
}

/** The deadline of `timeoutAt` and `Timeout` by name. */
export interface TimeoutAtOptions {
  /** A time of the loop's clock in seconds; `null` for no deadline. */
  readonly when: number | null | undefined;
}

/** The body of a timeout: an async function, or a generator function. */
export type TimeoutBody<T> = CoroutineFunction<T, [timeout: Timeout]>;

/**
 * Runs a body with a time limit. At the deadline the body is cancelled, and when the body then throws the
 * `CancelledError`, the timeout throws a `TimeoutError`. It waits for the body, which may have to clean up; a plain function that only
 * returns a promise of another library, as `() => fetch(url)` does, is not waited for.
 *
 * Give it the function, not its promise: `timeout(5, work)`. What was called before the timeout began cannot be ended by it. To wait for a
 * time, use `sleep`.
 *
 * **Cancellation**: cancels the body; when both happen at the same time, the `CancelledError` is thrown.
 *
 * Follows CPython's `asyncio.timeout`.
 *
 * @param delay seconds from this call, or named units, by position or as `{ delay }`; `null` for no deadline, `reschedule` may set one
 * @param body an async function or a generator function; runs in the present task, or in a new one when the code belongs to no task. Without
 * a body, the `Timeout` itself is returned, and nothing waits
 * @returns what the body returns, also when it caught the cancellation and returned
 * @throws {TimeoutError} when the deadline ended the body; its `late` property holds what the body returned when it did not notice the
 * deadline, because it waited only for promises of other libraries
 * @throws {TypeError} at once, when the delay is no duration, or the body is not a function
 * @throws {ValueError} at once, when the delay is `NaN`
 * @example
 * const page = await timeout(5, async () => await download(url));
 */
export function timeout(delay?: Duration | null | TimeoutOptions): Timeout;
export function timeout<T>(delay: Duration | null | TimeoutOptions, body: TimeoutBody<T>): AwaitableCoroutine<T>;
export function timeout<T>(
  delay: Duration | null | TimeoutOptions = null,
  body?: TimeoutBody<T>,
): AwaitableCoroutine<T> | Timeout {
  checkTime('timeout', delay, body);
  const given = secondsOrNull(delay, 'delay');
  if (given === null) return limited(new Timeout(null), body);
  return limited(new Timeout(implicitLoop().time() + given, given), body);
}

/**
 * As `timeout`, with a deadline on the loop's clock.
 *
 * Follows CPython's `asyncio.timeout_at`.
 *
 * **Cancellation**: as in `timeout`.
 *
 * @param when seconds, as `loop.time()` gives them, by position or as `{ when }`; `null` for no deadline
 * @param body as in `timeout`
 * @returns what the body returns
 * @throws {TimeoutError} when the deadline ended the body
 * @throws {TypeError} at once, when the deadline is no number, or the body is not a function
 * @throws {ValueError} at once, when the deadline is `NaN`
 * @example
 * const deadline = getRunningLoop().time() + 10;
 * const page = await timeoutAt(deadline, () => download(url));
 * const again = await timeoutAt(deadline, () => download(url)); // ten seconds for both
 */
export function timeoutAt(when?: number | null | TimeoutAtOptions): Timeout;
export function timeoutAt<T>(when: number | null | TimeoutAtOptions, body: TimeoutBody<T>): AwaitableCoroutine<T>;
export function timeoutAt<T>(
  when: number | null | TimeoutAtOptions = null,
  body?: TimeoutBody<T>,
): AwaitableCoroutine<T> | Timeout {
  checkTime('timeoutAt', when, body);
  return limited(new Timeout(when), body);
}

/** The body first, and the time behind it, is how others have it. */
function checkTime(call: string, time: unknown, body: unknown): void {
  if (typeof time !== 'function') return;
  const written = body === undefined ? 'seconds' : describe(body);
  throw typeError(`${call}: the time comes first, and then the body; write ${call}(${written}, body)`, 'INVALID_DELAY');
}

function limited<T>(limit: Timeout, body: TimeoutBody<T> | undefined): AwaitableCoroutine<T> | Timeout {
  if (body === undefined) return limit;
  if (typeof body !== 'function')
    throw typeError(
      `timeout: the body must be an async function or a generator function, got ${describe(body)}; write timeout(5, () => …)`,
      'NOT_A_COROUTINE',
    );
  return new Within<T>(limit, body);
}

/** A body with a time limit. */
class Within<T> extends Around<T> {
  static readonly exemplar: object = /* @__PURE__ */ new Within(/* @__PURE__ */ new Timeout(), null);

  declare private readonly limit: Timeout;

  /** @param body a function, called with the timeout, or an awaitable */
  constructor(limit: Timeout, body: unknown) {
    super(body, limit);
    this.limit = limit;
  }

  override get then(): AwaitableCoroutine<T>['then'] {
    return thenOf(this);
  }

  get calledAs(): string {
    return 'timeout';
  }

  protected override get calledAt(): string | null | undefined {
    return this.limit.madeAt;
  }

  protected enter(): void {
    this.limit.enterNow();
  }

  protected leave(result: unknown): T {
    this.limit.exitNow(undefined, result);
    return result as T;
  }

  protected fail(error: unknown): never {
    this.limit.exitNow(errorOfThrown(error));
    throw error;
  }
}
