import { isCancelledError } from '../errors/errors.ts';
import { ExceptionGroup, RuntimeError } from '../errors/index.ts';
import { type CoroutineFunction, getRunningLoop, iterableOf, libraryCoroutine, type Task } from '../kernel/lowlevel.ts';
import { Event, Semaphore } from '../sync/index.ts';
import { type TaskGroup, taskGroup } from '../tasks/index.ts';
import { closeAfter, type Items } from './cursor.ts';
import { Iteration } from './iterate.ts';

/** Called with each result: a coroutine in the task that has made the result. */
type Deliver<R> = (result: R, index: number) => Generator<unknown, void, unknown>;

/** The slots of the calls: it is the calls that give them back, though one task takes them all. */
class Slots extends Semaphore {
  group: TaskGroup | null = null;

  /** @internal */
  override get holders(): readonly Task<unknown>[] {
    return this.group === null ? [] : [...this.group.tasks];
  }
}

/**
 * The calls of `mapConcurrent`: takes items, and calls a function for each in a task of its own.
 *
 * An item holds a slot from before it is taken until `releaseSlot` is called for its result.
 */
export class Mapping<R> {
  readonly #items: Iteration<unknown>;
  readonly #fn: CoroutineFunction<R, [item: unknown, index: number]>;
  readonly #slots: Slots;
  readonly #idle = new Event();
  /** The first error. Later errors are consequences of it. */
  #failure: { readonly error: unknown } | null = null;
  /** How many calls are running. */
  running = 0;

  /** @param owner what those that wait for a slot or for the calls wait for */
  constructor(
    items: Items<unknown>,
    fn: CoroutineFunction<R, [item: unknown, index: number]>,
    limit: number,
    owner: object,
  ) {
    this.#items = new Iteration(items);
    this.#fn = fn;
    this.#slots = new Slots(limit);
    this.#idle.set();
    this.#slots.waiters.object = owner;
    this.#idle.waiters.object = owner;
  }

  /** Allows another item to be taken. */
  releaseSlot(): void {
    this.#slots.release();
  }

  /** Runs until the items are over and all calls are done. */
  *run(deliver: Deliver<R>): Generator<unknown, void, unknown> {
    const mapping = this;
    try {
      yield* taskGroup(function* (group) {
        try {
          yield* mapping.#callAll(group, deliver);
        } catch (error) {
          mapping.#failure ??= { error };
          throw error;
        }
      });
    } catch (error) {
      yield* closeAfter(this.#items, this.#first(error));
    }
  }

  *#callAll(group: TaskGroup, deliver: Deliver<R>): Generator<unknown, void, unknown> {
    this.#slots.group = group;
    for (let index = 0; ; index++) {
      yield* this.#slots.acquire();
      const { done, value } = yield* this.#items.pull();
      if (done === true) break;
      this.running++;
      this.#idle.clear();
      group.createTask(() => callOne(this as Mapping<unknown>, deliver as Deliver<unknown>, value, index));
    }
    // Here, and not at the end of the group, so that a cancellation can be recognised as such.
    yield* this.#idle.wait();
  }

  /** One call. @internal */
  *call(deliver: Deliver<R>, item: unknown, index: number): Generator<unknown, void, unknown> {
    let result: R;
    try {
      result = yield* iterableOf(this.#fn, item, index);
    } catch (error) {
      if (this.#failure !== null) throw error;
      this.#failure = { error };
      // A call that other code has cancelled counts as failed, but the group would ignore the cancellation.
      throw isCancelledError(error) ? new RuntimeError('a call was cancelled', { cause: error }) : error;
    } finally {
      this.running--;
      if (this.running === 0) this.#idle.set();
    }
    yield* deliver(result, index);
  }

  /** Which error to throw. The others are reported. */
  #first(thrown: unknown): unknown {
    const first = this.#failure === null ? thrown : this.#failure.error;
    const others = thrown instanceof ExceptionGroup ? thrown.errors : [];
    for (const exception of others) {
      if (exception === first || (exception instanceof RuntimeError && exception.cause === first)) continue;
      getRunningLoop().callExceptionHandler({ message: 'mapConcurrent: failed after another failure', exception });
    }
    return first;
  }

  /** Ends the source of the items, if it has not ended. */
  close(): Generator<unknown, void, unknown> {
    return this.#items.close();
  }
}

const callOne = /* @__PURE__ */ libraryCoroutine(function* mapConcurrent(
  mapping: Mapping<unknown>,
  deliver: Deliver<unknown>,
  item: unknown,
  index: number,
): Generator<unknown, void, unknown> {
  yield* mapping.call(deliver, item, index);
});
