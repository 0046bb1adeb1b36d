import { ValueError } from '../errors/errors.ts';
import { typeError } from '../errors/type-error.ts';
import { describe } from '../internal/describe.ts';
import { tellOfLoop } from './copies.ts';
import {
  type AwaitableCoroutine,
  type AwaitableLike,
  type Coroutine,
  type CoroutineFunction,
  type CoroutineLike,
  CoroutineObject,
  isAsyncFunction,
  iscoroutine,
  isGeneratorFunction,
  isOfOtherCopy,
  libraryCoroutine,
} from './coroutine.ts';
import type { EventLoop } from './event-loop.ts';
import { type Future, isfuture } from './future.ts';
import { logger } from './host.ts';
import { wrapPromise } from './wrap-promise.ts';

type IterableAwaitable<T> = { [Symbol.iterator](): Iterator<unknown, T, unknown> };

function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

/** An object whose iterator yields futures. Collections are not meant, though they can be iterated too. */
function isIterableAwaitable(value: unknown): value is IterableAwaitable<unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    Symbol.iterator in value &&
    !('length' in value) &&
    !('size' in value) &&
    !isOfOtherCopy(value)
  );
}

/**
 * What a task is made of.
 *
 * @throws {TypeError} when the value is no coroutine
 */
export function asCoroutine<T>(value: CoroutineLike<T> | PromiseLike<T>, loop: EventLoop): CoroutineLike<T> {
  if (typeof value === 'function' || iscoroutine(value)) return value;
  if (isfuture(value)) {
    throw typeError(
      `a coroutine was expected, got ${value}: it runs already, so await it, or give it to ensureFuture()`,
      'NOT_A_COROUTINE',
    );
  }
  if (isPromiseLike(value)) {
    if (loop.getDebug()) {
      logger.warn(
        'createTask() was given a promise: its work was running already, cancelling the task will not stop it. ' +
          'Give the function itself: write createTask(f), or createTask(() => f(x)), instead of createTask(f(x)).',
        new Error('createTask() was called here'),
      );
    }
    return awaitPromise(value as PromiseLike<T>, loop);
  }
  throw typeError(
    `a coroutine was expected, got ${describe(value)}: give a generator object, or a function that is async or a generator`,
    'NOT_A_COROUTINE',
  );
}

/** Whether a value can be waited for. */
export function isAwaitable(value: unknown): value is AwaitableLike<unknown> {
  return typeof value === 'function' || isfuture(value) || isPromiseLike(value) || isIterableAwaitable(value);
}

/**
 * A future for an awaitable: itself when it is one, otherwise a task or a wrapped promise.
 *
 * @throws {TypeError} when the value cannot be awaited
 * @throws {ValueError} when it is a future of another loop
 */
export function ensureFutureOn<T>(value: AwaitableLike<T>, loop: EventLoop): Future<T> {
  if (isfuture(value)) {
    const itsLoop = value.getLoop();
    if (itsLoop !== loop) {
      const message = 'The future belongs to a different loop than the one specified as the loop argument';
      throw new ValueError(`${message}${tellOfLoop(itsLoop)}`, { code: 'DIFFERENT_LOOP' });
    }
    return value as Future<T>;
  }
  if (typeof value === 'function' || iscoroutine(value)) return loop.createTask(value as CoroutineLike<T>);
  if (isIterableAwaitable(value)) return loop.createTask(awaitIterable<T>(value as IterableAwaitable<T>));
  if (isPromiseLike(value)) return wrapPromise(value as PromiseLike<T>, { loop });
  throw typeError(
    `An asyncio Future, a coroutine or an awaitable is required, got ${describe(value)}`,
    'NOT_AWAITABLE',
  );
}

/**
 * What `yield*` takes for an awaitable: awaiting a coroutine so runs it inside the present task.
 *
 * @param args what a function is called with
 * @throws {TypeError} when the value cannot be awaited
 */
export function iterableOf<T, A extends unknown[]>(
  value: AwaitableLike<T> | CoroutineFunction<T, A>,
  ...args: A
): { [Symbol.iterator](): Iterator<unknown, T, unknown> } {
  if (typeof value === 'function') {
    if (isGeneratorFunction(value)) return (value as (...args: A) => Coroutine<T>)(...args);
    return new CoroutineObject<T>(value as CoroutineFunction<T, A>, args);
  }
  if (isfuture(value)) return value as Future<T>;
  if (isIterableAwaitable(value)) return value as IterableAwaitable<T>;
  if (isPromiseLike(value)) return wrapPromise(value as PromiseLike<T>);
  throw typeError(
    `An asyncio Future, a coroutine or an awaitable is required, got ${describe(value)}`,
    'NOT_AWAITABLE',
  );
}

/**
 * The body of a construct with a deadline. What a plain function returns is waited for as what it is: a promise that nobody of this
 * library takes part in is left at the deadline.
 */
export function bodyOf<T, A extends unknown[]>(
  value: AwaitableLike<T> | CoroutineFunction<T, A>,
  ...args: A
): { [Symbol.iterator](): Iterator<unknown, T, unknown> } {
  if (typeof value !== 'function' || isGeneratorFunction(value) || isAsyncFunction(value))
    return iterableOf(value, ...args);
  const body = new CoroutineObject<T>(value as CoroutineFunction<T, A>, args);
  body._isLeavable = true;
  return body;
}

const awaitIterable = /* @__PURE__ */ libraryCoroutine(function* awaitIterable(
  awaitable: IterableAwaitable<unknown>,
): Generator<unknown, unknown, unknown> {
  return yield* awaitable;
}) as <T>(awaitable: IterableAwaitable<T>) => AwaitableCoroutine<T>;

const awaitPromise = /* @__PURE__ */ libraryCoroutine(function* awaitPromise(
  promise: PromiseLike<unknown>,
  loop: EventLoop,
): Generator<unknown, unknown, unknown> {
  return yield* wrapPromise(promise, { loop });
}) as <T>(promise: PromiseLike<T>, loop: EventLoop) => AwaitableCoroutine<T>;
