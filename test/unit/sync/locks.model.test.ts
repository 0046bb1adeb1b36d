import { BoundedSemaphore, Condition, createTask, Lock, Semaphore, sleep, type Task } from 'asyncio-ts';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { LockLike } from '../../support/laws/lock-laws.ts';
import { iterations } from '../../support/programs.ts';
import { describeBoth, runVirtually, type Spelling } from '../../support/spellings.ts';

/** One step of a program. `cancel` says which of the tasks that are not done; `turns` lets the loop run. */
type Command = 'take' | 'release' | { readonly cancel: number } | { readonly turns: number };

const commands: fc.Arbitrary<readonly Command[]> = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.constant('take' as const) },
    { weight: 4, arbitrary: fc.constant('release' as const) },
    { weight: 3, arbitrary: fc.record({ cancel: fc.nat({ max: 5 }) }) },
    { weight: 3, arbitrary: fc.record({ turns: fc.integer({ min: 1, max: 3 }) }) },
  ),
  { size: 'medium', maxLength: 40 },
);

/** A kind of lock, and what a model must know of it. */
interface Kind {
  readonly name: string;
  readonly units: number;
  make(): LockLike;
  waiting(lock: LockLike): number;
}

const kinds: readonly Kind[] = [
  { name: 'a lock', units: 1, make: () => new Lock(), waiting: (lock) => (lock as Lock).statistics().waiting },
  {
    name: "a condition's lock",
    units: 1,
    make: () => new Condition(),
    waiting: (lock) => (lock as Condition).lock.statistics().waiting,
  },
  ...[1, 2, 3].flatMap((units) =>
    [Semaphore, BoundedSemaphore].map((type) => ({
      name: `a ${type.name} of ${units}`,
      units,
      make: () => new type(units),
      waiting: (lock: LockLike) => (lock as Semaphore).statistics().waiting,
    })),
  ),
];

/** A lock beside plain arrays: who has asked for it, and who has got it, in order. */
class Experiment {
  readonly #s: Spelling;
  readonly #kind: Kind;
  readonly #lock: LockLike;
  readonly #tasks: Task<void>[] = [];
  /** The tasks that have asked, in order. */
  readonly #asked: number[] = [];
  /** The tasks that have got it, in order. */
  readonly #got: number[] = [];
  #released = 0;

  constructor(s: Spelling, kind: Kind) {
    this.#s = s;
    this.#kind = kind;
    this.#lock = kind.make();
  }

  *perform(command: Command): Generator<unknown, void, unknown> {
    if (command === 'take') this.#take();
    else if (command === 'release') this.#release();
    else if ('cancel' in command) this.#cancel(command.cancel);
    else yield* iterations(this.#s, command.turns);
    this.#check();
  }

  /** Lets all tasks continue that can. */
  *settle(): Generator<unknown, void, unknown> {
    yield* this.#s.wait(sleep(1));
    this.#check();
    const waiting = this.#waiting();
    expect(this.#kind.waiting(this.#lock)).toBe(waiting.length);
    expect(this.#lock.locked()).toBe(this.#held() === this.#kind.units);
    // No task waits for something that is available.
    if (waiting.length > 0) expect(this.#held()).toBe(this.#kind.units);
  }

  /** Gives everything back: nothing has been lost on the way. */
  *finish(): Generator<unknown, void, unknown> {
    yield* this.settle();
    for (let waiting = this.#waiting(); waiting.length > 0; waiting = this.#waiting()) {
      const expected = waiting[0];
      this.#release();
      yield* this.settle();
      expect(this.#got.at(-1)).toBe(expected);
    }
    while (this.#held() > 0) this.#release();
    for (let i = 0; i < this.#kind.units; i++) {
      expect(this.#lock.locked()).toBe(false);
      yield* this.#s.wait(this.#lock.acquire());
    }
    expect(this.#lock.locked()).toBe(true);
  }

  #take(): void {
    const number = this.#tasks.length;
    const [s, lock, asked, got] = [this.#s, this.#lock, this.#asked, this.#got];
    const body = s.fn(function* () {
      asked.push(number);
      yield* s.wait(lock.acquire());
      got.push(number);
    });
    this.#tasks.push(createTask(body));
  }

  #cancel(which: number): void {
    const pending = this.#tasks.filter((task) => !task.done());
    pending[which % pending.length]?.cancel();
  }

  #release(): void {
    if (this.#held() === 0) return;
    this.#lock.release();
    this.#released++;
  }

  #held(): number {
    return this.#got.length - this.#released;
  }

  #waiting(): number[] {
    return this.#asked.filter((number) => !this.#tasks[number]!.done());
  }

  #check(): void {
    // Never more inside than there is room for, and first come, first served among those who were not cancelled.
    expect(this.#held()).toBeLessThanOrEqual(this.#kind.units);
    expect(this.#got).toEqual(this.#asked.filter((number) => this.#got.includes(number)));
  }
}

describeBoth('any program of acquiring, releasing and cancelling', (s) => {
  test.each(kinds)('keeps the promises of $name', async (kind) => {
    const property = fc.asyncProperty(commands, async (commands) => {
      const main = s.fn(function* () {
        const experiment = new Experiment(s, kind);
        for (const command of commands) yield* experiment.perform(command);
        yield* experiment.finish();
      });
      await runVirtually(main);
    });
    await fc.assert(property);
  });
});
