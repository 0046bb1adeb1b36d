import {
  CancelledError,
  createTask,
  gather,
  getRunningLoop,
  type Queue,
  QueueEmpty,
  QueueFull,
  QueueShutDown,
  sleep,
  ValueError,
} from 'asyncio-ts';
import { expect, test } from 'vitest';
import { failure, iterations, program, thrownBy } from '../programs.ts';
import { describeBoth } from '../spellings.ts';

/** A kind of queue. */
export interface QueueKind {
  readonly name: string;
  /** An empty one of numbers. */
  make(maxsize?: number): Queue<number>;
  /** The order in which it gives items that were put in this order. */
  order(items: readonly number[]): readonly number[];
}

/** What is true of every queue, whatever the order of its items. */
export function queueLaws(kind: QueueKind): void {
  itemLaws(kind);
  waitingLaws(kind);
  workLaws(kind);
  shutdownLaws(kind);
  iterationLaws(kind);
}

function itemLaws({ name, make, order }: QueueKind): void {
  describeBoth(`the items of a ${name}`, (s) => {
    test.each([0, 5, 7])('come in its order (maxsize %i)', (maxsize) =>
      program(s, function* () {
        const queue = make(maxsize);
        const items = [3, 1, 4, 2, 5];
        for (const item of items) yield* s.wait(queue.put(item));
        const got: number[] = [];
        while (!queue.empty()) got.push(yield* s.wait(queue.get()));
        expect(got).toEqual(order(items));
      })(),
    );

    test.each([0, 1, 3])('each reach exactly one consumer, for any order of puts and gets (maxsize %i)', (maxsize) =>
      program(s, function* () {
        const queue = make(maxsize);
        const got: number[] = [];
        const produce = s.fn(function* (first: number) {
          for (let item = first; item < first + 5; item++) {
            yield* s.wait(queue.put(item));
            if (item % 2 === 0) yield* s.wait(sleep(0.1));
          }
        });
        const consume = s.fn(function* () {
          for (let i = 0; i < 5; i++) {
            got.push(yield* s.wait(queue.get()));
            if (i % 2 === 0) yield* s.wait(sleep(0.15));
            expect(maxsize === 0 || queue.qsize() <= maxsize).toBe(true);
          }
        });
        const producers = [0, 5, 10].map((first) => createTask(() => produce(first)));
        const consumers = [0, 1, 2].map(() => createTask(consume));
        yield* s.wait(gather([...producers, ...consumers]));
        expect(got.sort((a, b) => a - b)).toEqual(Array.from({ length: 15 }, (_, i) => i));
        expect(queue.empty()).toBe(true);
      })(),
    );

    test(
      'are counted, against its size when it has one',
      program(s, function* () {
        const bounded = make(2);
        const counts = () => [bounded.qsize(), bounded.empty(), bounded.full()];
        expect([bounded.maxsize, ...counts()]).toEqual([2, 0, true, false]);
        bounded.putNowait(1);
        expect(counts()).toEqual([1, false, false]);
        bounded.putNowait(2);
        expect(counts()).toEqual([2, false, true]);
        for (const maxsize of [0, -1]) {
          const unbounded = make(maxsize);
          for (let i = 0; i < 100; i++) yield* s.wait(unbounded.put(i));
          expect([unbounded.maxsize, unbounded.qsize(), unbounded.full()]).toEqual([maxsize, 100, false]);
        }
      }),
    );

    test(
      'are put and got at once or not at all by the calls that do not wait',
      program(s, function* () {
        const queue = make(1);
        expect(thrownBy(() => queue.getNowait())).toBeInstanceOf(QueueEmpty);
        queue.putNowait(1);
        expect(thrownBy(() => queue.putNowait(2))).toBeInstanceOf(QueueFull);
        expect(queue.getNowait()).toBe(1);
        yield* iterations(s, 1);
        expect(queue.empty()).toBe(true);
      }),
    );
  });
}

function waitingLaws({ name, make, order }: QueueKind): void {
  describeBoth(`who waits for a ${name}`, (s) => {
    /** Tasks that get an item each, and note who got what. */
    const getters = (queue: Queue<number>, got: string[], ...names: string[]) => {
      const get = s.fn(function* (getter: string) {
        got.push(`${getter} got ${yield* s.wait(queue.get())}`);
      });
      return names.map((getter) => createTask(() => get(getter), { name: getter }));
    };
    const putters = (queue: Queue<number>, ...items: number[]) =>
      items.map((item) => createTask(() => queue.put(item), { name: `put ${item}` }));

    test(
      'does not, when there is an item and when there is room: no other task gets a turn',
      program(s, function* () {
        const queue = make(1);
        let turns = 0;
        getRunningLoop().callSoon(() => turns++);
        yield* s.wait(queue.put(1));
        expect(yield* s.wait(queue.get())).toBe(1);
        expect(turns).toBe(0);
      }),
    );

    test(
      'has done nothing before the call is awaited',
      program(s, function* () {
        const queue = make();
        const putting = queue.put(1);
        yield* iterations(s, 2);
        expect(queue.qsize()).toBe(0);
        yield* s.wait(putting);
        const getting = queue.get();
        yield* iterations(s, 2);
        expect(queue.qsize()).toBe(1);
        expect(yield* s.wait(getting)).toBe(1);
      }),
    );

    test(
      'gets the items in the order of coming',
      program(s, function* () {
        const queue = make();
        const got: string[] = [];
        const tasks = getters(queue, got, 'a', 'b', 'c');
        for (const item of [1, 2, 3]) {
          yield* iterations(s, 1);
          queue.putNowait(item);
        }
        yield* s.wait(gather(tasks));
        expect(got).toEqual(['a got 1', 'b got 2', 'c got 3']);
      }),
    );

    test(
      'puts the items in the order of coming',
      program(s, function* () {
        const queue = make(1);
        queue.putNowait(0);
        const tasks = putters(queue, 1, 2, 3);
        yield* iterations(s, 1);
        expect(queue.statistics().putting).toBe(3);
        const got: number[] = [];
        for (let i = 0; i < 4; i++) got.push(yield* s.wait(queue.get()));
        expect(got).toEqual([0, 1, 2, 3]);
        yield* s.wait(gather(tasks));
      }),
    );

    test(
      'is not handed the item: the task that asks first gets it, and the task that was woken waits again, at the end',
      program(s, function* () {
        const queue = make();
        const got: string[] = [];
        const tasks = getters(queue, got, 'c', 'd');
        yield* iterations(s, 1);
        queue.putNowait(1);
        expect(queue.getNowait()).toBe(1); // stolen from c
        yield* iterations(s, 1);
        queue.putNowait(2);
        yield* iterations(s, 2);
        expect(got).toEqual(['d got 2']);
        queue.putNowait(3);
        yield* s.wait(gather(tasks));
        expect(got).toEqual(['d got 2', 'c got 3']);
      }),
    );

    test(
      'loses no item by being cancelled when one has come for it: the next one is woken',
      program(s, function* () {
        const queue = make();
        const got: string[] = [];
        const [a, b] = getters(queue, got, 'a', 'b');
        yield* iterations(s, 1);
        queue.putNowait(1);
        a!.cancel();
        expect(yield* failure(s, a!)).toBeInstanceOf(CancelledError);
        yield* s.wait(b!);
        expect([got, queue.qsize()]).toEqual([['b got 1'], 0]);
      }),
    );

    test(
      'leaves the item in the queue when no other task waits for it',
      program(s, function* () {
        const queue = make();
        const [task] = getters(queue, [], 'a');
        yield* iterations(s, 1);
        queue.putNowait(1);
        task!.cancel();
        yield* iterations(s, 1);
        expect([task!.cancelled(), queue.qsize(), queue.statistics().getting]).toEqual([true, 1, 0]);
        expect(queue.getNowait()).toBe(1);
      }),
    );

    test(
      'puts nothing when it is cancelled, and the room that was made for it goes to the next one',
      program(s, function* () {
        const queue = make(1);
        queue.putNowait(0);
        const [a, b] = putters(queue, 1, 2);
        yield* iterations(s, 1);
        queue.getNowait();
        a!.cancel();
        expect(yield* failure(s, a!)).toBeInstanceOf(CancelledError);
        yield* s.wait(b!);
        expect([queue.qsize(), queue.getNowait(), queue.empty()]).toEqual([1, 2, true]);
      }),
    );

    test(
      'is forgotten when it is cancelled before any data has arrived',
      program(s, function* () {
        const queue = make(2);
        const got: string[] = [];
        const [a, b, c] = getters(queue, got, 'a', 'b', 'c');
        yield* iterations(s, 1);
        b!.cancel();
        yield* iterations(s, 1);
        expect(queue.statistics().getting).toBe(2);
        for (const item of [1, 2]) queue.putNowait(item);
        yield* s.wait(gather(a!, c!));
        const [first, second] = order([1, 2]);
        expect(got).toEqual([`a got ${first}`, `c got ${second}`]);
      }),
    );
  });
}

function workLaws({ name, make }: QueueKind): void {
  describeBoth(`the work on the items of a ${name}`, (s) => {
    test(
      'is waited for by join, until taskDone was called for each item',
      program(s, function* () {
        const queue = make();
        for (const item of [1, 2, 3]) queue.putNowait(item);
        const joining = createTask(() => queue.join());
        for (const left of [3, 2, 1]) {
          yield* s.wait(queue.get());
          yield* iterations(s, 2);
          expect([queue.statistics().unfinished, joining.done()]).toEqual([left, false]);
          queue.taskDone();
        }
        yield* s.wait(joining);
      }),
    );

    test(
      'is done when nothing was put: join does not wait',
      program(s, function* () {
        const queue = make();
        let turns = 0;
        getRunningLoop().callSoon(() => turns++);
        yield* s.wait(queue.join());
        expect(turns).toBe(0);
      }),
    );

    test(
      'cannot be done more often than items were put',
      program(s, function* () {
        const queue = make();
        expect(thrownBy(() => queue.taskDone())).toBeInstanceOf(ValueError);
        yield* s.wait(queue.put(1));
        queue.taskDone();
        expect(thrownBy(() => queue.taskDone())).toBeInstanceOf(ValueError);
        expect(queue.getNowait()).toBe(1);
      }),
    );

    test(
      'is waited for by several, and a cancelled one of them changes nothing',
      program(s, function* () {
        const queue = make();
        queue.putNowait(1);
        const [a, b] = [createTask(() => queue.join()), createTask(() => queue.join())];
        yield* iterations(s, 1);
        a.cancel();
        queue.taskDone();
        yield* s.wait(b);
        expect(a.cancelled()).toBe(true);
      }),
    );
  });
}

function shutdownLaws({ name, make, order }: QueueKind): void {
  describeBoth(`a ${name} that is shut down`, (s) => {
    test(
      'refuses new items, and gives those that are left',
      program(s, function* () {
        const queue = make();
        for (const item of [2, 1]) queue.putNowait(item);
        queue.shutdown();
        expect(thrownBy(() => queue.putNowait(3))).toBeInstanceOf(QueueShutDown);
        expect(yield* failure(s, queue.put(3))).toBeInstanceOf(QueueShutDown);
        const got = [yield* s.wait(queue.get()), queue.getNowait()];
        expect(got).toEqual(order([2, 1]));
        expect(thrownBy(() => queue.getNowait())).toBeInstanceOf(QueueShutDown);
        expect(yield* failure(s, queue.get())).toBeInstanceOf(QueueShutDown);
      }),
    );

    test.each([false, true])('ends all waits of put with an error (immediate: %s)', (immediate) =>
      program(s, function* () {
        const queue = make(1);
        queue.putNowait(0);
        const putters = [1, 2].map((item) => createTask(() => queue.put(item)));
        yield* iterations(s, 1);
        queue.shutdown({ immediate });
        for (const putter of putters) expect(yield* failure(s, putter)).toBeInstanceOf(QueueShutDown);
        expect(queue.statistics()).toMatchObject({ size: immediate ? 0 : 1, putting: 0, isShutDown: true });
      })(),
    );

    test.each([false, true])('ends all waits of get with an error (immediate: %s)', (immediate) =>
      program(s, function* () {
        const queue = make();
        const getters = [1, 2].map(() => createTask(() => queue.get()));
        yield* iterations(s, 1);
        queue.shutdown({ immediate });
        for (const getter of getters) expect(yield* failure(s, getter)).toBeInstanceOf(QueueShutDown);
        expect(queue.statistics().getting).toBe(0);
      })(),
    );

    test(
      'immediately drops what is in it, and counts the work on that as done',
      program(s, function* () {
        const queue = make();
        for (const item of [1, 2, 3]) queue.putNowait(item);
        queue.getNowait();
        const joining = createTask(() => queue.join());
        yield* iterations(s, 1);
        queue.shutdown({ immediate: true });
        yield* iterations(s, 3);
        // The work on the item that was got has still to be done.
        expect([queue.qsize(), queue.statistics().unfinished, joining.done()]).toEqual([0, 1, false]);
        expect(yield* failure(s, queue.get())).toBeInstanceOf(QueueShutDown);
        queue.taskDone();
        yield* s.wait(joining);
        expect(thrownBy(() => queue.taskDone())).toBeInstanceOf(ValueError);
      }),
    );

    test(
      'immediately lets join go on when no item is being processed',
      program(s, function* () {
        const queue = make();
        for (const item of [1, 2]) queue.putNowait(item);
        const joining = createTask(() => queue.join());
        yield* iterations(s, 1);
        queue.shutdown({ immediate: true });
        yield* s.wait(joining);
        expect(queue.statistics().unfinished).toBe(0);
      }),
    );

    test(
      'may be shut down again, and immediately then',
      program(s, function* () {
        const queue = make();
        queue.putNowait(1);
        queue.shutdown();
        queue.shutdown();
        expect(queue.qsize()).toBe(1);
        queue.shutdown({ immediate: true });
        expect(queue.qsize()).toBe(0);
        yield* s.wait(queue.join());
      }),
    );
  });
}

function iterationLaws({ name, make, order }: QueueKind): void {
  describeBoth(`iterating a ${name}`, (s) => {
    const collect = (queue: Queue<number>, into: number[]) => {
      const iterate = s.fn(function* () {
        const items = queue[Symbol.asyncIterator]();
        for (let next = yield* s.wait(items.next()); !next.done; next = yield* s.wait(items.next())) {
          into.push(next.value);
          yield* s.wait(sleep(1));
        }
        return 'over';
      });
      return createTask(iterate);
    };

    test(
      'gives its items until it is shut down and nothing is left',
      program(s, function* () {
        const queue = make();
        for (const item of [2, 3, 1]) queue.putNowait(item);
        const got: number[] = [];
        const iterating = collect(queue, got);
        yield* s.wait(sleep(5));
        expect([got, iterating.done()]).toEqual([order([2, 3, 1]), false]);
        queue.putNowait(4);
        queue.shutdown();
        expect(yield* s.wait(iterating)).toBe('over');
        expect(got).toEqual([...order([2, 3, 1]), 4]);
      }),
    );

    test(
      'by several shares the items among them, each item to one, and ends for all',
      program(s, function* () {
        const queue = make();
        const [ones, others]: [number[], number[]] = [[], []];
        const iterating = [collect(queue, ones), collect(queue, others)];
        for (let item = 0; item < 6; item++) yield* s.wait(queue.put(item));
        yield* s.wait(sleep(10));
        queue.shutdown();
        expect(yield* s.wait(gather(iterating))).toEqual(['over', 'over']);
        expect([ones.length, others.length]).toEqual([3, 3]);
        expect([...ones, ...others].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5]);
      }),
    );

    test(
      'that is given up or cancelled leaves the other items to the next consumer',
      program(s, function* () {
        const queue = make();
        const got: number[] = [];
        const cancelled = collect(queue, got);
        yield* iterations(s, 2);
        queue.putNowait(1);
        cancelled.cancel();
        yield* iterations(s, 2);
        expect([cancelled.cancelled(), got, queue.qsize()]).toEqual([true, [], 1]);
        queue.shutdown();
        const again = collect(queue, got);
        expect(yield* s.wait(again)).toBe('over');
        expect(got).toEqual([1]);
      }),
    );
  });
}
