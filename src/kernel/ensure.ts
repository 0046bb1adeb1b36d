import { ValueError } from '../errors/errors.ts';
import { typeError } from '../errors/type-error.ts';
import { describe } from '../internal/describe.ts';
import {
  type AwaitableCoroutine,
  type AwaitableLike,
  type Coroutine,
  type CoroutineFunction,
  type CoroutineLike,
  CoroutineObject,
  claimGenerator,
  iscoroutine,
  isGeneratorFunction,
  isOfOtherCopy,
  libraryCoroutine,
} from './coroutine.ts';
import { tellOfLoop } from './engine/copies.ts';
import type { EventLoop } from './event-loop.ts';
import { type Future, isfuture } from './future.ts';
import { reportOnce } from './places.ts';
import { PromiseFuture } from './promise-future.ts';
import { implicitLoop } from './thread-loop.ts';

type IterableAwaitable<T> = { [Symbol.iterator](): Iterator<unknown, T, unknown> };

function isPromiseLike(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function';
}

/** An object whose iterator yields futures. Collections do not count, although they can be iterated too. */
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
 * The coroutine for a new task.
 *
 * @throws {TypeError} when the value is not a coroutine
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
    if (isIterableAwaitable(value)) return awaitIterable<T>(value as IterableAwaitable<T>);
    reportOnce(
      'createTask(promise)',
      'createTask() was given a promise: its work is already running as part of the code that called it, so cancelling the task ' +
        'will not stop it. Give the function itself: write createTask(f), or createTask(() => f(x)), instead of createTask(f(x)). ' +
        'If you only have a promise, write ensureFuture(promise).',
    );
    return awaitPromise(value as PromiseLike<T>, loop);
  }
  throw typeError(
    `a coroutine was expected, got ${describe(value)}: give a generator object, or a function that is async or a generator`,
    'NOT_A_COROUTINE',
  );
}

/** Whether a value is a promise that is not an awaitable of this library. */
function isBarePromise(value: unknown): value is PromiseLike<unknown> {
  return !isfuture(value) && !isIterableAwaitable(value) && isPromiseLike(value);
}

/** How to pass the function itself instead of the promise of its call. */
const INSTEAD_OF_PROMISES = {
  shield: 'write shield(f), or shield(() => f(x)), instead of shield(f(x))',
  gather: 'write gather([f, () => g(x)]) instead of gather([f(), g(x)])',
};

/**
 * Reports, in debug mode, that the work of a promise belongs to the task that made the call: no construct can protect
 * it from the cancellation of that task, or cancel it separately.
 *
 * @param call the function that was given the value
 */
export function reportPromise(call: keyof typeof INSTEAD_OF_PROMISES, value: unknown): void {
  if (!isBarePromise(value) || !implicitLoop().getDebug()) return;
  reportOnce(
    `${call}(promise)`,
    `${call}() was given a promise: its work runs in the task that made the call, and is cancelled with that task, not separately. ` +
      `Give the function itself: ${INSTEAD_OF_PROMISES[call]}.`,
  );
}

/**
 * The coroutine for the main task of a run.
 *
 * @param call the function that the program has called, for messages
 * @throws {TypeError} when the value cannot be awaited
 */
export function mainCoroutine<T>(value: AwaitableLike<T>, loop: EventLoop, call: string): CoroutineLike<T> {
  if (typeof value === 'function' || iscoroutine(value)) return value as CoroutineLike<T>;
  if (isfuture(value) || isIterableAwaitable(value)) return awaitIterable<T>(value as IterableAwaitable<T>);
  if (isPromiseLike(value)) {
    if (loop.getDebug()) {
      reportOnce(
        `${call}(promise)`,
        `${call}() was given a promise: its work has begun outside the loop of this run, so the run can neither cancel it nor see its tasks. ` +
          `Give the function itself: write ${call}(main), or ${call}(() => main(x)), instead of ${call}(main()).`,
      );
    }
    return awaitPromise(value as PromiseLike<T>, loop);
  }
  throw typeError(
    `${call}: an asyncio Future, a coroutine or an awaitable is required, got ${describe(value)}: give a function that is async or a generator`,
    'NOT_AWAITABLE',
  );
}

/** Whether a value can be waited for. */
export function isAwaitable(value: unknown): value is AwaitableLike<unknown> {
  // This library's awaitables are checked first, because reading their `then` begins an await.
  if (typeof value === 'function' || isfuture(value) || iscoroutine(value)) return true;
  return isIterableAwaitable(value) || isPromiseLike(value);
}

/**
 * A future for an awaitable: the value itself when it is a future, otherwise a task or a wrapped promise.
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
  if (isPromiseLike(value)) return new PromiseFuture<T>(loop).follow(value as PromiseLike<T>);
  throw typeError(
    `An asyncio Future, a coroutine or an awaitable is required, got ${describe(value)}`,
    'NOT_AWAITABLE',
  );
}

/**
 * An iterator for `yield*` of an awaitable. Awaiting a coroutine in this way runs it inside the current task.
 *
 * @param args the arguments for a function
 * @throws {TypeError} when the value cannot be awaited
 * @throws {RuntimeError} when it is a generator that was already awaited or run
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
  if (isIterableAwaitable(value)) {
    claimGenerator(value); // coroutines of the library claim themselves when they begin
    return value as IterableAwaitable<T>;
  }
  if (isPromiseLike(value)) return new PromiseFuture<T>().follow(value as PromiseLike<T>);
  throw typeError(
    `An asyncio Future, a coroutine or an awaitable is required, got ${describe(value)}`,
    'NOT_AWAITABLE',
  );
}

const awaitIterable = /* @__PURE__ */ libraryCoroutine(function* awaitIterable(
  awaitable: IterableAwaitable<unknown>,
): Generator<unknown, unknown, unknown> {
  return yield* awaitable;
}) as <T>(awaitable: IterableAwaitable<T>) => AwaitableCoroutine<T>;

/**
 * The promise is handled at once: if this waited until the task begins, the runtime might report its rejection as
 * unhandled.
 */
function awaitPromise<T>(promise: PromiseLike<T>, loop: EventLoop): AwaitableCoroutine<T> {
  return awaitIterable<T>(new PromiseFuture<T>(loop).follow(promise));
}
