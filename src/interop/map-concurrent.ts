import { RuntimeError } from '../errors/index.ts';
import { typeError } from '../errors/type-error.ts';
import { describe } from '../internal/describe.ts';
import { checkOptions } from '../internal/options.ts';
import type { Rejection } from '../internal/rejection.ts';
import { CONCURRENCY, checkWholeNumber } from '../internal/whole-number.ts';
import {
  type Awaitable,
  type AwaitableCoroutine,
  type CoroutineFunction,
  catchOf,
  finallyOf,
  libraryCoroutine,
  lookUpThen,
  newAsyncFrame,
  noteMade,
  noteTouched,
} from '../kernel/lowlevel.ts';
import { checkItems, type Items } from './cursor.ts';
import { Mapping } from './mapping.ts';
import { Produced, type ProducerBody } from './produce.ts';
import { TaskIterator } from './task-iterator.ts';

/** Options of `mapConcurrent`. */
export interface MapConcurrentOptions {
  /** How many calls may run at the same time: a whole number of at least 1, or `Infinity`. */
  readonly limit: number;
  /** Whether the results come in the order of the items; otherwise in the order in which the calls finish. True when absent. */
  readonly ordered?: boolean | undefined;
}

/** The function that `mapConcurrent` calls for each item: an async function, or a generator function. */
export type Mapper<T, R> = CoroutineFunction<R, [item: T, index: number]>;

/** What `mapConcurrent` returns: await it for all results, or iterate it for one after the other. */
export class ConcurrentMap<R> extends TaskIterator<R> implements Awaitable<R[]> {
  readonly #limit: number;
  readonly #ordered: boolean;
  readonly #mapping: Mapping<R>;
  /** The async context in which `mapConcurrent` was called: the calls are made in it, and the items are taken in it. */
  readonly #scope = newAsyncFrame();
  /** `null` until it is awaited or iterated. */
  #results: Produced<R> | null = null;

  /** @internal */
  constructor(items: Items<unknown>, fn: Mapper<unknown, R>, limit: number, ordered: boolean) {
    super();
    this.#limit = limit;
    this.#ordered = ordered;
    this.#mapping = new Mapping(items, fn, limit, this);
    noteMade(this, 'mapConcurrent');
  }

  /** @internal */
  *pull(): Generator<unknown, IteratorResult<R, undefined>, unknown> {
    this.#results ??= this.#begin();
    const result = yield* this.#results.pull();
    // Only now, because a result that was not taken counts as a running call.
    if (result.done !== true) this.#mapping.releaseSlot();
    return result;
  }

  #begin(): Produced<R> {
    noteTouched(this);
    const mapping = this.#mapping;
    const inOrder = this.#ordered;
    const produced = this.#produce(function* (put) {
      const early = new Map<number, R>();
      let next = 0;
      // The buffer has no limit, so none of these calls waits.
      const deliver = function* (result: R, index: number): Generator<unknown, void, unknown> {
        if (produced.isOver) return; // done in the same moment in which it was closed
        if (!inOrder) yield* put(result);
        else early.set(index, result);
        for (; early.has(next); next++) {
          const due = early.get(next) as R;
          early.delete(next);
          yield* put(due);
        }
      };
      yield* mapping.run(deliver);
    });
    return produced;
  }

  #produce(body: ProducerBody<R>): Produced<R> {
    return new Produced(body, Number.POSITIVE_INFINITY, this.#scope);
  }

  /** @internal */
  *close(): Generator<unknown, void, unknown> {
    this.#results ??= this.#begin();
    yield* this.#results.close();
    yield* this.#mapping.close();
  }

  /** Waits for all. @internal */
  *collect(): Generator<unknown, R[], unknown> {
    noteTouched(this);
    if (this.#results !== null) throw this.#reused();
    const mapping = this.#mapping;
    const inOrder = this.#ordered;
    const results: R[] = [];
    this.#results = this.#produce(function* () {
      yield* mapping.run(function* (result, index) {
        if (inOrder) results[index] = result;
        else results.push(result);
        mapping.releaseSlot();
      });
    });
    yield* this.#results.pull();
    return results;
  }

  #reused(): RuntimeError {
    return new RuntimeError(`${this} is in use already: call mapConcurrent() again for each use`, {
      code: 'COROUTINE_REUSED',
    });
  }

  /** For `yield*`: all results. */
  [Symbol.iterator](): Iterator<unknown, R[], unknown> {
    return collect(this as ConcurrentMap<unknown>)[Symbol.iterator]() as Iterator<unknown, R[], unknown>;
  }

  /** For `await`: all results. */
  get then(): AwaitableCoroutine<R[]>['then'] {
    return lookUpThen.call(this) as AwaitableCoroutine<R[]>['then'];
  }

  /** As a promise's `catch`, of all results. */
  catch<B = never>(onRejected?: ((error: Rejection) => B | PromiseLike<B>) | null): Promise<R[] | B> {
    return catchOf.call(this, onRejected) as Promise<R[] | B>;
  }

  /** As a promise's `finally`, of all results. */
  finally(onFinally?: (() => void) | null): Promise<R[]> {
    return finallyOf.call(this, onFinally) as Promise<R[]>;
  }

  override toString(): string {
    return `<ConcurrentMap limit=${this.#limit} ${this.#mapping.running} running>`;
  }
}

const collect = /* @__PURE__ */ libraryCoroutine(function* mapConcurrent(
  map: ConcurrentMap<unknown>,
): Generator<unknown, unknown[], unknown> {
  return yield* map.collect();
});

/**
 * Calls a function for each item, a limited number at a time, each call in a task of its own. Await it for an array of all results, or
 * iterate it for one result after the other. It begins when it is awaited, or asked for the first result.
 *
 * Items are taken as they are needed: never more than `limit` calls run at the same time. When it is iterated, results that were not taken
 * yet count as running calls, so a slow consumer slows down the calls.
 *
 * The first failure, of a call or of the items, ends it: the other calls are cancelled and waited for, `return()` of the source of the
 * items is called, and the error is thrown unchanged; in an iteration, after the results that came before. Further errors
 * go to the exception handler of the loop.
 *
 * **Cancellation**: cancels all calls and waits for them, and ends the source as `iterate` does. Leaving an
 * iteration early does the same.
 *
 * **Order**: calls begin in the order of the items. Results come in the order of the items too, or as the calls finish when
 * `ordered` is false.
 *
 * @param items an array, an iterable, an async iterable such as a queue, or a readable web stream
 * @param fn called with each item and its index
 * @param options `limit`: how many calls may run at the same time; `ordered`: whether results come in the order of the items (the default)
 * @throws {TypeError} at once, when `items` is not a source of items, `fn` is not a function, or there is no limit
 * @throws {ValueError} at once, when the limit is not a whole number of at least 1, and not `Infinity`
 * @throws {RuntimeError} when it is used a second time
 * @throws the first error of a call or of the source
 * @example
 * const pages = await mapConcurrent(urls, (url) => download(url), { limit: 10 });
 *
 * for await (const page of mapConcurrent(urls, (url) => download(url), { limit: 10, ordered: false })) index(page);
 */
export function mapConcurrent<T, R>(
  items: Iterable<T> | AsyncIterable<T>,
  fn: Mapper<T, R>,
  options: MapConcurrentOptions,
): ConcurrentMap<R>;
export function mapConcurrent<T, R>(items: Items<T>, fn: Mapper<T, R>, options: MapConcurrentOptions): ConcurrentMap<R>;
export function mapConcurrent<T, R>(
  items: Items<T>,
  fn: Mapper<T, R>,
  options: MapConcurrentOptions,
): ConcurrentMap<R> {
  checkItems('mapConcurrent', items);
  if (typeof fn !== 'function')
    throw typeError(
      `mapConcurrent: an async function or a generator function is required, got ${describe(fn)}`,
      'NOT_A_COROUTINE',
    );
  if (typeof options !== 'object' || options === null) {
    const meant = typeof options === 'number' ? options : 10;
    throw typeError(`mapConcurrent: options are one object, got ${describe(options)}; write { limit: ${meant} }`);
  }
  checkOptions('mapConcurrent', options, ['limit', 'ordered'], false);
  const limit = checkWholeNumber('mapConcurrent: limit', options.limit, CONCURRENCY);
  return new ConcurrentMap(items, fn as Mapper<never, R> as Mapper<unknown, R>, limit, options.ordered ?? true);
}
