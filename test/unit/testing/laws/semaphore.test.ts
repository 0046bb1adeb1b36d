import { BoundedSemaphore, Semaphore, sleep, type Task } from 'asyncio-ts';
import { describe } from 'vitest';
import {
  cancelAfter,
  check,
  ends,
  explored,
  exploredWithCancellation,
  type Steps,
  start,
} from '../../../support/laws/explored.ts';
import type { Spelling } from '../../../support/spellings.ts';

/** Tasks that want a unit, and what is true of the semaphore meanwhile. */
class Takers {
  readonly semaphore: Semaphore;
  readonly #s: Spelling;
  readonly #units: number;
  readonly asked: string[] = [];
  readonly got: string[] = [];
  #inside = 0;

  constructor(s: Spelling, semaphore: Semaphore, units: number) {
    this.#s = s;
    this.semaphore = semaphore;
    this.#units = units;
  }

  start(count: number): Task<unknown>[] {
    return Array.from({ length: count }, (_, i) => start(this.#s, `task ${i}`, () => this.#take(`task ${i}`)));
  }

  *#take(name: string): Steps {
    this.asked.push(name);
    yield* this.#s.wait(this.semaphore.acquire());
    try {
      this.got.push(name);
      check(++this.#inside <= this.#units, `${this.#inside} tasks are inside`);
      yield* this.#s.wait(sleep(0));
    } finally {
      this.#inside--;
      this.semaphore.release();
    }
  }

  /** All units are there, and can be taken. */
  *isFree(): Steps {
    const { value, waiting, holders } = this.semaphore.statistics();
    check(value === this.#units && waiting === 0, `${value} units are left of ${this.#units}, and ${waiting} wait`);
    check(holders.length === 0, `${holders.map((task) => task.getName())} are said to hold it`);
    for (let i = 0; i < this.#units; i++) yield* this.#s.wait(this.semaphore.acquire());
    for (let i = 0; i < this.#units; i++) this.semaphore.release();
  }
}

const kinds = [
  { name: 'a semaphore', make: (units: number) => new Semaphore(units) },
  { name: 'a bounded semaphore', make: (units: number) => new BoundedSemaphore(units) },
];

describe.each(kinds)('$name', ({ make }) => {
  describe.each([
    [1, 2],
    [1, 3],
    [2, 3],
  ])('with %i units that %i tasks want', (units, count) => {
    explored(
      'is never held by more, goes to them in the order of asking, and has all its units in the end',
      (s) =>
        function* () {
          const takers = new Takers(s, make(units), units);
          yield* ends(s, takers.start(count));
          check(String(takers.got) === String(takers.asked), `asked: ${takers.asked}, got: ${takers.got}`);
          yield* takers.isFree();
        },
    );

    exploredWithCancellation(
      'has all its units in the end, and goes to the others',
      { victims: count, steps: 7 },
      (s, { victim, steps }) =>
        function* () {
          const takers = new Takers(s, make(units), units);
          const tasks = takers.start(count);
          yield* ends(s, [cancelAfter(s, tasks[victim]!, steps), ...tasks]);
          const others = tasks.filter((_, i) => i !== victim).map((task) => task.getName());
          check(
            others.every((name) => takers.got.includes(name)),
            `only ${takers.got} have got it`,
          );
          yield* takers.isFree();
        },
    );
  });

  explored(
    'that is released by others lets as many in as there are units',
    (s) =>
      function* () {
        const semaphore = make(2);
        const got: string[] = [];
        yield* s.wait(semaphore.acquire());
        yield* s.wait(semaphore.acquire());
        function* take(name: string): Steps {
          yield* s.wait(semaphore.acquire());
          got.push(name);
        }
        const tasks = ['a', 'b', 'c'].map((name) => start(s, name, () => take(name)));
        const releasing = start(s, 'release', function* () {
          yield* s.wait(sleep(0));
          semaphore.release();
          semaphore.release();
        });
        yield* s.wait(releasing);
        yield* s.wait(sleep(1));
        check(got.length === 2, `${got} have got it`);
        semaphore.release();
        yield* ends(s, tasks);
      },
  );
});
