import {
  createTask,
  gather,
  LifoQueue,
  PriorityQueue,
  Queue,
  QueueShutDown,
  sleep,
  TimeoutError,
  taskGroup,
  timeout,
  waitFor,
} from 'asyncio-ts';
import { type SweepEnding, sweep } from 'asyncio-ts/testing';
import { expect, test } from 'vitest';
import { describeBoth, type Spelling } from '../../../support/spellings.ts';
import { many } from './support.ts';

/** A queue, what was put into it, and what came out. */
interface Shop {
  readonly queue: Queue<number>;
  readonly put: number[];
  readonly got: number[];
}

const shop = (queue: Queue<number>): Shop => ({ queue, put: [], got: [] });

/** Every item that was put was got, or is still in the queue; and no task is left in it. */
function nothingIsLost({ queue, put, got }: Shop): void {
  expect(queue.statistics()).toMatchObject({ getting: 0, putting: 0, joining: 0 });
  const left: number[] = [];
  while (!queue.empty()) left.push(queue.getNowait());
  expect([...got, ...left].sort()).toEqual([...put].sort());
}

/** Puts three items. */
function producer(s: Spelling, { queue, put }: Shop, first: number) {
  return s.fn(function* () {
    for (let item = first; item < first + 3; item++) {
      yield* s.wait(queue.put(item));
      put.push(item);
      if (item === first) yield* s.wait(sleep(1));
    }
  });
}

/** Gets items in a way, until the queue is ended. */
function consumer(s: Spelling, { got }: Shop, get: () => Iterable<unknown>) {
  return s.fn(function* () {
    try {
      for (;;) {
        const item = (yield* s.wait(get())) as number | IteratorResult<number>;
        if (typeof item === 'number') got.push(item);
        else if (item.done === true) return;
        else got.push(item.value);
        yield* s.wait(sleep(0));
      }
    } catch (error) {
      if (!(error instanceof QueueShutDown)) throw error;
    }
  });
}

/** Two producers and two consumers; when the producers have ended, the queue is. */
function trade(s: Spelling, get: (queue: Queue<number>) => Iterable<unknown>) {
  return s.fn(function* (state: Shop) {
    yield* s.wait(
      taskGroup(
        s.fn(function* (group) {
          for (let i = 0; i < 2; i++) group.createTask(consumer(s, state, () => get(state.queue)));
          const producers = [1, 11].map((first) => createTask(producer(s, state, first)));
          try {
            yield* s.wait(gather(producers, { returnExceptions: true }));
          } finally {
            state.queue.shutdown();
          }
        }),
      ),
    );
  });
}

describeBoth('whichever await is cancelled', (s) => {
  test.each([
    ['Queue', () => new Queue<number>(1)],
    ['Queue without a limit', () => new Queue<number>()],
    ['LifoQueue', () => new LifoQueue<number>(1)],
    ['PriorityQueue', () => new PriorityQueue<number>(2)],
  ])('a %s loses no item and keeps nobody waiting', async (_name, make) => {
    const report = await sweep(
      trade(s, (queue) => queue.get()),
      { setup: () => shop(make()), check: nothingIsLost },
    );
    many(report, 40);
  });

  test('the iterator of a queue loses no item', async () => {
    const iterators = new WeakMap<Queue<number>, { next(): Iterable<unknown> }>();
    const next = (queue: Queue<number>) => {
      if (!iterators.has(queue)) iterators.set(queue, queue[Symbol.asyncIterator]());
      return iterators.get(queue)!.next();
    };
    const report = await sweep(trade(s, next), { setup: () => shop(new Queue(1)), check: nothingIsLost });
    many(report, 30);
  });

  test('an item that comes at the deadline of its get() is not lost: the item, or the error', async () => {
    // The item and the deadline come at the same time, in both orders.
    for (const [at, limit] of [
      [1, 1],
      [1.000_000_1, 1],
      [1, 1.000_000_1],
    ] as const) {
      const main = s.fn(function* (state: Shop) {
        const take = (get: () => Iterable<unknown>) =>
          s.fn(function* () {
            try {
              const item = (yield* s.wait(get())) as number;
              state.got.push(item);
            } catch (error) {
              if (!(error instanceof TimeoutError)) throw error;
            }
          });
        const put = s.fn(function* () {
          yield* s.wait(sleep(at));
          for (const item of [1, 2, 3]) {
            state.queue.putNowait(item);
            state.put.push(item);
          }
        });
        yield* s.wait(
          taskGroup(
            s.fn(function* (group) {
              group.createTask(take(() => waitFor(state.queue.get(), limit)));
              group.createTask(
                take(() =>
                  timeout(
                    limit,
                    s.fn(() => s.wait(state.queue.get())),
                  ),
                ),
              );
              group.createTask(
                take(() =>
                  waitFor(
                    s.fn(() => s.wait(state.queue.get())),
                    limit,
                  ),
                ),
              );
              group.createTask(put);
            }),
          ),
        );
      });
      const report = await sweep(main, { setup: () => shop(new Queue()), check: nothingIsLost });
      many(report, 20);
    }
  });

  test('join() ends when all items are done or dropped', async () => {
    const main = s.fn(function* ({ queue, got, put }: Shop) {
      const work = s.fn(function* () {
        for (;;) {
          const item = yield* s.wait(queue.get());
          try {
            yield* s.wait(sleep(1));
            got.push(item);
          } finally {
            queue.taskDone();
          }
        }
      });
      const workers = [createTask(work), createTask(work)];
      try {
        for (let item = 0; item < 4; item++) {
          yield* s.wait(queue.put(item));
          put.push(item);
        }
        const joined = createTask(() => queue.join());
        yield* s.wait(gather(joined, () => queue.join()));
      } finally {
        queue.shutdown(true);
        yield* s.wait(gather(workers, { returnExceptions: true }));
      }
    });
    const report = await sweep(main, {
      setup: () => shop(new Queue(2)),
      // A worker that is gone leaves its share to the other one; two that are gone cannot be.
      check: ({ queue, got, put }: Shop, { at, error }: SweepEnding) => {
        expect(queue.statistics()).toMatchObject({ getting: 0, putting: 0, joining: 0, unfinished: 0 });
        if (at === null) expect(got).toEqual(put);
        if (error === null) expect(got.length).toBeGreaterThanOrEqual(put.length - 1);
      },
    });
    many(report, 50);
  });
});
