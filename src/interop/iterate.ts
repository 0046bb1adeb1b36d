import { typeError } from '../errors/type-error.ts';
import { describe } from '../internal/describe.ts';
import { type AwaitableCoroutine, type CoroutineFunction, iterableOf, libraryCoroutine } from '../kernel/lowlevel.ts';
import { type Cursor, checkItems, closeAfter, cursorOf, type Items } from './cursor.ts';
import { OVER, TaskIterator } from './task-iterator.ts';

/** Iterates a source so that tasks can be cancelled while they wait for an item. */
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
 * Lets tasks iterate any source of items: in both spellings, so that a task can be cancelled while it waits for
 * the next one, and so that `return()` of the source is called however the iteration ends. A readable web stream is cancelled then,
 * and its lock released.
 *
 * A queue is not shut down. The source is not used before the first item is asked for.
 *
 * **Cancellation**: an async generator is cancelled where it awaits something of this library, and its clean-up is waited
 * for. A source that waits for a foreign promise cannot be ended: `return()` is called, but not waited for, and its error goes to the
 * exception handler of the loop. An item that was about to come is lost.
 *
 * @param items an array, an iterable, an async iterable, or a readable web stream
 * @returns an async iterator that can be used once
 * @throws {TypeError} at once, when it is not a source of items
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
 * **Cancellation**: thrown where the body or the source waits, as with `iterate`; `return()` of the source is called, as it
 * is when the body throws, and waited for.
 *
 * **Order**: the next item is asked for when the body has finished with the one before.
 *
 * @param items an array, an iterable, an async iterable, or a readable web stream
 * @param body called with each item and its index
 * @throws {TypeError} at once, when it is not a source of items or the body is not a function
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
