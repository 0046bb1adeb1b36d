import { RuntimeError } from '../errors/index.ts';
import { typeError } from '../errors/type-error.ts';
import { describe } from '../internal/describe.ts';
import { inspectAsText } from '../internal/inspection.ts';
import {
  type AwaitableCoroutine,
  type CoroutineFunction,
  iscoroutine,
  iterableOf,
  libraryCoroutine,
  type Task,
} from '../kernel/lowlevel.ts';
import { callMethod } from './call-method.ts';

/** What is acquired and released. */
export interface Acquirable {
  acquire(): { [Symbol.iterator](): Iterator<unknown, unknown, unknown> };
  release(): void;
  /** The task that holds it, if only one task can. */
  readonly holder?: Task<unknown> | null;
}

/**
 * The result of `acquire()`: releases when its block is left. Disposing it twice is allowed, so that it can be released early.
 *
 * @example
 * const lock = new Lock();
 * using _ = await lock.acquire();
 */
export class Guard implements Disposable {
  static {
    inspectAsText(Guard.prototype);
    // The engine asks what an `await` gives for a `then`. Found here, it need not look through `Object.prototype` as well, which is 5 ns.
    Object.defineProperty(Guard.prototype, 'then', { value: undefined });
  }

  #held: Acquirable | null;
  readonly #holder: Task<unknown> | null | undefined;

  /** @internal */
  constructor(held: Acquirable) {
    this.#held = held;
    this.#holder = held.holder;
  }

  /**
   * Releases what was acquired, once.
   *
   * @throws {RuntimeError} when it was already released by a call of `release()`; if another task holds it now, that
   *   task keeps it
   */
  [Symbol.dispose](): void {
    const held = this.#held;
    if (held === null) return;
    this.#held = null;
    const { holder } = held;
    // A task that has ended may have acquired it for this one, for example `createTask(condition.wait())`.
    if (holder && holder !== this.#holder && !holder.done()) {
      throw new RuntimeError(
        `Guard of ${held}: it was released already, and Task ${holder.getName()} holds it now; ` +
          'release by hand or let the guard do it, not both',
        { code: 'NOT_ACQUIRED' },
      );
    }
    held.release();
  }

  toString(): string {
    return this.#held === null ? '<Guard released>' : `<Guard of ${this.#held}>`;
  }
}

/**
 * Runs a body while something is held.
 *
 * @param own the library's own `acquire()`, as for `callMethod`
 * @throws {TypeError} at once, when the body is not a coroutine function, for example a promise, whose work has already begun
 */
export function holding<T>(
  held: Acquirable,
  body: CoroutineFunction<T>,
  own: Acquirable['acquire'] | null,
): AwaitableCoroutine<T> {
  if (typeof body !== 'function' && !iscoroutine(body))
    throw typeError(`with: a function is required, got ${describe(body)}; write with(() => …)`, 'NOT_CALLABLE');
  return runHolding(held, body, own) as AwaitableCoroutine<T>;
}

const runHolding = /* @__PURE__ */ libraryCoroutine(function* holding(
  held: Acquirable,
  body: CoroutineFunction<unknown>,
  own: Acquirable['acquire'] | null,
): Generator<unknown, unknown, unknown> {
  yield* callMethod(held, 'acquire', own);
  try {
    return yield* iterableOf(body);
  } finally {
    held.release();
  }
});
