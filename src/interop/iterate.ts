import { typeError } from '../errors/type-error.ts';
import { describe } from '../internal/describe.ts';
import { type AwaitableCoroutine, type CoroutineFunction, iterableOf, libraryCoroutine } from '../kernel/lowlevel.ts';
import { type Cursor, checkItems, closeAfter, cursorOf, type Items } from './cursor.ts';
import { OVER, TaskIterator } from './task-iterator.ts';

/** Items taken by tasks that can be cancelled. */
export class Iteration<T> extends TaskIterator<T> {
  readonly #items: Items<T>;
  /** `null` until the first item is asked for. */
  #cursor: Cursor<T> | null = null;
  #isOver = false;

  /** @internal */
  constructor(items: Items<T>) {
    super();
    this.#items = items;
  }

  /** @internal */
  *pull(): Generator<unknown, IteratorResult<T, undefined>, unknown> {
    if (this.#isOver) return OVER;
    this.#cursor ??= cursorOf(this.#items);
    let result: IteratorResult<T, unknown>;
    try {
      result = yield* this.#cursor.next();
    } catch (error) {
      this.#isOver = true;
      throw error;
    }
    if (result.done !== true) return result;
    this.#isOver = true;
    return OVER;
  }

  /** @internal */
  *close(): Generator<unknown, void, unknown> {
    if (this.#isOver) return;
    this.#isOver = true;
    yield* (this.#cursor ?? cursorOf(this.#items)).close();
  }

  override toString(): string {
    return `<Iteration ${this.#isOver ? 'over' : this.#cursor === null ? 'created' : 'begun'}>`;
  }
}

/**
 * Makes items that come from elsewhere fit for tasks: they can be taken in both spellings, a task can be cancelled while it waits for
 * the next one, and `return()` of what they come from is called however the iteration ends. A readable web stream is cancelled then,
 * and its lock released.
 *
 * A queue is not shut down by it. Nothing is asked for before the first item is.
 *
 * **Cancellation**: a body of an async generator is cancelled where it awaits something of this library, and its clean-up is waited
 * for. What waits for a promise cannot be ended: `return()` is called, but not waited for, and an error of it goes to the exception
 * handler of the loop. An item that was about to come is lost.
 *
 * @param items an array, an iterable, an async iterable, or a readable web stream
 * @returns an async iterator that can be used once
 * @throws {TypeError} at once, when there are no items to be had
 * @throws what `next()` of the items throws, where the next one is waited for
 * @example
 * for await (const chunk of iterate(response.body)) use(chunk);
 *
 * const lines = iterate(readLines(file));
 * try {
 *   const first = yield* lines.next();
 * } finally {
 *   yield* lines.return();
 * }
 */
export function iterate<T>(items: Iterable<T> | AsyncIterable<T>): Iteration<T>;
export function iterate<T>(items: Items<T>): Iteration<T>;
export function iterate<T>(items: Items<T>): Iteration<T> {
  checkItems('iterate', items);
  return new Iteration(items);
}

/** The body of `forEach`: an async function, or a generator function. */
export type ItemBody<T> = CoroutineFunction<unknown, [item: T, index: number]>;

/**
 * Runs a body for each item, one after the other, in the current task: the `for await` of generator coroutines.
 *
 * **Cancellation**: thrown where the body or the items wait, as with `iterate`; `return()` of what the items come from is called, as it
 * is when the body throws, and waited for.
 *
 * **Order**: the next item is asked for when the body is done with the one before.
 *
 * @param items an array, an iterable, an async iterable, or a readable web stream
 * @param body called with each item and its index
 * @throws {TypeError} at once, when there are no items to be had or the body is not a function
 * @throws what the body or the items throw
 * @example
 * yield* forEach(on<MessageEvent>(port, 'message', { close: ['close'] }), function* (event) {
 *   yield* queue.put(event.data);
 * });
 */
export function forEach<T>(items: Iterable<T> | AsyncIterable<T>, body: ItemBody<T>): AwaitableCoroutine<void>;
export function forEach<T>(items: Items<T>, body: ItemBody<T>): AwaitableCoroutine<void>;
export function forEach<T>(items: Items<T>, body: ItemBody<T>): AwaitableCoroutine<void> {
  checkItems('forEach', items);
  if (typeof body !== 'function')
    throw typeError(
      `forEach: the body must be an async function or a generator function, got ${describe(body)}`,
      'NOT_A_COROUTINE',
    );
  return each(items, body as ItemBody<unknown>);
}

const each = /* @__PURE__ */ libraryCoroutine(function* forEach(
  items: Items<unknown>,
  body: ItemBody<unknown>,
): Generator<unknown, void, unknown> {
  const cursor = cursorOf(items);
  for (let index = 0; ; index++) {
    const { done, value } = yield* cursor.next();
    if (done === true) return;
    try {
      yield* iterableOf(body, value, index);
    } catch (error) {
      yield* closeAfter(cursor, error);
    }
  }
});
