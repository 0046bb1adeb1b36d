import { errorOfThrown, isCancelledError, unwrapCancellation } from '../../errors/errors.ts';
import { Timeout } from '../../index.ts';
import { Around } from '../../kernel/lowlevel.ts';

/** A timeout around a whole task, whose deadline is whenever the sweep says so. */
export class SweepTimeout extends Timeout {
  #isActive = false;
  /** The `TimeoutError` that it has thrown. */
  thrown: unknown = null;
  /** Whether its body ended as cancelled after the deadline, and it has not made a `TimeoutError` of that. */
  hasLetThrough = false;

  constructor() {
    super(null, 0);
  }

  /** Whether its body runs and the deadline has not passed. */
  get isActive(): boolean {
    return this.#isActive && !this.expired();
  }

  override enterNow(): void {
    super.enterNow();
    this.#isActive = true;
  }

  override exitNow(error?: unknown, result?: unknown): void {
    this.#isActive = false;
    try {
      super.exitNow(error, result);
    } catch (thrown) {
      this.thrown = thrown;
      throw thrown;
    }
    this.hasLetThrough = this.expired() && isCancelledError(unwrapCancellation(error));
  }
}

/** A coroutine under such a timeout. It waits for nothing itself, so that the waits of the program keep their numbers. */
export class Deadlined extends Around<unknown> {
  static readonly exemplar: object = /* @__PURE__ */ new Deadlined(null, undefined, /* @__PURE__ */ new SweepTimeout());

  declare private readonly limit: SweepTimeout;

  constructor(body: unknown, arg: unknown, limit: SweepTimeout) {
    super(body, arg);
    this.limit = limit;
  }

  get calledAs(): string {
    return 'timeout';
  }

  protected enter(): void {
    this.limit.enterNow();
  }

  protected leave(result: unknown): unknown {
    this.limit.exitNow(undefined, result);
    return result;
  }

  protected fail(error: unknown): never {
    this.limit.exitNow(errorOfThrown(error));
    throw error;
  }
}
