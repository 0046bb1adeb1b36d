import { type AwaitableCoroutine, type CoroutineFunction, iterableOf, libraryCoroutine } from '../kernel/lowlevel.ts';

/** What is acquired and released. */
export interface Acquirable {
  acquire(): { [Symbol.iterator](): Iterator<unknown, unknown, unknown> };
  release(): void;
}

/**
 * What `acquire()` gives: releases when its scope is left. Disposing it twice is harmless, so that it can be released early.
 *
 * @example
 * using _ = await lock.acquire();
 */
export class Guard implements Disposable {
  #held: Acquirable | null;

  /** @internal */
  constructor(held: Acquirable) {
    this.#held = held;
  }

  /** Releases what was acquired, once. */
  [Symbol.dispose](): void {
    const held = this.#held;
    this.#held = null;
    held?.release();
  }
}

/** Runs a body while something is held. */
export const holding = /* @__PURE__ */ libraryCoroutine(function* holding(
  held: Acquirable,
  body: CoroutineFunction<unknown>,
): Generator<unknown, unknown, unknown> {
  yield* held.acquire();
  try {
    return yield* iterableOf(body);
  } finally {
    held.release();
  }
}) as <T>(held: Acquirable, body: CoroutineFunction<T>) => AwaitableCoroutine<T>;
