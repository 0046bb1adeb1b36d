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

/** What is acquired and released. */
export interface Acquirable {
  acquire(): { [Symbol.iterator](): Iterator<unknown, unknown, unknown> };
  release(): void;
  /** The task that has it, where only one can. */
  readonly holder?: Task<unknown> | null;
}

/**
 * What `acquire()` gives: releases when its scope is left. Disposing it twice is harmless, so that it can be released early.
 *
 * @example
 * const lock = new Lock();
 * using _ = await lock.acquire();
 */
export class Guard implements Disposable {
  static {
    inspectAsText(Guard.prototype);
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
   * @throws {RuntimeError} when it was released by hand before, instead of by this guard; if another task has it by now, that
   *   task keeps it
   */
  [Symbol.dispose](): void {
    const held = this.#held;
    if (held === null) return;
    this.#held = null;
    const { holder } = held;
    // A task that is over may have acquired it for this one: `createTask(condition.wait())`, say.
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
 * @throws {TypeError} at once, when the body is no coroutine function: a promise, say, whose work has begun already
 */
export function holding<T>(held: Acquirable, body: CoroutineFunction<T>): AwaitableCoroutine<T> {
  if (typeof body !== 'function' && !iscoroutine(body))
    throw typeError(`with: a function is required, got ${describe(body)}; write with(() => …)`, 'NOT_CALLABLE');
  return runHolding(held, body) as AwaitableCoroutine<T>;
}

const runHolding = /* @__PURE__ */ libraryCoroutine(function* holding(
  held: Acquirable,
  body: CoroutineFunction<unknown>,
): Generator<unknown, unknown, unknown> {
  yield* held.acquire();
  try {
    return yield* iterableOf(body);
  } finally {
    held.release();
  }
});
