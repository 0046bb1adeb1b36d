import { createTask, LifoQueue, PriorityQueue, Queue, QueueShutDown, sleep, type Task } from 'asyncio-ts';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { iterations } from '../../support/programs.ts';
import { describeBoth, runVirtually, type Spelling } from '../../support/spellings.ts';

/** One step of a program. `cancel` says which of the tasks that are not done; `turns` lets the loop run. */
type Command =
  | 'get'
  | 'getNowait'
  | 'taskDone'
  | 'join'
  | { readonly put: number }
  | { readonly putNowait: number }
  | { readonly cancel: number }
  | { readonly turns: number }
  | { readonly immediate: boolean };

const rank = fc.integer({ min: 0, max: 3 });
const commands: fc.Arbitrary<readonly Command[]> = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.constant<Command>('get') },
    { weight: 5, arbitrary: fc.record({ put: rank }) },
    { weight: 2, arbitrary: fc.constantFrom<Command[]>('getNowait', 'taskDone', 'join') },
    { weight: 2, arbitrary: fc.record({ putNowait: rank }) },
    { weight: 4, arbitrary: fc.record({ cancel: fc.nat({ max: 5 }) }) },
    { weight: 4, arbitrary: fc.record({ turns: fc.integer({ min: 1, max: 3 }) }) },
    { weight: 1, arbitrary: fc.record({ immediate: fc.boolean() }) },
  ),
  { size: 'medium', maxLength: 50 },
);

interface Item {
  readonly rank: number;
  readonly serial: number;
}

/** A kind of queue, and its order as a function on an array. */
interface Kind {
  readonly name: string;
  make(maxsize: number): Queue<Item>;
  /** Where the next item is, in an array of the items in the order in which they were put. */
  next(items: readonly Item[]): number;
}

const kinds: readonly Kind[] = [
  { name: 'Queue', make: (maxsize) => new Queue(maxsize), next: () => 0 },
  { name: 'LifoQueue', make: (maxsize) => new LifoQueue(maxsize), next: (items) => items.length - 1 },
  {
    name: 'PriorityQueue',
    make: (maxsize) => new PriorityQueue<Item>(maxsize, { compare: (a, b) => a.rank - b.rank }),
    next: (items) => items.indexOf(items.reduce((best, item) => (item.rank < best.rank ? item : best))),
  },
];

/** A queue beside an array to which the same is done. */
class Experiment {
  readonly #s: Spelling;
  readonly #kind: Kind;
  readonly #queue: Queue<Item>;
  readonly #tasks: Task<void>[] = [];
  readonly #getters: Task<void>[] = [];
  readonly #putters: Task<void>[] = [];
  readonly #joiners: Task<void>[] = [];
  #items: Item[] = [];
  #serial = 0;
  #unfinished = 0;
  #isShutDown = false;

  constructor(s: Spelling, kind: Kind, maxsize: number) {
    this.#s = s;
    this.#kind = kind;
    this.#queue = kind.make(maxsize);
  }

  *perform(command: Command): Generator<unknown, void, unknown> {
    if (command === 'get') this.#start(this.#getters, this.#get());
    else if (command === 'getNowait') this.#getNowait();
    else if (command === 'taskDone') this.#taskDone();
    else if (command === 'join') this.#start(this.#joiners, this.#join());
    else if ('put' in command) this.#start(this.#putters, this.#put(command.put));
    else if ('putNowait' in command) this.#putNowait(command.putNowait);
    else if ('cancel' in command) this.#cancel(command.cancel);
    else if ('immediate' in command) this.#shutdown(command.immediate);
    else yield* iterations(this.#s, command.turns);
    this.#check();
  }

  /** When all tasks have continued that can, none waits for something that is available. */
  *finish(): Generator<unknown, void, unknown> {
    yield* this.#s.wait(sleep(1));
    this.#check();
    const [getting, putting] = [stillWaiting(this.#getters), stillWaiting(this.#putters)];
    expect(this.#queue.statistics()).toMatchObject({ getting, putting, unfinished: this.#unfinished });
    if (!this.#queue.empty() || this.#isShutDown) expect(getting).toBe(0);
    if (!this.#queue.full() || this.#isShutDown) expect(putting).toBe(0);
    if (this.#unfinished === 0) expect(stillWaiting(this.#joiners)).toBe(0);
    while (!this.#queue.empty()) {
      this.#getNowait();
      yield* this.#s.wait(sleep(1)); // who waited for room puts now
    }
    expect([this.#items, stillWaiting(this.#putters)]).toEqual([[], 0]);
  }

  #check(): void {
    const { size, maxsize, isShutDown } = this.#queue.statistics();
    expect([size, isShutDown]).toEqual([this.#items.length, this.#isShutDown]);
    if (maxsize > 0) expect(size).toBeLessThanOrEqual(maxsize);
  }

  #start(role: Task<void>[], body: () => Generator<unknown, void, unknown>): void {
    const experiment = this;
    const guarded = this.#s.fn(function* () {
      try {
        yield* body();
      } catch (error) {
        if (!(error instanceof QueueShutDown)) throw error;
        expect(experiment.#isShutDown).toBe(true);
      }
    });
    const task = createTask(guarded);
    this.#tasks.push(task);
    role.push(task);
  }

  #cancel(which: number): void {
    const pending = this.#tasks.filter((task) => !task.done());
    pending[which % pending.length]?.cancel();
  }

  #get(): () => Generator<unknown, void, unknown> {
    const experiment = this;
    return function* () {
      experiment.#taken(yield* experiment.#s.wait(experiment.#queue.get()));
    };
  }

  #put(rank: number): () => Generator<unknown, void, unknown> {
    const experiment = this;
    const item = this.#newItem(rank);
    return function* () {
      yield* experiment.#s.wait(experiment.#queue.put(item));
      experiment.#added(item);
    };
  }

  #join(): () => Generator<unknown, void, unknown> {
    const experiment = this;
    return function* () {
      yield* experiment.#s.wait(experiment.#queue.join());
    };
  }

  #getNowait(): void {
    if (this.#items.length > 0) this.#taken(this.#queue.getNowait());
    else expect(() => this.#queue.getNowait()).toThrow();
  }

  #putNowait(rank: number): void {
    const item = this.#newItem(rank);
    if (this.#isShutDown || this.#queue.full()) {
      expect(() => this.#queue.putNowait(item)).toThrow();
    } else {
      this.#queue.putNowait(item);
      this.#added(item);
    }
  }

  #taskDone(): void {
    if (this.#unfinished > 0) {
      this.#queue.taskDone();
      this.#unfinished--;
    } else {
      expect(() => this.#queue.taskDone()).toThrow();
    }
  }

  #shutdown(immediate: boolean): void {
    this.#queue.shutdown({ immediate });
    this.#isShutDown = true;
    if (!immediate) return;
    this.#unfinished = Math.max(0, this.#unfinished - this.#items.length);
    this.#items = [];
  }

  #newItem(rank: number): Item {
    return { rank, serial: this.#serial++ };
  }

  #added(item: Item): void {
    this.#items.push(item);
    this.#unfinished++;
  }

  #taken(item: Item): void {
    const [expected] = this.#items.splice(this.#kind.next(this.#items), 1);
    expect(item).toBe(expected);
  }
}

function stillWaiting(tasks: readonly Task<void>[]): number {
  return tasks.filter((task) => !task.done()).length;
}

describeBoth('any program of putting, getting, cancelling and shutting down', (s) => {
  const cases = kinds.flatMap((kind) => [0, 1, 2].map((maxsize) => ({ name: kind.name, kind, maxsize })));

  test.each(cases)('moves each item of a $name of size $maxsize once, in order', async ({ kind, maxsize }) => {
    const property = fc.asyncProperty(commands, async (commands) => {
      const main = s.fn(function* () {
        const experiment = new Experiment(s, kind, maxsize);
        for (const command of commands) yield* experiment.perform(command);
        yield* experiment.finish();
      });
      await runVirtually(main);
    });
    await fc.assert(property);
  });
});
