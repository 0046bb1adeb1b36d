import { Condition, Lock, sleep, type Task } from 'asyncio-ts';
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

/** Tasks that want one lock, and what is true of it meanwhile. */
class Takers {
  readonly lock: Lock;
  readonly #s: Spelling;
  readonly asked: string[] = [];
  readonly got: string[] = [];
  #inside = 0;

  constructor(s: Spelling, lock: Lock) {
    this.#s = s;
    this.lock = lock;
  }

  start(count: number): Task<unknown>[] {
    return Array.from({ length: count }, (_, i) => start(this.#s, `task ${i}`, () => this.#take(`task ${i}`)));
  }

  *#take(name: string): Steps {
    this.asked.push(name);
    yield* this.#s.wait(this.lock.acquire());
    try {
      this.got.push(name);
      check(++this.#inside === 1, 'two tasks hold the lock');
      check(
        this.lock.holder?.getName() === name,
        `${name} has the lock, and it is held by ${this.lock.holder?.getName()}`,
      );
      yield* this.#s.wait(sleep(0));
    } finally {
      this.#inside--;
      this.lock.release();
    }
  }

  /** Nobody holds it or waits for it any more, and whoever comes gets it. */
  *isFree(): Steps {
    const { locked, waiting } = this.lock.statistics();
    check(!locked && waiting === 0, `${this.lock} is left, with ${waiting} who wait`);
    yield* this.#s.wait(this.lock.acquire());
    this.lock.release();
  }
}

describe.each([2, 3])('a lock that %i tasks want', (count) => {
  explored(
    'is held by one of them at a time, in the order of asking, and is free in the end',
    (s) =>
      function* () {
        const takers = new Takers(s, new Lock());
        yield* ends(s, takers.start(count));
        check(String(takers.got) === String(takers.asked), `asked: ${takers.asked}, got: ${takers.got}`);
        yield* takers.isFree();
      },
  );

  explored(
    'is held by one of them at a time with with()',
    (s) =>
      function* () {
        const lock = new Lock();
        let inside = 0;
        const body = s.fn(function* () {
          check(++inside === 1, 'two bodies run');
          yield* s.wait(sleep(0));
          inside--;
        });
        const tasks = Array.from({ length: count }, (_, i) =>
          start(s, `task ${i}`, function* () {
            yield* s.wait(lock.with(body));
          }),
        );
        yield* ends(s, tasks);
        check(!lock.locked(), 'the lock is left locked');
      },
  );

  exploredWithCancellation(
    'goes to the others',
    { victims: count, steps: 7 },
    (s, { victim, steps }) =>
      function* () {
        const takers = new Takers(s, new Lock());
        const tasks = takers.start(count);
        yield* ends(s, [cancelAfter(s, tasks[victim]!, steps), ...tasks]);
        const others = tasks.filter((_, i) => i !== victim).map((task) => task.getName());
        check(
          others.every((name) => takers.got.includes(name)),
          `only ${takers.got} have got it`,
        );
        const inOrder = takers.asked.filter((name) => takers.got.includes(name));
        check(String(takers.got) === String(inOrder), `asked: ${takers.asked}, got: ${takers.got}`);
        yield* takers.isFree();
      },
  );

  exploredWithCancellation(
    'is released by with()',
    { victims: count, steps: 6 },
    (s, { victim, steps }) =>
      function* () {
        const lock = new Lock();
        const begun: string[] = [];
        const tasks = Array.from({ length: count }, (_, i) =>
          start(s, `task ${i}`, function* () {
            yield* s.wait(
              lock.with(
                s.fn(function* () {
                  begun.push(`task ${i}`);
                  yield* s.wait(sleep(0));
                }),
              ),
            );
          }),
        );
        yield* ends(s, [cancelAfter(s, tasks[victim]!, steps), ...tasks]);
        check(!lock.locked(), 'the lock is left locked');
        check(
          tasks.every((task, i) => task.cancelled() || begun.includes(`task ${i}`)),
          `only ${begun} have begun`,
        );
      },
  );
});

describe('a lock that is shared with a condition', () => {
  exploredWithCancellation(
    'has one holder at a time',
    { victims: 3, steps: 6 },
    (s, { victim, steps }) =>
      function* () {
        const condition = new Condition();
        let isReady = false;
        let inside = 0;
        const enter = (): void => check(++inside === 1, 'two tasks hold the lock');
        function* waits(): Steps {
          using _ = yield* s.wait(condition.acquire());
          enter();
          try {
            while (!isReady) {
              inside--;
              try {
                yield* s.wait(condition.wait());
              } finally {
                enter();
              }
            }
          } finally {
            inside--;
          }
        }
        function* notifies(): Steps {
          yield* s.wait(sleep(0));
          using _ = yield* s.wait(condition.acquire());
          enter();
          isReady = true;
          condition.notifyAll();
          inside--;
        }
        const tasks = [start(s, 'task 0', waits), start(s, 'task 1', waits), start(s, 'task 2', notifies)];
        yield* ends(s, [cancelAfter(s, tasks[victim]!, steps), tasks[2]!]);
        isReady = true;
        yield* s.wait(
          condition.with(
            s.fn(function* () {
              condition.notifyAll();
            }),
          ),
        );
        yield* ends(s, tasks);
        check(!condition.locked(), 'the lock is left locked');
      },
  );
});
