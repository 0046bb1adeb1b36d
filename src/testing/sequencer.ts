import { RuntimeError, ValueError } from '../errors/index.ts';
import { inspectAsText } from '../internal/inspection.ts';
import {
  type AwaitableCoroutine,
  type CoroutineFunction,
  currentTask,
  type Future,
  getRunningLoop,
  iterableOf,
  libraryCoroutine,
  newWait,
  release,
  type Task,
  type WaitRecord,
} from '../kernel/lowlevel.ts';

/** The block of one step: the next step begins when it is left. */
export class SequencerStep implements Disposable {
  readonly #leave: () => void;

  /** @internal */
  constructor(leave: () => void) {
    this.#leave = leave;
  }

  /** Ends the step. */
  [Symbol.dispose](): void {
    this.#leave();
  }
}

/** The end of one step, which the next one waits for. For reports it says whether somebody is in the step, or nobody has come to it. */
class StepEnd implements WaitRecord {
  readonly #sequencer: Sequencer;
  readonly #position: number;
  /** Whose step it is, once its task has come to it. */
  #task: Task<unknown> | null = null;
  #wait: Future<void> | null = null;
  hasCome = false;
  isOver = false;

  constructor(sequencer: Sequencer, position: number) {
    this.#sequencer = sequencer;
    this.#position = position;
  }

  get operation(): string {
    return this.hasCome ? 'end of a step' : 'step';
  }

  get object(): this {
    return this;
  }

  get holders(): readonly Task<unknown>[] {
    return this.#task === null || this.isOver ? [] : [this.#task];
  }

  come(): void {
    this.hasCome = true;
    this.#task = currentTask();
  }

  end(): void {
    this.isOver = true;
    if (this.#wait !== null) release(this.#wait);
  }

  *wait(): Generator<unknown, void, unknown> {
    if (this.isOver) return;
    this.#wait = newWait(getRunningLoop(), this);
    try {
      yield* this.#wait;
    } finally {
      this.#wait = null;
    }
  }

  toString(): string {
    return `step ${this.#position} of ${this.#sequencer}`;
  }
}

/**
 * Runs steps of several tasks in a given order: step 1 begins when step 0 is over, wherever the two are in the program. Each step is done
 * once.
 *
 * As in `trio.testing`.
 *
 * @example
 * const sequence = new Sequencer();
 * const trace: string[] = [];
 * await gather([
 *   async () => {
 *     await sequence.step(0, async () => trace.push('one'));
 *     await sequence.step(2, async () => trace.push('three'));
 *   },
 *   async () => {
 *     await sequence.step(1, async () => trace.push('two'));
 *   },
 * ]);
 * trace.join(); // 'one,two,three'
 */
export class Sequencer {
  static {
    inspectAsText(Sequencer.prototype);
  }

  readonly #ends = new Map<number, StepEnd>();
  #broken: number | null = null;

  /**
   * Waits until it is this step's turn. Without a body it returns a block: `using _ = await sequence.step(1)`; the step ends with it. When a step
   * never comes, the standstill says which one, and who waits for it.
   *
   * **Cancellation**: breaks the sequence, since the steps after it would never begin: they fail.
   *
   * @param position a whole number from 0
   * @param body the step, an async function or a generator function; it ends, also by an error, with the function
   * @returns what the body returns
   * @throws {ValueError} at once, when the position is no whole number from 0
   * @throws {RuntimeError} when there is such a step already, or when one before it was cancelled
   */
  step(position: number): AwaitableCoroutine<SequencerStep>;
  step<T>(position: number, body: CoroutineFunction<T>): AwaitableCoroutine<T>;
  step(position: number, body?: CoroutineFunction<unknown>): AwaitableCoroutine<unknown> {
    if (!Number.isInteger(position) || position < 0) {
      throw new ValueError(`Sequencer.step: the position is a whole number from 0, got ${position}`);
    }
    return body === undefined ? enter(this, position) : runStep(this, position, body);
  }

  /** @internal */
  *enter(position: number): Generator<unknown, SequencerStep, unknown> {
    const end = this.#endOf(position);
    if (end.hasCome) {
      throw new RuntimeError(`${this}: step ${position} was there already; each step is done once`);
    }
    end.come();
    this.#checkBroken();
    if (position > 0) {
      try {
        yield* this.#endOf(position - 1).wait();
      } catch (error) {
        this.#break(position);
        throw error;
      }
      this.#checkBroken();
    }
    return new SequencerStep(() => end.end());
  }

  #checkBroken(): void {
    if (this.#broken === null) return;
    throw new RuntimeError(`${this}: step ${this.#broken} was cancelled before it began`, { code: 'SEQUENCE_BROKEN' });
  }

  #break(position: number): void {
    if (this.#broken !== null) return;
    this.#broken = position;
    for (const end of this.#ends.values()) end.end();
  }

  #endOf(position: number): StepEnd {
    let end = this.#ends.get(position);
    if (end === undefined) {
      end = new StepEnd(this, position);
      this.#ends.set(position, end);
    }
    return end;
  }

  toString(): string {
    let next = 0;
    while (this.#ends.get(next)?.isOver === true) next++;
    return `<Sequencer ${this.#broken === null ? `next=${next}` : 'broken'}>`;
  }
}

const enter = /* @__PURE__ */ libraryCoroutine(function* step(
  sequencer: Sequencer,
  position: number,
): Generator<unknown, SequencerStep, unknown> {
  return yield* sequencer.enter(position);
});

const runStep = /* @__PURE__ */ libraryCoroutine(function* step(
  sequencer: Sequencer,
  position: number,
  body: CoroutineFunction<unknown>,
): Generator<unknown, unknown, unknown> {
  const block = yield* sequencer.enter(position);
  try {
    return yield* iterableOf(body);
  } finally {
    block[Symbol.dispose]();
  }
});
