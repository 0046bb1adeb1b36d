import { type Duration, inSeconds } from '../internal/duration.ts';
import { anyByName } from '../internal/options.ts';
import {
  type AwaitableCoroutine,
  checkpoint,
  resultAfter,
  type Task,
  type TimedFuture,
  thenOf,
  WrittenCoroutine,
} from '../kernel/lowlevel.ts';

/** The parameters of `sleep` by name. */
export interface SleepOptions<T = undefined> {
  /** Seconds, or named units; not where it is given by position. */
  readonly delay?: Duration | undefined;
  /** What the wait gives. */
  readonly result?: T | undefined;
}

/**
 * Waits for a time. `sleep(0)` only lets all other tasks that are ready run once.
 *
 * It begins when it is awaited; without `await` nothing waits. It takes no `signal`: to end it, cancel the task that awaits it, which may be
 * one that a signal cancels (`createTask(f, { signal })`).
 *
 * **Cancellation**: the timer is dropped.
 *
 * Follows CPython's `asyncio.sleep`.
 *
 * @param delay seconds, or named units such as `{ milliseconds: 500 }`; zero or less waits for one iteration of the loop. By position or as
 * `{ delay }`
 * @param result what the wait gives, by position or as `{ result }`
 * @throws {ValueError} at once, when the delay is `NaN`
 * @throws {TypeError} at once, when it is not a duration
 * @example
 * await sleep(0.5);
 */
export function sleep(delay: Duration): AwaitableCoroutine<void>;
export function sleep<T = void>(options: SleepOptions<T> & { readonly delay: Duration }): AwaitableCoroutine<T>;
export function sleep<T>(delay: Duration, options: { readonly result: T }): AwaitableCoroutine<T>;
export function sleep<T>(delay: Duration, result: T): AwaitableCoroutine<T>;
export function sleep<T>(
  delay: Duration | SleepOptions<T>,
  result?: T | { readonly result: T },
): AwaitableCoroutine<T | undefined> {
  // What most programs call: it is not looked at any further.
  if (delay === 0 && result === undefined) return checkpoint() as AwaitableCoroutine<T | undefined>;
  if (typeof delay === 'object' && delay !== null && 'result' in delay) {
    const { result: named, ...time } = delay as SleepOptions<T>;
    return pause(inSeconds(time as Duration), named);
  }
  return pause(inSeconds(delay as Duration), typeof result === 'object' ? anyByName<T>('result', result as T) : result);
}

function pause<T>(seconds: number, result: T | undefined): AwaitableCoroutine<T | undefined> {
  if (seconds > 0) return new Pause(seconds, result);
  return result === undefined ? (checkpoint() as AwaitableCoroutine<T | undefined>) : new CheckpointWithResult(result);
}

/** Waits for a timer. */
class Pause<T> extends WrittenCoroutine<T> {
  static readonly exemplar: object = /* @__PURE__ */ new Pause(1.5, undefined);

  declare private readonly seconds: number;
  declare private readonly result: T;
  /** What it waits for, `null` before it has begun. */
  declare private future: TimedFuture<T> | null;
  declare private isOver: boolean;

  constructor(seconds: number, result: T) {
    super();
    this.seconds = seconds;
    this.result = result;
    this.future = null;
    this.isOver = false;
  }

  override get then(): AwaitableCoroutine<T>['then'] {
    return thenOf(this);
  }

  get calledAs(): string {
    return 'sleep';
  }

  override get _isQuiet(): boolean {
    return true;
  }

  next(): IteratorResult<unknown, T> {
    if (this.isOver) return { done: true, value: undefined as T };
    const future = this.future;
    if (future === null) {
      this.future = resultAfter(this.seconds, this.result);
      return this.future.next();
    }
    if (future.done()) this.end();
    return future.next();
  }

  /** @internal */
  override _beginWait(task: Task<unknown>): TimedFuture<T> | null {
    if (this.isOver || this.future !== null) return null;
    this[Symbol.iterator]();
    this.future = resultAfter(this.seconds, this.result, task.getLoop());
    return this.future;
  }

  /** @internal */
  override _endWoken(): T {
    this.end();
    return this.result;
  }

  protected end(): void {
    this.isOver = true;
    this.future?.release();
  }
}

const bareYield: IteratorResult<undefined, never> = { done: false, value: undefined };

/** As `Checkpoint`, with a result. */
class CheckpointWithResult<T> extends WrittenCoroutine<T> {
  static readonly exemplar: object = /* @__PURE__ */ new CheckpointWithResult(undefined);

  declare private readonly result: T;
  declare private state: 'created' | 'waiting' | 'over';

  constructor(result: T) {
    super();
    this.result = result;
    this.state = 'created';
  }

  get calledAs(): string {
    return 'sleep';
  }

  override get _isQuiet(): boolean {
    return true;
  }

  next(): IteratorResult<unknown, T> {
    if (this.state === 'created') {
      this.state = 'waiting';
      return bareYield;
    }
    const value = this.state === 'waiting' ? this.result : (undefined as T);
    this.state = 'over';
    return { done: true, value };
  }

  protected end(): void {
    this.state = 'over';
  }
}
