import { type AwaitableCoroutine, NONE, thenOf, WrittenCoroutine } from '../kernel/lowlevel.ts';

/** What `drain` asks its writer. */
export interface Drained {
  /** Whether it has nothing to wait for, and nothing to throw. @internal */
  readonly mayGoOn: boolean;
  /** Looks closer, and waits. @internal */
  drainSlowly(): Generator<unknown, void, unknown>;
}

/**
 * `drain` of a writer. A program calls it after each write, and nearly always it need not wait: so it is written by hand, and only what has
 * to wait is run as a generator.
 */
export class Draining extends WrittenCoroutine<void> {
  static readonly exemplar: object = /* @__PURE__ */ new Draining(null as never);

  declare private readonly writer: Drained;
  /** `null` before it was begun, and when it need not wait. */
  declare private frame: Generator<unknown, void, unknown> | null;
  declare private isOver: boolean;

  constructor(writer: Drained) {
    super();
    this.writer = writer;
    this.frame = null;
    this.isOver = false;
  }

  override get then(): AwaitableCoroutine<void>['then'] {
    return thenOf(this);
  }

  get calledAs(): string {
    return 'drain';
  }

  /** The protocol may be a program's own, and is asked to wait only in the generator. @internal */
  override get _isQuiet(): boolean {
    return this.frame === null;
  }

  next(value?: unknown): IteratorResult<unknown, void> {
    if (this.frame === null) {
      if (this.isOver || this.writer.mayGoOn) {
        this.end();
        return { done: true, value: undefined };
      }
      this.frame = this.writer.drainSlowly();
    }
    return this.frame.next(value);
  }

  override throw(error: unknown): IteratorResult<unknown, void> {
    return this.frame === null ? super.throw(error) : this.frame.throw(error);
  }

  override return(): IteratorResult<unknown, void> {
    return this.frame === null ? super.return() : this.frame.return();
  }

  /** @internal */
  override _endAtOnce(): undefined | typeof NONE {
    if (this.isOver || this.frame !== null || !this.writer.mayGoOn) return NONE;
    this[Symbol.iterator](); // it was awaited
    this.end();
    return undefined;
  }

  protected end(): void {
    this.isOver = true;
  }
}
