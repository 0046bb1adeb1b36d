import {
  createTask,
  gather,
  LifoQueue,
  PriorityQueue,
  Queue,
  QueueEmpty,
  QueueFull,
  QueueShutDown,
  RuntimeError,
  ValueError,
} from 'asyncio-ts';
import { describe, expect, test } from 'vitest';
import { type Expected, expectMistake, expectThrown } from '../../support/mistakes.ts';
import { onOtherLoop } from '../../support/other-loop.ts';
import { failure, iterations, program } from '../../support/programs.ts';
import { describeBoth } from '../../support/spellings.ts';

const noOrder = (...says: string[]): Expected => ({ type: TypeError, code: 'NO_ORDER', says });

describe.each([
  ['Queue', Queue],
  ['LifoQueue', LifoQueue],
  ['PriorityQueue', PriorityQueue],
])('the size of a %s', (name, type) => {
  test('is a number', () => {
    for (const maxsize of ['10', null, 10n, {}]) {
      const says = [name, 'maxsize must be a number', '0 is for any number'];
      expectThrown(() => new type(maxsize as never), { type: TypeError, code: 'INVALID_ARGUMENT', says });
    }
    const says = [name, 'maxsize must be a number', 'NaN'];
    expectThrown(() => new type(Number.NaN), { type: ValueError, code: 'INVALID_COUNT', says });
  });

  test("may be a fraction, as CPython's: then one more item is in it than there is room for", () => {
    const queue = new type<number>(1.3);
    queue.putNowait(1);
    expect(queue.full()).toBe(false);
    queue.putNowait(2);
    expect(queue.full()).toBe(true);
  });
});

describe('what a queue says', () => {
  const queue = new Queue<number>(1);

  test('names its state, and what would help', () => {
    expectThrown(() => queue.getNowait(), { type: QueueEmpty, code: 'QUEUE_EMPTY', says: ['is empty', 'get()'] });
    queue.putNowait(1);
    expectThrown(() => queue.putNowait(2), {
      type: QueueFull,
      code: 'QUEUE_FULL',
      says: ['1 items are in it', 'put()'],
    });
    queue.shutdown();
    const shutDown = { type: QueueShutDown, code: 'QUEUE_SHUT_DOWN' };
    expectThrown(() => queue.putNowait(2), { ...shutDown, says: ['nothing can be put'] });
    expect(queue.getNowait()).toBe(1);
    expectThrown(() => queue.getNowait(), { ...shutDown, says: ['nothing is left'] });
  });

  test('of taskDone that it was called too often, and counts on rightly', () => {
    const counted = new Queue<string>();
    const expected: Expected = {
      type: ValueError,
      code: 'TASK_DONE_TOO_OFTEN',
      says: ['taskDone() called too many times', '<Queue maxsize=0>', 'once for each item'],
    };
    expectThrown(() => counted.taskDone(), expected);
    counted.putNowait('item');
    counted.getNowait();
    counted.taskDone();
    expectThrown(() => counted.taskDone(), expected);
    expect(counted.statistics().unfinished).toBe(0);
    counted.putNowait('item');
    expect(counted.statistics().unfinished).toBe(1);
  });

  test('of shutdown that its options are an object, and is not shut down', () => {
    const open = new Queue<number>();
    const says = ['shutdown: options are one object', 'yes', '{ immediate: '];
    expectThrown(() => open.shutdown('yes' as never), { type: TypeError, code: 'INVALID_ARGUMENT', says });
    open.putNowait(1);
    expect(open.qsize()).toBe(1);
  });
});

describe('an order', () => {
  test('is a function, in the options', () => {
    const compare = (a: number, b: number) => a - b;
    expectThrown(() => new PriorityQueue<number>(0, compare as never), {
      type: TypeError,
      code: 'INVALID_ARGUMENT',
      says: ['compare()', '{ compare: (a, b) => … }'],
    });
    expectThrown(() => new PriorityQueue<number>(0, { compare: 'rank' as never }), {
      type: TypeError,
      code: 'NOT_CALLABLE',
      says: ['compare must be a function', "'rank'"],
    });
  });

  test.each<[string, unknown]>([
    ['NaN', Number.NaN],
    ['a boolean', true],
    ['undefined', undefined],
    ['a bigint', 1n],
    ['a string', '1'],
  ])('that answers with %s is refused, and every item is still there', (_, answer) => {
    let isBroken = true;
    const compare = (a: number, b: number) => (isBroken ? (answer as number) : a - b);
    const queue = new PriorityQueue<number>(0, { compare });
    queue.putNowait(2);
    expectThrown(() => queue.putNowait(1), noOrder('must return a number', String(answer), '1', '2', 'a - b'));
    expect([queue.qsize(), queue.statistics().unfinished]).toEqual([1, 1]);
    isBroken = false;
    for (const item of [3, 1]) queue.putNowait(item);
    isBroken = true;
    expectThrown(() => queue.getNowait(), noOrder('must return a number'));
    isBroken = false;
    expect([queue.getNowait(), queue.getNowait(), queue.getNowait()]).toEqual([1, 2, 3]);
  });

  test('by value does not exist for objects, NaN and values of different types', () => {
    for (const [a, b, ...shown] of [
      [{}, {}, '<Object object>'],
      [1, Number.NaN, 'NaN', '1'],
      [1, 'a', '1', "'a'"],
      [null, 1, 'null'],
      [undefined, 1, 'undefined'],
      [new Date(Number.NaN), new Date(0), 'Invalid Date'],
      [[1, {}], [1, {}], '<Object object>'],
    ] as const) {
      const queue = new PriorityQueue<unknown>();
      queue.putNowait(a);
      expectThrown(() => queue.putNowait(b), noOrder('cannot compare', '{ compare: (a, b) => … }', ...shown));
      expect([queue.qsize(), queue.getNowait()]).toEqual([1, a]);
    }
  });
});

describeBoth('an order that throws', (s) => {
  const error = new Error('order');
  /** Items in a queue whose order throws as often as `fails` says. */
  const fallible = (maxsize: number, ...items: number[]) => {
    const fails = { times: 0 };
    const compare = (a: number, b: number) => {
      if (fails.times > 0) {
        fails.times--;
        throw error;
      }
      return a - b;
    };
    const queue = new PriorityQueue<number>(maxsize, { compare });
    for (const item of items) queue.putNowait(item);
    return { queue, fails };
  };

  test(
    'throws in put and get, and loses nothing',
    program(s, function* () {
      const { queue, fails } = fallible(0, 3, 1, 2);
      fails.times = 2;
      expect(yield* failure(s, queue.put(0))).toBe(error);
      expect(yield* failure(s, queue.get())).toBe(error);
      expect(queue.statistics()).toMatchObject({ size: 3, unfinished: 3 });
      const got: number[] = [];
      while (!queue.empty()) got.push(yield* s.wait(queue.get()));
      expect(got).toEqual([1, 2, 3]);
    }),
  );

  test(
    'leaves the item that it failed to get to the next waiting task',
    program(s, function* () {
      const { queue, fails } = fallible(0);
      const [first, ...others] = [1, 2, 3, 4].map(() => createTask(() => queue.get()));
      yield* iterations(s, 2);
      for (const item of [3, 2, 1]) queue.putNowait(item); // wakes three of four
      fails.times = 1;
      expect(yield* failure(s, first!)).toBe(error);
      expect(yield* s.wait(gather(others))).toEqual([1, 2, 3]);
    }),
  );

  test(
    'leaves the room that it failed to fill to the next waiting task',
    program(s, function* () {
      const { queue, fails } = fallible(2, 1, 2);
      const [first, second] = [3, 4].map((item) => createTask(() => queue.put(item)));
      yield* iterations(s, 2);
      expect(queue.getNowait()).toBe(1);
      fails.times = 1;
      expect(yield* failure(s, first!)).toBe(error);
      yield* s.wait(second!);
      expect([queue.getNowait(), queue.getNowait()]).toEqual([2, 4]);
    }),
  );

  test(
    'is not asked when the queue is shut down immediately',
    program(s, function* () {
      const { queue, fails } = fallible(0, 3, 1, 2);
      fails.times = 1;
      queue.shutdown({ immediate: true });
      yield* s.wait(queue.join());
      expect(queue.statistics()).toMatchObject({ size: 0, unfinished: 0, isShutDown: true });
    }),
  );
});

describeBoth('items', (s) => {
  test(
    'may be undefined, null and other things that count as false',
    program(s, function* () {
      for (const type of [Queue, LifoQueue]) {
        const items = [undefined, null, 0, '', false, Number.NaN];
        const queue = new type<unknown>(items.length);
        for (const item of items) yield* s.wait(queue.put(item));
        expect(queue.full()).toBe(true);
        const got: unknown[] = [];
        for (const _ of items) got.push(yield* s.wait(queue.get()));
        expect(got).toEqual(type === Queue ? items : items.reverse());
      }
    }),
  );

  test(
    'that are undefined are given to waiting tasks and to iterations',
    program(s, function* () {
      const queue = new Queue<undefined>();
      const waiting = createTask(() => queue.get());
      yield* iterations(s, 2);
      queue.putNowait(undefined);
      expect(yield* s.wait(waiting)).toBe(undefined);
      queue.putNowait(undefined);
      queue.shutdown();
      const items = queue[Symbol.asyncIterator]();
      expect(yield* s.wait(items.next())).toEqual({ done: false, value: undefined });
      expect(yield* s.wait(items.next())).toEqual({ done: true, value: undefined });
    }),
  );

  test(
    'that are promises are kept as they are: getNowait and iteration give the promise itself',
    program(s, function* () {
      const queue = new Queue<Promise<string>>();
      const item = Promise.resolve('value');
      for (let i = 0; i < 2; i++) yield* s.wait(queue.put(item));
      expect(queue.getNowait()).toBe(item);
      const next = yield* s.wait(queue[Symbol.asyncIterator]().next());
      expect(next.value).toBe(item);
    }),
  );

  test(
    s.name === 'async'
      ? 'that are promises are waited for by `await queue.get()`, as by every await'
      : 'that are promises are given as they are by `yield* queue.get()`',
    program(s, function* () {
      const queue = new Queue<Promise<string>>();
      const item = Promise.resolve('value');
      yield* s.wait(queue.put(item));
      const got: unknown = yield* s.wait(queue.get());
      expect(got).toBe(s.name === 'async' ? 'value' : item);
    }),
  );
});

describeBoth('use from another loop', (s) => {
  test(
    'throws in put when tasks of another loop have waited to get, since a queue has one loop',
    program(s, function* () {
      const queue = new Queue<number>(1);
      const getting = createTask(() => queue.get());
      yield* iterations(s, 2);
      queue.putNowait(1);
      yield* s.wait(getting);
      queue.putNowait(2);
      const says = ['is bound to a different event loop'];
      const expected: Expected = { type: RuntimeError, code: 'DIFFERENT_LOOP', says };
      for (const wait of [() => queue.put(3), () => queue.join()]) expectMistake(yield* onOtherLoop(s, wait), expected);
      expect(queue.getNowait()).toBe(2);
    }),
  );

  test.each<[string, number, (queue: Queue<number>) => unknown]>([
    ['get', 0, (queue) => queue.get()],
    ['put', 1, (queue) => queue.put(2)],
    ['join', 1, (queue) => queue.join()],
  ])('is refused where %s has to wait, and nothing is lost', (_, size, use) =>
    program(s, function* () {
      const queue = new Queue<number>(1);
      if (size === 1) queue.putNowait(1);
      const waiting = createTask(() => use(queue) as Promise<unknown>);
      yield* iterations(s, 2);
      const before = String(queue);
      const error = yield* onOtherLoop(s, () => use(queue));
      const says = [before, 'is bound to a different event loop', 'one for each loop'];
      expectMistake(error, { type: RuntimeError, code: 'DIFFERENT_LOOP', says });
      expect([String(queue), waiting.done()]).toEqual([before, false]);
      if (size === 0) queue.putNowait(1);
      else queue.getNowait();
      queue.taskDone();
      yield* s.wait(gather(waiting));
    })(),
  );
});
