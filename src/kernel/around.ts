import { typeError } from '../errors/type-error.ts';
import { describe } from '../internal/describe.ts';
import { begunOf, callCoroutineFunction, isAsyncFunction, isGeneratorFunction } from './coroutine.ts';
import { callInTask } from './engine/calls.ts';
import { beginConstruct } from './engine/construct-await.ts';
import { isPromiseOfEngine } from './engine/engine-promise.ts';
import {
  type Construct,
  ENTER,
  type Enterable,
  type Frame,
  NONE,
  type Reject,
  type Resolve,
  type Scope,
  type TaskRole,
} from './engine/roles.ts';
import { iterableOf } from './ensure.ts';
import { reportIfLate } from './promise-future.ts';
import { WrittenCoroutine } from './written-coroutine.ts';

const CREATED = 0;
const HANDED = 1;
const RUNNING = 2;
const OVER = 3;

/**
 * The coroutine of a construct around a body, such as a timeout: it enters the construct, runs the body, and leaves the
 * construct with the value or error of the body. Written by hand, because programs use timeouts very often.
 *
 * | state | meaning | left by |
 * | --- | --- | --- |
 * | CREATED | not begun | `next` enters the construct |
 * | HANDED | a body that is a function is to be put on the task's stack, on top of this frame | `[ENTER]` calls it |
 * | RUNNING | the body runs, on top of this frame or, when it is an awaitable, in `inner` | its end |
 * | OVER | the construct was left | – |
 */
export abstract class Around<R> extends WrittenCoroutine<R> implements Enterable, Construct {
  declare private readonly body: unknown;
  declare private readonly arg: unknown;
  declare private state: number;
  declare private inner: Frame | null;

  /**
   * @param body a function, called with `arg`, or an awaitable
   * @param arg the argument of the function
   */
  constructor(body: unknown, arg: unknown) {
    super();
    this.body = body;
    this.arg = arg;
    this.state = CREATED;
    this.inner = null;
  }

  /** The body begins. */
  protected abstract enter(): void;

  /** The body has returned; gives the result of this coroutine. */
  protected abstract leave(result: unknown): R;

  /** The body has thrown; rethrows the error, or throws another one. */
  protected abstract fail(error: unknown): never;

  /** Where it was called, while a loop is in debug mode; otherwise `undefined`. */
  protected get calledAt(): string | null | undefined {
    return undefined;
  }

  /** @internal */
  get _isHanded(): boolean {
    return this.state === HANDED;
  }

  /**
   * When a plain function returns a promise and awaits nothing of this library, the construct does not wait for it
   * after the deadline.
   * @internal
   */
  get _isLeavable(): boolean {
    const { body } = this;
    return typeof body === 'function' && !isAsyncFunction(body) && !isGeneratorFunction(body);
  }

  /** Possible only if its body is an async function, and it has not begun. @internal */
  override _beginWithoutFrame(scope: Scope, task: TaskRole, resolve: Resolve, reject: Reject): boolean {
    if (this.state !== CREATED || !isAsyncFunction(this.body as object)) return false;
    beginConstruct(this, scope, task, resolve, reject);
    return true;
  }

  /** Enters the construct and calls the body, an async function. @internal */
  _beginBody(task: TaskRole): PromiseLike<unknown> {
    this[Symbol.iterator]();
    this.enter();
    this.state = RUNNING;
    const body = this.body as (arg: unknown) => never;
    try {
      const begun: unknown = callInTask(task, body, [this.arg]);
      if (isPromiseOfEngine(begun)) return begun;
      const promise = begunOf(begun, body);
      if ('then' in promise) return promise;
      throw typeError(`${this.calledAs}: an async function has returned ${describe(begun)}`, 'NOT_A_COROUTINE');
    } catch (error) {
      return this.failed(error);
    }
  }

  /** The body has ended: what the construct returns, or throws. @internal */
  _endBody(error: unknown, result: unknown): R {
    this.state = OVER;
    return error === NONE ? this.leave(result) : this.fail(error);
  }

  /** @internal */
  [ENTER](task: TaskRole): Frame | PromiseLike<unknown> {
    this.state = RUNNING;
    const begun = callCoroutineFunction(task, this.body as () => never, [this.arg]);
    if (this.calledAt !== undefined && this._isLeavable && task._loop.getDebug()) this.watch(begun);
    return begun;
  }

  next(value?: unknown): IteratorResult<unknown, R> {
    if (this.state === CREATED) return this.begin();
    if (this.state !== RUNNING) return { done: true, value: undefined as R };
    const { inner } = this;
    if (inner === null) return this.returned(value);
    let result: IteratorResult<unknown, unknown>;
    try {
      result = inner.next(value);
    } catch (error) {
      return this.failed(error);
    }
    return result.done === true ? this.returned(result.value) : (result as IteratorYieldResult<unknown>);
  }

  override throw(error: unknown): IteratorResult<unknown, R> {
    if (this.state !== RUNNING && this.state !== HANDED) return super.throw(error);
    const { inner } = this;
    if (inner === null) return this.failed(error);
    let result: IteratorResult<unknown, unknown>;
    try {
      result = inner.throw(error);
    } catch (failure) {
      return this.failed(failure);
    }
    return result.done === true ? this.returned(result.value) : (result as IteratorYieldResult<unknown>);
  }

  private begin(): IteratorResult<unknown, R> {
    this.enter();
    const { body } = this;
    if (typeof body === 'function' && !isGeneratorFunction(body)) {
      this.state = HANDED;
      return { done: false, value: this };
    }
    this.state = RUNNING;
    let result: IteratorResult<unknown, unknown>;
    try {
      const inner = iterableOf<unknown, [unknown]>(body as Promise<unknown>, this.arg);
      if (this.calledAt !== undefined) this.watch(inner);
      this.inner = inner[Symbol.iterator]() as Frame;
      result = this.inner.next();
    } catch (error) {
      return this.failed(error);
    }
    return result.done === true ? this.returned(result.value) : (result as IteratorYieldResult<unknown>);
  }

  private watch(body: object): void {
    reportIfLate(body, this.calledAs, this.calledAt ?? null, () => this.state === OVER);
  }

  private returned(result: unknown): IteratorResult<unknown, R> {
    this.state = OVER;
    return { done: true, value: this.leave(result) };
  }

  private failed(error: unknown): never {
    this.state = OVER;
    return this.fail(error);
  }

  protected end(): void {
    this.state = OVER;
  }
}
