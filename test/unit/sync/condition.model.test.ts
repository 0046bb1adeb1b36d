import { Condition, createTask, sleep, type Task } from 'asyncio-ts';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { iterations } from '../../support/programs.ts';
import { describeBoth, runVirtually, type Spelling } from '../../support/spellings.ts';

/**
 * One step of a program: `produce` makes an item and notifies one, `produceAll` makes two and notifies all; `cancel` says which
 * of those that are not done; `cross` makes an item and cancels the first
 * so many iterations later, when it may have been notified; at `settle` everybody goes on who can.
 */
type Command =
  | 'settle'
  | 'consume'
  | 'produce'
  | 'produceAll'
  | { readonly cancel: number }
  | { readonly cross: number }
  | { readonly turns: number };

const commands: fc.Arbitrary<readonly Command[]> = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.constant<Command>('consume') },
    { weight: 3, arbitrary: fc.constant<Command>('produce') },
    { weight: 1, arbitrary: fc.constant<Command>('produceAll') },
    { weight: 2, arbitrary: fc.constant<Command>('settle') },
    { weight: 3, arbitrary: fc.record({ cross: fc.integer({ min: 1, max: 3 }) }) },
    { weight: 2, arbitrary: fc.record({ cancel: fc.nat({ max: 2 }) }) },
    { weight: 3, arbitrary: fc.record({ turns: fc.integer({ min: 1, max: 4 }) }) },
  ),
  { size: 'medium', minLength: 10, maxLength: 60 },
);

/** Items that are made and taken under a condition. */
class Workshop {
  readonly #s: Spelling;
  readonly #condition = new Condition();
  readonly #consumers: Task<void>[] = [];
  readonly #tasks: Task<void>[] = [];
  #inside = 0;
  #items = 0;
  #made = 0;
  #taken = 0;

  constructor(s: Spelling) {
    this.#s = s;
  }

  *perform(command: Command): Generator<unknown, void, unknown> {
    if (command === 'consume') this.#consumers.push(this.#start(this.#consume()));
    else if (command === 'produce') this.#start(this.#produce(1));
    else if (command === 'produceAll') this.#start(this.#produce(2));
    else if (command === 'settle') yield* this.#settle();
    else if ('cancel' in command) this.#cancel(command.cancel);
    else if ('cross' in command) yield* this.#cross(command.cross);
    else yield* iterations(this.#s, command.turns);
  }

  *finish(): Generator<unknown, void, unknown> {
    yield* this.#settle();
    for (const task of this.#consumers) task.cancel();
    yield* this.#settle();
  }

  *#settle(): Generator<unknown, void, unknown> {
    yield* this.#s.wait(sleep(1));
    const waiting = this.#consumers.filter((task) => !task.done()).length;
    expect(this.#items).toBe(this.#made - this.#taken);
    // No wake-up was lost: no task waits although there is an item.
    expect(Math.min(waiting, this.#items)).toBe(0);
    expect(this.#condition.statistics()).toMatchObject({ locked: false, waiting });
  }

  *#cross(turns: number): Generator<unknown, void, unknown> {
    this.#start(this.#produce(1));
    yield* iterations(this.#s, turns);
    this.#cancel(0);
  }

  #cancel(which: number): void {
    const pending = this.#tasks.filter((task) => !task.done());
    pending[which % pending.length]?.cancel();
  }

  #start(body: () => Generator<unknown, void, unknown>): Task<void> {
    const task = createTask(this.#s.fn(body));
    this.#tasks.push(task);
    return task;
  }

  #consume(): () => Generator<unknown, void, unknown> {
    const workshop = this;
    const s = this.#s;
    return function* () {
      yield* s.wait(workshop.#condition.acquire());
      try {
        yield* workshop.#alone();
        yield* s.wait(workshop.#condition.waitFor(() => workshop.#items > 0));
        workshop.#items--;
        workshop.#taken++;
      } finally {
        workshop.#condition.release();
      }
    };
  }

  #produce(count: number): () => Generator<unknown, void, unknown> {
    const workshop = this;
    const s = this.#s;
    return function* () {
      yield* s.wait(workshop.#condition.acquire());
      try {
        yield* workshop.#alone();
        workshop.#items += count;
        workshop.#made += count;
        if (count === 1) workshop.#condition.notify();
        else workshop.#condition.notifyAll();
      } finally {
        workshop.#condition.release();
      }
    };
  }

  /** What is done under the lock takes an iteration, in which it may be cancelled. */
  *#alone(): Generator<unknown, void, unknown> {
    expect([++this.#inside, this.#condition.locked()]).toEqual([1, true]);
    try {
      yield* this.#s.wait(sleep(0));
    } finally {
      this.#inside--;
    }
  }
}

describeBoth('any program of producers and consumers under a condition, some of them cancelled', (s) => {
  test('excludes each other, and loses neither an item nor a wake', async () => {
    const property = fc.asyncProperty(commands, async (commands) => {
      const main = s.fn(function* () {
        const workshop = new Workshop(s);
        for (const command of commands) yield* workshop.perform(command);
        yield* workshop.finish();
      });
      await runVirtually(main);
    });
    await fc.assert(property, { numRuns: 200 });
  });
});
