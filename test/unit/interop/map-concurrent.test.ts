import {
  CancelledError,
  createTask,
  currentTask,
  gather,
  getRunningLoop,
  mapConcurrent,
  produce,
  Queue,
  sleep,
  timeout,
} from 'asyncio-ts';
import { describe, expect, test } from 'vitest';
import { failure, iterations, program, thrownBy } from '../../support/programs.ts';
import { describeBoth, runVirtually, type Spelling } from '../../support/spellings.ts';
import { Numbers } from './support.ts';

/** A function that sleeps as many seconds as the item says, and keeps count of how often it runs at once. */
function sleeping(s: Spelling) {
  const state = { running: 0, most: 0, cancelled: 0, begun: [] as number[] };
  const fn = s.fn(function* (seconds: number) {
    state.begun.push(seconds);
    state.most = Math.max(state.most, ++state.running);
    try {
      yield* s.wait(sleep(seconds));
    } catch (error) {
      if (error instanceof CancelledError) state.cancelled++;
      yield* s.wait(sleep(0.5)); // its end must be waited for
      throw error;
    } finally {
      state.running--;
    }
    return `slept ${seconds}`;
  });
  return { fn, state };
}

/** A function that fails after a second for one item, and takes a minute for the others. */
function failingFor(s: Spelling, item: number, error: unknown) {
  return s.fn(function* (n: number) {
    yield* s.wait(sleep(n === item ? 1 : 60));
    throw error;
  });
}

describeBoth('mapConcurrent, awaited,', (s) => {
  test.each([
    ['an array', () => [3, 1, 2]],
    ['a set', () => new Set([3, 1, 2])],
    [
      'an async generator',
      async function* () {
        yield* [3, 1, 2];
      },
    ],
    ['a web stream', () => ReadableStream.from([3, 1, 2])],
    [
      'a queue',
      () => {
        const queue = new Queue<number>();
        for (const n of [3, 1, 2]) queue.putNowait(n);
        queue.shutdown();
        return queue;
      },
    ],
  ] as [string, () => Iterable<number> | AsyncIterable<number>][])('gives all results in the order of %s', (_, items) =>
    program(s, function* () {
      const { fn, state } = sleeping(s);
      const results = yield* s.wait(mapConcurrent(items(), fn, { limit: 2 }));
      expect(results).toEqual(['slept 3', 'slept 1', 'slept 2']);
      expect([state.most, getRunningLoop().time()]).toEqual([2, 3]);
    })(),
  );

  test(
    'gives results as the calls are done, when that is wanted',
    program(s, function* () {
      const { fn } = sleeping(s);
      const results = yield* s.wait(mapConcurrent([3, 1, 2], fn, { limit: 3, ordered: false }));
      expect(results).toEqual(['slept 1', 'slept 2', 'slept 3']);
    }),
  );

  test(
    'passes the index, and runs each call in a task of its own',
    program(s, function* () {
      const tasks = new Set<unknown>();
      const fn = s.fn(function* (item: string, index: number) {
        tasks.add(currentTask());
        return item + index;
      });
      expect(yield* s.wait(mapConcurrent(['a', 'b'], fn, { limit: 1 }))).toEqual(['a0', 'b1']);
      expect([tasks.size, tasks.has(currentTask())]).toEqual([2, false]);
    }),
  );

  test(
    'gives nothing for nothing',
    program(s, function* () {
      expect(yield* s.wait(mapConcurrent([], sleeping(s).fn, { limit: 3 }))).toEqual([]);
    }),
  );

  test(
    'does nothing before it is awaited, and can be given to gather',
    program(s, function* () {
      const { fn, state } = sleeping(s);
      const one = mapConcurrent([1], fn, { limit: 1 });
      yield* iterations(s, 3);
      expect(state.begun).toEqual([]);
      expect(String(one)).toBe('<ConcurrentMap limit=1 0 running>');
      const both = yield* s.wait(gather(one, mapConcurrent([2], fn, { limit: 1 })));
      expect(both).toEqual([['slept 1'], ['slept 2']]);
    }),
  );

  test(
    'is not held up by a slow first item',
    program(s, function* () {
      const { fn } = sleeping(s);
      yield* s.wait(mapConcurrent([10, 1, 1, 1, 1], fn, { limit: 2 }));
      expect(getRunningLoop().time()).toBe(10);
    }),
  );

  test(
    'takes no item before it can be worked on',
    program(s, function* () {
      const numbers = new Numbers();
      const working = s.fn(function* () {
        const forever = s.fn(function* () {
          yield* s.wait(sleep(60));
        });
        yield* s.wait(mapConcurrent(numbers, forever, { limit: 3 }));
      });
      yield* failure(s, timeout(1, working));
      expect(numbers.next).toBe(3);
      expect(numbers.calls.at(-1)).toBe('return');
    }),
  );

  test(
    'throws the first failure as it is, after the others were cancelled and the items returned',
    program(s, function* () {
      const numbers = new Numbers();
      const error = new Error('failed');
      let cleanedUp = 0;
      const fn = s.fn(function* (n: number) {
        if (n === 2) {
          yield* s.wait(sleep(1));
          throw error;
        }
        try {
          yield* s.wait(sleep(60));
        } finally {
          yield* s.wait(sleep(2));
          cleanedUp++;
        }
      });
      expect(yield* failure(s, mapConcurrent(numbers, fn, { limit: 4 }))).toBe(error);
      expect([cleanedUp, getRunningLoop().time(), numbers.next]).toEqual([3, 3, 4]);
      expect(numbers.calls.at(-1)).toBe('return');
    }),
  );

  test(
    'leaves no request to cancel behind after a failure',
    program(s, function* () {
      yield* failure(s, mapConcurrent([1], failingFor(s, 1, new Error('no')), { limit: 1 }));
      expect(currentTask()!.cancelling()).toBe(0);
      yield* s.wait(sleep(1));
    }),
  );

  test(
    'fails with what the items fail with, and cancels the calls',
    program(s, function* () {
      const { fn, state } = sleeping(s);
      const items = async function* () {
        yield 60;
        await sleep(1);
        throw new Error('of the items');
      };
      expect(yield* failure(s, mapConcurrent(items(), fn, { limit: 5 }))).toMatchObject({ message: 'of the items' });
      expect([state.cancelled, state.running]).toEqual([1, 0]);
    }),
  );

  test(
    'reports failures that follow the first one',
    program(s, function* (reports) {
      const fn = s.fn(function* (n: number) {
        try {
          yield* s.wait(sleep(n));
        } catch {
          throw new Error(`${n} failed too`);
        }
        throw new Error('first');
      });
      expect(yield* failure(s, mapConcurrent([1, 5, 6], fn, { limit: 3 }))).toMatchObject({ message: 'first' });
      const messages = reports.splice(0).map(({ exception }) => (exception as Error).message);
      expect(messages).toEqual(['5 failed too', '6 failed too']);
    }),
  );

  test(
    'counts a call that was cancelled by others as failed',
    program(s, function* () {
      const fn = s.fn(function* (n: number) {
        if (n === 1) currentTask()!.cancel('on purpose');
        yield* s.wait(sleep(60));
      });
      expect(yield* failure(s, mapConcurrent([0, 1], fn, { limit: 2 }))).toBeInstanceOf(CancelledError);
      expect(getRunningLoop().time()).toBe(0);
    }),
  );

  test(
    'cancels the calls with the task that awaits it, and waits for them',
    program(s, function* () {
      const { fn, state } = sleeping(s);
      const numbers = produce<number>(
        s.fn(function* (put) {
          for (;;) yield* s.wait(put(60));
        }),
      );
      const mapping = s.fn(function* () {
        yield* s.wait(mapConcurrent(numbers, fn, { limit: 3 }));
      });
      expect(yield* failure(s, timeout(1, mapping))).toMatchObject({ name: 'TimeoutError' });
      expect([state.cancelled, state.running, getRunningLoop().time()]).toEqual([3, 0, 1.5]);
      expect(String(numbers)).toContain('over');
    }),
  );

  test(
    'is refused a second time',
    program(s, function* () {
      const map = mapConcurrent([0], sleeping(s).fn, { limit: 1 });
      yield* s.wait(map);
      expect(yield* failure(s, map)).toMatchObject({ name: 'RuntimeError', code: 'COROUTINE_REUSED' });
    }),
  );
});

describeBoth('mapConcurrent, iterated,', (s) => {
  test.each([
    [true, ['slept 3 at 3', 'slept 1 at 3', 'slept 2 at 3']],
    [false, ['slept 1 at 1', 'slept 2 at 2', 'slept 3 at 3']],
  ])('gives one result after the other (ordered: %s)', (ordered, expected) =>
    program(s, function* () {
      const map = mapConcurrent([3, 1, 2], sleeping(s).fn, { limit: 3, ordered });
      const seen: string[] = [];
      for (;;) {
        const { done, value } = yield* s.wait(map.next());
        if (done === true) break;
        seen.push(`${value} at ${getRunningLoop().time()}`);
      }
      expect(seen).toEqual(expected);
    })(),
  );

  test(
    'does not take items ahead of a slow consumer',
    program(s, function* () {
      const numbers = new Numbers();
      const fn = s.fn(function* (n: number) {
        return n;
      });
      const map = mapConcurrent(numbers, fn, { limit: 3 });
      expect((yield* s.wait(map.next())).value).toBe(0);
      yield* s.wait(sleep(10));
      expect(numbers.next).toBe(4);
      yield* s.wait(map.next());
      yield* s.wait(sleep(10));
      expect(numbers.next).toBe(5);
      yield* s.wait(map.return());
      expect(numbers.calls.at(-1)).toBe('return');
    }),
  );

  test(
    'throws a failure after the results before it',
    program(s, function* () {
      const fn = s.fn(function* (n: number) {
        yield* s.wait(sleep(n));
        if (n === 2) throw new Error('failed');
        return n;
      });
      const map = mapConcurrent([1, 2, 60], fn, { limit: 3 });
      yield* s.wait(sleep(5));
      expect((yield* s.wait(map.next())).value).toBe(1);
      expect(yield* failure(s, map.next())).toMatchObject({ message: 'failed' });
      expect((yield* s.wait(map.next())).done).toBe(true);
    }),
  );

  test(
    'cancels the calls when it is left, and returns the items, also before it has begun',
    program(s, function* () {
      const { fn, state } = sleeping(s);
      const numbers = new Numbers();
      const map = mapConcurrent(numbers, fn, { limit: 3 });
      expect((yield* s.wait(map.next())).value).toBe('slept 0');
      yield* s.wait(map.return());
      expect([state.cancelled, state.running]).toEqual([2, 0]);
      expect(numbers.calls.at(-1)).toBe('return');
      const other = new Numbers();
      yield* s.wait(mapConcurrent(other, fn, { limit: 3 }).return());
      expect(other.calls).toEqual(['return']);
    }),
  );

  test(
    'is closed when the wait for a result is cancelled',
    program(s, function* () {
      const { fn, state } = sleeping(s);
      const task = createTask(
        s.fn(function* () {
          yield* s.wait(mapConcurrent([60, 60, 60], fn, { limit: 2 }).next());
        }),
      );
      yield* s.wait(sleep(1));
      task.cancel();
      expect(yield* failure(s, task)).toBeInstanceOf(CancelledError);
      expect([state.cancelled, state.running, state.begun.length]).toEqual([2, 0, 2]);
    }),
  );
});

describe('mapConcurrent', () => {
  test('is closed by a `for await` that is left', async () => {
    const numbers = new Numbers();
    await runVirtually(async () => {
      for await (const n of mapConcurrent(numbers, async (n) => n, { limit: 2 })) if (n === 3) break;
    });
    expect(numbers.calls.at(-1)).toBe('return');
  });

  test('needs items, a function and a limit', () => {
    const fn = async () => {};
    expect(thrownBy(() => mapConcurrent(42 as never, fn, { limit: 1 }))).toMatchObject({ code: 'NOT_ITERABLE' });
    expect(thrownBy(() => mapConcurrent([], 42 as never, { limit: 1 }))).toMatchObject({ code: 'NOT_A_COROUTINE' });
    for (const options of [undefined, {}, { limit: '1' }])
      expect(thrownBy(() => mapConcurrent([], fn, options as never))).toMatchObject({ name: 'TypeError' });
    for (const limit of [0, -1, 0.5, Number.NaN])
      expect(thrownBy(() => mapConcurrent([], fn, { limit }))).toMatchObject({ name: 'ValueError' });
  });
});
