import { Condition, createTask, Event, gather, Lock, sleep } from 'asyncio-ts';
import { check, type Family } from '../kernel.ts';

/** Lets others run, so many times. */
function* steps(count: number): Generator<unknown, void, unknown> {
  for (let i = 0; i < count; i++) yield* sleep(0);
}

// ---------------------------------------------------------------- order violation: PCT, figure 1 (a)

/** A task uses what another one has to set first, and nothing sees to that order. */
function* orderViolation() {
  let value: number | null = null;
  function* sets() {
    yield* steps(5);
    value = 1;
    yield* steps(5);
  }
  function* uses() {
    yield* steps(5);
    check(value !== null, 'used before it was set');
    yield* steps(5);
  }
  yield* gather(sets(), uses());
}

function* orderKept() {
  let value: number | null = null;
  const isSet = new Event();
  function* sets() {
    yield* steps(5);
    value = 1;
    isSet.set();
    yield* steps(5);
  }
  function* uses() {
    yield* steps(5);
    yield* isSet.wait();
    check(value !== null, 'used before it was set');
    yield* steps(5);
  }
  yield* gather(sets(), uses());
}

// ---------------------------------------------------------------- atomicity violation: PCT, figure 1 (b)

/** Between the look at a value and its use another task takes it away. With other tasks that only take steps. */
function atomicityViolation(tasks: number) {
  return function* main() {
    let value: number | null = 1;
    function* clears() {
      yield* steps(5);
      value = null;
      yield* steps(4);
    }
    function* uses() {
      yield* steps(4);
      const isThere = value !== null;
      yield* sleep(0);
      if (isThere) check(value !== null, 'gone between the look and the use');
      yield* steps(4);
    }
    const others = Array.from({ length: tasks - 2 }, () => steps(5));
    yield* gather(...others, uses(), clears());
  };
}

function atomicityKept(tasks: number) {
  return function* main() {
    let value: number | null = 1;
    const lock = new Lock();
    function* clears() {
      yield* steps(5);
      yield* lock.acquire();
      value = null;
      lock.release();
      yield* steps(4);
    }
    function* uses() {
      yield* steps(4);
      yield* lock.acquire();
      const isThere = value !== null;
      yield* sleep(0);
      if (isThere) check(value !== null, 'gone between the look and the use');
      lock.release();
      yield* steps(4);
    }
    const others = Array.from({ length: tasks - 2 }, () => steps(5));
    yield* gather(...others, uses(), clears());
  };
}

// ---------------------------------------------------------------- deadlock: PCT, figure 1 (c)

function* takes(first: Lock, second: Lock): Generator<unknown, void, unknown> {
  yield* steps(4);
  yield* first.acquire();
  yield* steps(4);
  yield* second.acquire();
  yield* steps(4);
  second.release();
  first.release();
}

/** Two tasks take two locks, each in an order of its own. */
function* deadlock() {
  const a = new Lock();
  const b = new Lock();
  yield* gather(takes(a, b), takes(b, a));
}

function* oneOrder() {
  const a = new Lock();
  const b = new Lock();
  yield* gather(takes(a, b), takes(a, b));
}

// ---------------------------------------------------------------- a long task that has to be over first: PCT, figure 5

/** The main task looks at a value that is wrong only when the other task has taken all of its twenty steps. */
function* longTaskFirst() {
  const lock = new Lock();
  let value = 0;
  function* other() {
    yield* steps(20);
    yield* lock.acquire();
    value = 1;
    lock.release();
  }
  const task = createTask(other());
  yield* sleep(0);
  yield* lock.acquire();
  const seen = value;
  lock.release();
  yield* task;
  check(seen === 0, 'the other task has come to its end');
}

/** It looks before the other task begins. */
function* looksFirst() {
  const lock = new Lock();
  let value = 0;
  function* other() {
    yield* steps(20);
    yield* lock.acquire();
    value = 1;
    lock.release();
  }
  yield* sleep(0);
  yield* lock.acquire();
  const seen = value;
  lock.release();
  yield* createTask(other());
  check(seen === 0, 'the other task has come to its end');
}

// ---------------------------------------------------------------- uneven tasks: SURW, section 2

/** A task with one event, which has to come after all 25 of the other task. */
function* unevenLengths() {
  let value = 1;
  function* short() {
    yield* sleep(0);
    value = 0;
  }
  function* long() {
    for (let i = 0; i < 25; i++) {
      yield* sleep(0);
      value = 1;
    }
  }
  yield* gather(short(), long());
  check(value === 1, 'the short task was the last to write');
}

function* unevenLengthsInOrder() {
  let value = 1;
  function* short() {
    yield* sleep(0);
    value = 0;
  }
  function* long() {
    for (let i = 0; i < 25; i++) {
      yield* sleep(0);
      value = 1;
    }
  }
  yield* short();
  yield* long();
  check(value === 1, 'the short task was the last to write');
}

/** A task that is made first has to write after 25 others, which are made one after the other. */
function* unevenCreation() {
  let value = 1;
  function* writes(what: number) {
    yield* sleep(0);
    value = what;
  }
  const first = createTask(writes(0));
  yield* sleep(0);
  const others = [];
  for (let i = 0; i < 25; i++) {
    others.push(createTask(writes(1)));
    yield* sleep(0);
  }
  yield* gather(first, ...others);
  check(value === 1, 'the first task was the last to write');
}

function* unevenCreationInOrder() {
  let value = 1;
  function* writes(what: number) {
    yield* sleep(0);
    value = what;
  }
  yield* createTask(writes(0));
  const others = [];
  for (let i = 0; i < 25; i++) {
    others.push(createTask(writes(1)));
    yield* sleep(0);
  }
  yield* gather(...others);
  check(value === 1, 'the first task was the last to write');
}

// ---------------------------------------------------------------- Cargill's bounded buffer

/** A buffer with one condition for readers and writers. */
class BoundedBuffer {
  readonly #condition = new Condition();
  readonly #items: number[] = [];
  readonly #size: number;
  readonly #wakes: (condition: Condition) => void;

  constructor(size: number, wakes: (condition: Condition) => void) {
    this.#size = size;
    this.#wakes = wakes;
  }

  *put(item: number): Generator<unknown, void, unknown> {
    yield* sleep(0);
    yield* this.#condition.acquire();
    while (this.#items.length === this.#size) yield* this.#condition.wait();
    this.#items.push(item);
    this.#wakes(this.#condition);
    this.#condition.release();
  }

  *take(): Generator<unknown, void, unknown> {
    yield* sleep(0);
    yield* this.#condition.acquire();
    while (this.#items.length === 0) yield* this.#condition.wait();
    this.#items.shift();
    this.#wakes(this.#condition);
    this.#condition.release();
  }
}

/** Two readers of five items each, a writer of ten, and room for one item. */
function boundedBuffer(wakes: (condition: Condition) => void) {
  return function* main() {
    const buffer = new BoundedBuffer(1, wakes);
    function* reads() {
      for (let i = 0; i < 5; i++) yield* buffer.take();
    }
    function* writes() {
      for (let i = 0; i < 10; i++) yield* buffer.put(i);
    }
    yield* gather(reads(), reads(), writes());
  };
}

export const family: Family = {
  order: 1,
  name: 'Unit programs of PCT and SURW',
  about: `The programs by which randomized schedulers are checked, at level \`any\`. The programs are those of Burckhardt et al., *A Randomized
Scheduler with Probabilistic Guarantees of Finding Bugs* (ASPLOS 2010: order violation, atomicity violation, deadlock, figure 5), of Zhao et al.,
*Selectively Uniform Concurrency Testing* (ASPLOS 2025: uneven tasks), and Cargill's bounded buffer, which Microsoft's Coyote made known. The numbers
of runs are those that the tests of awslabs/shuttle allow the scheduler that is named (\`shuttle/tests/basic/pct.rs\`, \`demo/surw.rs\`,
\`demo/bounded_buffer.rs\`); its own random scheduler is not expected to find figure 5 and the uneven tasks at all.`,
  strategies: ['portfolio', 'pct', 'uniform', 'random', 'slow', 'dfs'],
  kernels: [
    {
      name: 'order violation',
      bug: 'One task uses what another one has to set first (PCT, figure 1a; depth 1).',
      level: 'any',
      broken: orderViolation,
      fixed: orderKept,
      expects: 'used before it was set',
      published: { figure: '20 (Shuttle, PCT)', within: 20 },
    },
    {
      name: 'atomicity violation, n = 2, k = 20',
      bug: 'Between the look at a value and its use another task takes it away (PCT, figure 1b; depth 2).',
      level: 'any',
      broken: atomicityViolation(2),
      fixed: atomicityKept(2),
      expects: 'gone between the look and the use',
      published: { figure: '300 (Shuttle, PCT)', within: 300, except: ['slow'] },
    },
    {
      name: 'atomicity violation, 20 tasks',
      bug: 'The same among 18 busy tasks (PCT, figure 1b; depth 2, k = 110).',
      level: 'any',
      broken: atomicityViolation(20),
      fixed: atomicityKept(20),
      expects: 'gone between the look and the use',
      published: { figure: '16,000 (Shuttle, PCT)', within: 16_000, except: ['slow'] },
    },
    {
      name: 'AB-BA deadlock',
      bug: 'Two tasks take two locks in different orders (PCT, figure 1c; depth 2).',
      level: 'any',
      broken: deadlock,
      fixed: oneOrder,
      expects: 'DeadlockError',
      published: { figure: '400 (Shuttle, PCT)', within: 400, except: ['slow'] },
    },
    {
      name: 'long task first',
      bug: 'It shows only when one task takes all of its 20 steps before the other one goes on (PCT, figure 5; depth 1).',
      level: 'any',
      broken: longTaskFirst,
      fixed: looksFirst,
      expects: 'the other task has come to its end',
      published: { figure: '20 (Shuttle, PCT)', within: 20, except: ['random', 'uniform', 'dfs'] },
    },
    {
      name: 'uneven tasks: lengths',
      bug: 'It shows only when the one event of a task comes after all 25 of the other one (SURW).',
      level: 'any',
      broken: unevenLengths,
      fixed: unevenLengthsInOrder,
      expects: 'the short task was the last to write',
      published: { figure: '1,000 (Shuttle, uniform)', within: 1_000, except: ['random', 'dfs'] },
    },
    {
      name: 'uneven tasks: creation',
      bug: 'It shows only when the first task writes after 25 others, which are made one by one (SURW).',
      level: 'any',
      broken: unevenCreation,
      fixed: unevenCreationInOrder,
      expects: 'the first task was the last to write',
      published: { figure: '1,000 (Shuttle, uniform)', within: 1_000, except: ['random', 'dfs'] },
    },
    {
      name: 'bounded buffer',
      bug: "A writer wakes a writer, because both wait at one condition, and all wait for ever (Cargill's challenge).",
      level: 'any',
      broken: boundedBuffer((condition) => condition.notify(1)),
      fixed: boundedBuffer((condition) => condition.notifyAll()),
      expects: 'DeadlockError',
      published: { figure: '1,000 (Shuttle, random)', within: 1_000, except: ['slow'] },
    },
  ],
};
