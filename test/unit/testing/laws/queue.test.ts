import { LifoQueue, PriorityQueue, Queue, QueueShutDown, sleep, type Task } from 'asyncio-ts';
import { describe } from 'vitest';
import {
  cancelAfter,
  check,
  ends,
  explored,
  exploredWithCancellation,
  pass,
  type Steps,
  start,
} from '../../../support/laws/explored.ts';
import type { Spelling } from '../../../support/spellings.ts';

/** Tasks that put and get, and where each item is. */
class Market {
  readonly queue: Queue<number>;
  readonly got: number[] = [];
  readonly putIn: number[] = [];
  readonly #s: Spelling;

  constructor(s: Spelling, queue: Queue<number>) {
    this.#s = s;
    this.queue = queue;
  }

  putter(...items: readonly number[]): Task<unknown> {
    const [s, { queue, putIn }] = [this.#s, this];
    return start(s, `put ${items}`, function* () {
      for (const item of items) {
        yield* s.wait(queue.put(item));
        putIn.push(item);
      }
    });
  }

  getter(name: string, count = 1): Task<unknown> {
    const [s, { queue, got }] = [this.#s, this];
    return start(s, name, function* () {
      for (let i = 0; i < count; i++) {
        got.push(yield* s.wait(queue.get()));
        queue.taskDone();
      }
    });
  }

  /** Every item that was put has come out once, or is still there. */
  isConserved(): void {
    const there: number[] = [];
    while (!this.queue.empty()) there.push(this.queue.getNowait());
    const all = [...this.got, ...there].sort();
    check(String(all) === String([...this.putIn].sort()), `put: ${this.putIn}, got: ${this.got}, left: ${there}`);
    const { getting, putting } = this.queue.statistics();
    check(getting === 0 && putting === 0, `${getting} still get and ${putting} put`);
  }
}

const kinds = [
  { name: 'a Queue', make: (size: number) => new Queue<number>(size) },
  { name: 'a LifoQueue', make: (size: number) => new LifoQueue<number>(size) },
  { name: 'a PriorityQueue', make: (size: number) => new PriorityQueue<number>(size) },
];

describe.each(kinds)('$name', ({ make }) => {
  describe.each([0, 1])('of size %i', (size) => {
    explored(
      'loses nothing and doubles nothing between two who put and two who get',
      (s) =>
        function* () {
          const market = new Market(s, make(size));
          const tasks = [market.putter(1, 2), market.getter('a', 2), market.putter(3), market.getter('b')];
          yield* ends(s, tasks);
          check(market.got.length === 3, `got ${market.got}`);
          market.isConserved();
        },
    );

    exploredWithCancellation(
      'loses nothing and doubles nothing, and wakes the others',
      { victims: 2, steps: 6 },
      (s, { victim, steps }) =>
        function* () {
          const market = new Market(s, make(size));
          const putters = [market.putter(1), market.putter(2)];
          const getters = [market.getter('a'), market.getter('b')];
          const cancelled = victim === 0 ? getters[0]! : putters[0]!;
          yield* ends(s, [cancelAfter(s, cancelled, steps), ...putters]);
          // One item for each who gets, and one who gets for each item: whoever is not cancelled must be served.
          if (putters[0]!.cancelled()) yield* s.wait(market.putter(3));
          yield* ends(s, [...getters, ...putters]);
          market.isConserved();
        },
    );

    exploredWithCancellation(
      'gives the item that has come for one to the next',
      { victims: 2, steps: 5 },
      (s, { victim, steps }) =>
        function* () {
          const market = new Market(s, make(size));
          const getters = [market.getter('a'), market.getter('b')];
          yield* pass(s, 1);
          const tasks = [market.putter(1), cancelAfter(s, getters[victim]!, steps)];
          yield* ends(s, tasks);
          yield* s.wait(sleep(1));
          const isWaiting = getters.some((getter) => !getter.done());
          check(!isWaiting || market.queue.empty(), 'one waits, though there is an item');
          if (isWaiting) yield* ends(s, [market.putter(2)]);
          yield* ends(s, getters);
          market.isConserved();
        },
    );

    if (size > 0) {
      exploredWithCancellation(
        'gives the room that was made for one to the next',
        { victims: 2, steps: 5 },
        (s, { victim, steps }) =>
          function* () {
            const market = new Market(s, make(size));
            yield* ends(s, [market.putter(0)]);
            const putters = [market.putter(1), market.putter(2)];
            yield* pass(s, 1);
            yield* ends(s, [market.getter('a'), cancelAfter(s, putters[victim]!, steps)]);
            yield* s.wait(sleep(1));
            const isWaiting = putters.some((putter) => !putter.done());
            check(!isWaiting || market.queue.full(), 'one waits, though there is room');
            if (isWaiting) yield* ends(s, [market.getter('b')]);
            yield* ends(s, putters);
            market.isConserved();
          },
      );
    }

    explored(
      'that is joined is so when all items are done, and not before',
      (s) =>
        function* () {
          const queue = make(size);
          let done = 0;
          function* work(): Steps {
            for (;;) {
              yield* s.wait(queue.get());
              yield* s.wait(sleep(0));
              done++;
              queue.taskDone();
            }
          }
          const workers = [start(s, 'a', work), start(s, 'b', work)];
          for (const item of [1, 2, 3]) yield* s.wait(queue.put(item));
          yield* s.wait(queue.join());
          check(done === 3, `only ${done} are done`);
          for (const worker of workers) worker.cancel();
          yield* ends(s, workers);
        },
    );

    explored(
      'that is shut down gives what it has, and then says so to all',
      (s) =>
        function* () {
          const market = new Market(s, make(size));
          const { queue } = market;
          let ended = 0;
          function* getAll(): Steps {
            try {
              for (;;) {
                market.got.push(yield* s.wait(queue.get()));
                queue.taskDone();
              }
            } catch (error) {
              check(error instanceof QueueShutDown, String(error));
              check(queue.empty(), 'there was an item left');
              ended++;
            }
          }
          function* putAll(): Steps {
            for (const item of [1, 2]) {
              yield* s.wait(queue.put(item));
              market.putIn.push(item);
            }
          }
          function* putUntilShutDown(): Steps {
            try {
              yield* putAll();
            } catch (error) {
              check(error instanceof QueueShutDown, String(error));
            }
          }
          const tasks = [start(s, 'a', getAll), start(s, 'b', getAll), start(s, 'put', putUntilShutDown)];
          const shutting = start(s, 'shut', function* () {
            yield* pass(s, 2);
            queue.shutdown();
          });
          yield* ends(s, [shutting, ...tasks]);
          check(ended === 2, `only ${ended} were told`);
          market.isConserved();
          yield* s.wait(queue.join());
        },
    );
  });
});

describe('a Queue that is iterated', () => {
  /** Two loops share the items of a queue, one of which is ended after some steps. */
  function* share(
    s: Spelling,
    endOne: (iterators: readonly AsyncIterator<number>[], loops: readonly Task<unknown>[]) => Task<unknown>,
  ): Steps {
    const market = new Market(s, new Queue<number>(1));
    const iterators = [market.queue[Symbol.asyncIterator](), market.queue[Symbol.asyncIterator]()];
    const loops = iterators.map((iterator, i) =>
      start(s, `loop ${i}`, function* () {
        for (;;) {
          const { done, value } = (yield* s.wait(iterator.next())) as IteratorResult<number>;
          if (done === true) return;
          market.got.push(value);
        }
      }),
    );
    const putter = market.putter(1, 2);
    yield* ends(s, [endOne(iterators, loops), putter]);
    market.queue.shutdown();
    yield* ends(s, loops);
    check(market.got.length === 2, `got ${market.got}`);
    market.isConserved();
  }

  exploredWithCancellation(
    'leaves every item to the other loop',
    { victims: 2, steps: 6 },
    (s, { victim, steps }) =>
      () =>
        share(s, (_iterators, loops) => cancelAfter(s, loops[victim]!, steps)),
  );

  exploredWithCancellation(
    'leaves every item to the other loop when one is ended with return()',
    { victims: 2, steps: 6 },
    (s, { victim, steps }) =>
      () =>
        share(s, (iterators) =>
          start(s, 'return', function* () {
            yield* pass(s, steps);
            yield* s.wait(iterators[victim]!.return!());
          }),
        ),
  );
});

describe('a Queue', () => {
  explored(
    'gives the items of each who puts in their order',
    (s) =>
      function* () {
        const queue = new Queue<number>(1);
        const market = new Market(s, queue);
        yield* ends(s, [market.putter(1, 2), market.putter(11, 12), market.getter('a', 4)]);
        for (const items of [
          [1, 2],
          [11, 12],
        ]) {
          const inOrder = market.got.filter((item) => items.includes(item));
          check(String(inOrder) === String(items), `got ${market.got}`);
        }
      },
  );

  explored(
    'serves those who get in the order in which they came, when nobody comes between',
    (s) =>
      function* () {
        const queue = new Queue<number>();
        const [came, got]: [string[], string[]] = [[], []];
        function* get(name: string): Steps {
          came.push(name);
          yield* s.wait(queue.get());
          got.push(name);
        }
        const tasks = ['a', 'b'].map((name) => start(s, name, () => get(name)));
        yield* s.wait(sleep(1));
        for (const item of [1, 2]) {
          queue.putNowait(item);
          yield* s.wait(sleep(1));
        }
        yield* ends(s, tasks);
        check(String(came) === String(got), `came: ${came}, got: ${got}`);
      },
  );

  exploredWithCancellation(
    'that is shut down at once tells all who wait',
    { victims: 2, steps: 5 },
    (s, { victim, steps }) =>
      function* () {
        const queue = new Queue<number>(1);
        queue.putNowait(0);
        let told = 0;
        function* tell(body: () => Steps): Steps {
          try {
            yield* body();
          } catch (error) {
            if (!(error instanceof QueueShutDown)) throw error;
            told++;
          }
        }
        function* put(): Steps {
          yield* s.wait(queue.put(1));
        }
        function* join(): Steps {
          yield* s.wait(queue.join());
        }
        const tasks = [start(s, 'put', () => tell(put)), start(s, 'join', () => tell(join))];
        const canceller = cancelAfter(s, tasks[victim]!, steps);
        yield* pass(s, 2);
        queue.shutdown({ immediate: true });
        yield* ends(s, [canceller, ...tasks]);
        check(told <= 1 && queue.empty(), `${queue} is left`);
      },
  );
});
