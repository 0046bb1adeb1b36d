import {
  CancelledError,
  createTask,
  currentSignal,
  currentTask,
  forEach,
  getRunningLoop,
  iterate,
  Queue,
  sleep,
  timeout,
} from 'asyncio-ts';
import { describe, expect, test } from 'vitest';
import { failure, iterations, program, thrownBy } from '../../support/programs.ts';
import { describeBoth, runVirtually, type Spelling } from '../../support/spellings.ts';
import { Numbers } from './support.ts';

/** An async generator that never gives its second item, and notes how it ends. */
async function* stuckAfterOne(notes: string[], wait: () => PromiseLike<unknown>) {
  try {
    yield 1;
    await wait();
  } catch (error) {
    notes.push(`caught ${(error as Error).name}`);
    throw error;
  } finally {
    await sleep(2);
    notes.push('cleaned up');
  }
}

function collecting(s: Spelling, items: unknown[]) {
  return s.fn(function* (item: unknown) {
    items.push(item);
  });
}

describeBoth('forEach', (s) => {
  test.each([
    ['an array', () => ['a', 'b']],
    ['a string', () => 'ab'],
    ['a set', () => new Set(['a', 'b'])],
    [
      'a generator',
      function* () {
        yield* ['a', 'b'];
      },
    ],
    [
      'an async generator',
      async function* () {
        yield 'a';
        await sleep(1);
        yield 'b';
      },
    ],
    ['a web stream', () => ReadableStream.from(['a', 'b'])],
    [
      'a queue',
      () => {
        const queue = new Queue<string>();
        queue.putNowait('a');
        queue.putNowait('b');
        queue.shutdown();
        return queue;
      },
    ],
    ['an iteration', () => iterate(['a', 'b'])],
  ] as [string, () => Iterable<string> | AsyncIterable<string>][])('runs a body for each item of %s', (_, make) =>
    program(s, function* () {
      const seen: unknown[] = [];
      const body = s.fn(function* (item: string, index: number) {
        seen.push([item, index]);
        yield* s.wait(sleep(1));
      });
      expect(yield* s.wait(forEach(make(), body))).toBe(undefined);
      expect(seen).toEqual([
        ['a', 0],
        ['b', 1],
      ]);
    })(),
  );

  test(
    'runs the body in the current task, and does not let other tasks run without need',
    program(s, function* () {
      const task = currentTask();
      let turns = 0;
      getRunningLoop().callSoon(() => turns++);
      const body = s.fn(function* () {
        expect(currentTask() === task).toBe(true);
      });
      yield* s.wait(forEach([1, 2, 3], body));
      expect(turns).toBe(0);
      yield* iterations(s, 1);
    }),
  );

  test(
    'asks for the next item when the body has finished the one before',
    program(s, function* () {
      const numbers = new Numbers(2);
      const body = s.fn(function* (n: number) {
        numbers.calls.push(`begin ${n}`);
        yield* s.wait(sleep(1));
        numbers.calls.push(`end ${n}`);
      });
      yield* s.wait(forEach(numbers, body));
      expect(numbers.calls).toEqual(['next', 'begin 0', 'end 0', 'next', 'begin 1', 'end 1', 'next']);
    }),
  );

  test(
    'returns the iterator when the body throws, and throws that',
    program(s, function* () {
      const numbers = new Numbers();
      const body = s.fn(function* () {
        throw new Error('of the body');
      });
      expect(yield* failure(s, forEach(numbers, body))).toMatchObject({ message: 'of the body' });
      expect(numbers.calls).toEqual(['next', 'return']);
    }),
  );

  test(
    'returns the iterator when it is cancelled in the body',
    program(s, function* () {
      const numbers = new Numbers();
      const body = s.fn(function* () {
        yield* s.wait(sleep(60));
      });
      const task = createTask(
        s.fn(function* () {
          yield* s.wait(forEach(numbers, body));
        }),
      );
      yield* s.wait(sleep(1));
      task.cancel();
      expect(yield* failure(s, task)).toBeInstanceOf(CancelledError);
      expect(numbers.calls).toEqual(['next', 'return']);
    }),
  );

  test(
    'does not return an iterator that has failed or ended',
    program(s, function* () {
      const calls: string[] = [];
      const failing = {
        [Symbol.asyncIterator]: () => ({
          next: () => Promise.reject(new Error('of the items')),
          return: async () => calls.push('return'),
        }),
      };
      const body = collecting(s, []);
      expect(yield* failure(s, forEach(failing as never, body))).toMatchObject({ message: 'of the items' });
      expect(calls).toEqual([]);
      const numbers = new Numbers(0);
      yield* s.wait(forEach(numbers, body));
      expect(numbers.calls).toEqual(['next']);
    }),
  );

  test(
    'cancels an async generator where it waits for the library, and waits for its clean-up',
    program(s, function* () {
      const notes: string[] = [];
      const items = stuckAfterOne(notes, () => sleep(60));
      const seen: unknown[] = [];
      const begun = getRunningLoop().time();
      const body = s.fn(function* () {
        yield* s.wait(forEach(items, collecting(s, seen)));
      });
      expect(yield* failure(s, timeout(5, body))).toMatchObject({ name: 'TimeoutError' });
      expect(seen).toEqual([1]);
      expect(notes).toEqual(['caught CancelledError', 'cleaned up']);
      expect(getRunningLoop().time() - begun).toBe(7);
    }),
  );

  test(
    'leaves an async generator behind that waits for a foreign promise, which ends when that settles',
    program(s, function* () {
      const notes: string[] = [];
      const { promise, resolve } = Promise.withResolvers<void>();
      const items = stuckAfterOne(notes, () => promise);
      const body = s.fn(function* () {
        yield* s.wait(forEach(items, collecting(s, [])));
      });
      const begun = getRunningLoop().time();
      expect(yield* failure(s, timeout(5, body))).toMatchObject({ name: 'TimeoutError' });
      expect([getRunningLoop().time() - begun, notes]).toEqual([5, []]);
      resolve();
      yield* s.wait(sleep(3));
      expect(notes).toEqual(['cleaned up']);
    }),
  );

  test(
    'is cancelled while it waits for a foreign promise, and calls return',
    program(s, function* () {
      const calls: string[] = [];
      const items = {
        [Symbol.asyncIterator]: () => ({
          next: () => new Promise<IteratorResult<number>>(() => {}),
          return: async () => {
            calls.push('return');
            return { done: true as const, value: undefined };
          },
        }),
      };
      const task = createTask(
        s.fn(function* () {
          yield* s.wait(forEach(items, collecting(s, [])));
        }),
      );
      yield* s.wait(sleep(1));
      task.cancel('enough');
      expect(yield* failure(s, task)).toEqual(new CancelledError('enough'));
      expect(calls).toEqual(['return']);
      expect(task.cancelling()).toBe(1);
    }),
  );

  test(
    'can be cancelled again in a task that has swallowed a cancellation',
    program(s, function* () {
      const task = createTask(
        s.fn(function* () {
          yield* failure(s, sleep(60));
          const numbers = new Numbers(1);
          const seen: unknown[] = [];
          yield* s.wait(forEach(numbers, collecting(s, seen)));
          expect(seen).toEqual([0]);
          const never = { [Symbol.asyncIterator]: () => ({ next: () => new Promise<never>(() => {}) }) };
          yield* s.wait(forEach(never, collecting(s, [])));
        }),
      );
      yield* s.wait(sleep(1));
      task.cancel();
      yield* s.wait(sleep(1));
      expect(task.done()).toBe(false);
      task.cancel('again');
      expect(yield* failure(s, task)).toEqual(new CancelledError('again'));
    }),
  );

  test(
    'reports an error of return() that is not thrown',
    program(s, function* (reports) {
      const error = new Error('of return');
      const items = (next: () => Promise<IteratorResult<number>>) => ({
        [Symbol.asyncIterator]: () => ({ next, return: () => Promise.reject(error) }),
      });
      const forever = items(() => new Promise<never>(() => {}));
      const waiting = s.fn(function* () {
        yield* s.wait(forEach(forever, collecting(s, [])));
      });
      expect(yield* failure(s, timeout(1, waiting))).toMatchObject({ name: 'TimeoutError' });
      yield* s.wait(sleep(1));
      expect(reports.splice(0)).toMatchObject([{ exception: error }]);
      const body = s.fn(function* () {
        throw new Error('of the body');
      });
      const one = items(() => Promise.resolve({ done: false, value: 1 }));
      expect(yield* failure(s, forEach(one, body))).toMatchObject({ message: 'of the body' });
      expect(reports.splice(0)).toMatchObject([{ exception: error }]);
    }),
  );

  test(
    'does not shut a queue down that it leaves',
    program(s, function* () {
      const queue = new Queue<number>();
      queue.putNowait(1);
      const body = s.fn(function* () {
        throw new Error('of the body');
      });
      yield* failure(s, forEach(queue, body));
      queue.putNowait(2);
      expect(yield* s.wait(queue.get())).toBe(2);
    }),
  );

  test(
    'cancels a web stream that it leaves, and releases its lock',
    program(s, function* () {
      const reasons: unknown[] = [];
      const endless = () =>
        new ReadableStream<number>({
          pull: (controller) => controller.enqueue(1),
          cancel: (reason) => void reasons.push(reason),
        });
      const stream = endless();
      const body = s.fn(function* () {
        throw new Error('of the body');
      });
      yield* failure(s, forEach(stream, body));
      expect([reasons.length, stream.locked]).toEqual([1, false]);
    }),
  );

  test(
    'cancels a web stream that it waits for, and waits for that',
    program(s, function* () {
      const notes: string[] = [];
      const stream = new ReadableStream<number>({
        cancel: async () => {
          await null;
          notes.push('cancelled');
        },
      });
      const waiting = s.fn(function* () {
        yield* s.wait(forEach(stream, collecting(s, [])));
      });
      expect(yield* failure(s, timeout(1, waiting))).toMatchObject({ name: 'TimeoutError' });
      expect([notes, stream.locked]).toEqual([['cancelled'], false]);
    }),
  );

  test.each(['forEach', 'iterate'])(
    '%s is cancelled, and throws nothing else, when the web stream fails with the signal of the task, as a body of fetch does',
    async (name) => {
      const main = s.fn(function* () {
        let stream: ReadableStream<number> | null = null;
        const reading = s.fn(function* () {
          const signal = currentSignal();
          stream = new ReadableStream<number>({
            start: (controller) => signal.addEventListener('abort', () => controller.error(signal.reason)),
          });
          yield* s.wait(name === 'forEach' ? forEach(stream, collecting(s, [])) : iterate(stream).next());
        });
        const task = createTask(reading);
        yield* s.wait(sleep(1));
        task.cancel();
        expect(yield* failure(s, task)).toBeInstanceOf(CancelledError);
        expect(yield* failure(s, timeout(1, reading))).toMatchObject({ name: 'TimeoutError' });
        expect(stream).toMatchObject({ locked: false });
      });
      await runVirtually(main);
    },
  );

  test(
    'throws what a web stream fails with, and releases its lock at the end in any case',
    program(s, function* () {
      const failing = new ReadableStream<number>({
        start: (controller) => controller.error(new Error('of the stream')),
      });
      expect(yield* failure(s, forEach(failing, collecting(s, [])))).toMatchObject({ message: 'of the stream' });
      const ending = ReadableStream.from([1]);
      yield* s.wait(forEach(ending, collecting(s, [])));
      expect([failing.locked, ending.locked]).toEqual([false, false]);
    }),
  );
});

describeBoth('iterate', (s) => {
  test(
    'gives one item after the other, and returns the iterator on demand',
    program(s, function* () {
      const numbers = new Numbers();
      const items = iterate(numbers);
      expect(String(items)).toBe('<Iteration created>');
      expect(yield* s.wait(items.next())).toEqual({ done: false, value: 0 });
      expect(String(items)).toBe('<Iteration begun>');
      expect(yield* s.wait(items.return())).toEqual({ done: true, value: undefined });
      expect(yield* s.wait(items.next())).toEqual({ done: true, value: undefined });
      yield* s.wait(items.return());
      expect(numbers.calls).toEqual(['next', 'return']);
      expect(String(items)).toBe('<Iteration over>');
    }),
  );

  test(
    'asks for nothing before the first item is asked for, but returns even then',
    program(s, function* () {
      const numbers = new Numbers();
      const items = iterate(numbers);
      yield* iterations(s, 2);
      expect(numbers.calls).toEqual([]);
      yield* s.wait(items[Symbol.asyncDispose]());
      expect(numbers.calls).toEqual(['return']);
    }),
  );

  test(
    'drops what return() of the items gives',
    program(s, function* () {
      const items = iterate(
        (function* () {
          yield 1;
          return 'result';
        })(),
      );
      yield* s.wait(items.next());
      expect(yield* s.wait(items.next())).toEqual({ done: true, value: undefined });
    }),
  );
});

describe('iterate, in a `for await`', () => {
  test('returns the iterator after a break, and after a cancellation in the middle', async () => {
    const broken = new Numbers();
    const cancelled = new Numbers();
    await runVirtually(async () => {
      for await (const n of iterate(broken)) if (n === 2) break;
      const task = createTask(async () => {
        for await (const _ of iterate(cancelled)) await sleep(10);
      });
      await sleep(15);
      task.cancel();
      await expect(task).rejects.toThrow(CancelledError);
    });
    expect(broken.calls).toEqual(['next', 'next', 'next', 'return']);
    expect(cancelled.calls).toEqual(['next', 'next', 'return']);
  });
});

describe('the argument of iterate', () => {
  test.each([null, undefined, 42, {}, () => [], Promise.resolve([])])('is not %o', (items) => {
    const expected = { name: 'TypeError', code: 'NOT_ITERABLE' };
    expect(thrownBy(() => iterate(items as never))).toMatchObject(expected);
    expect(thrownBy(() => forEach(items as never, async () => {}))).toMatchObject(expected);
  });

  test('is not a coroutine, which has an iterator too', () => {
    const error = thrownBy(() => iterate(sleep(1) as never));
    expect(error).toMatchObject({ name: 'TypeError', code: 'NOT_ITERABLE' });
  });

  test('needs a function as its body', () => {
    expect(thrownBy(() => forEach([1], 'body' as never))).toMatchObject({ code: 'NOT_A_COROUTINE' });
  });

  test('gives results that are objects', async () => {
    const items = { [Symbol.asyncIterator]: () => ({ next: async () => 42 }) };
    await expect(runVirtually(() => forEach(items as never, async () => {}))).rejects.toMatchObject({
      code: 'NOT_AN_ITERATOR_RESULT',
    });
  });
});
