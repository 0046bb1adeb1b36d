import { AsyncLocalStorage } from 'node:async_hooks';
import { CancelledError, createTask, currentTask, forEach, getRunningLoop, type Put, produce, sleep } from 'asyncio-ts';
import { describe, expect, test } from 'vitest';
import { failure, iterations, program, thrownBy } from '../../support/programs.ts';
import { describeBoth, runVirtually, type Spelling } from '../../support/spellings.ts';

/** A body that counts, noting what it does. */
function counting(s: Spelling, notes: string[], count = Number.POSITIVE_INFINITY) {
  return s.fn(function* (put: Put<number>) {
    try {
      for (let i = 0; i < count; i++) {
        notes.push(`put ${i}`);
        yield* s.wait(put(i));
      }
      notes.push('over');
    } catch (error) {
      notes.push((error as Error).name);
      yield* s.wait(sleep(2));
      notes.push('cleaned up');
      throw error;
    }
  });
}

describeBoth('produce', (s) => {
  test(
    'gives what its body puts, one when one is asked for',
    program(s, function* () {
      const notes: string[] = [];
      const items = produce(counting(s, notes, 2));
      yield* iterations(s, 3);
      expect([notes, String(items)]).toEqual([[], '<Produced created size=0>']);
      expect(yield* s.wait(items.next())).toEqual({ done: false, value: 0 });
      yield* iterations(s, 3);
      expect(notes).toEqual(['put 0']);
      expect(yield* s.wait(items.next())).toEqual({ done: false, value: 1 });
      expect(yield* s.wait(items.next())).toEqual({ done: true, value: undefined });
      expect(yield* s.wait(items.next())).toEqual({ done: true, value: undefined });
      expect(notes).toEqual(['put 0', 'put 1', 'over']);
    }),
  );

  test(
    'lets its body be ahead by as many as the buffer holds',
    program(s, function* () {
      const notes: string[] = [];
      const items = produce(counting(s, notes), { buffer: 2 });
      yield* s.wait(items.next());
      yield* iterations(s, 3);
      expect(notes).toEqual(['put 0', 'put 1', 'put 2']);
      yield* s.wait(items.return());
    }),
  );

  test(
    'runs its body in a task of its own',
    program(s, function* () {
      const body = s.fn(function* (put: Put<boolean>) {
        const own = currentTask();
        yield* s.wait(put(own === main));
      });
      const main = currentTask();
      expect((yield* s.wait(produce(body).next())).value).toBe(false);
    }),
  );

  test(
    'throws what its body throws, after the items before it',
    program(s, function* () {
      const body = s.fn(function* (put: Put<number>) {
        yield* s.wait(put(1));
        throw new Error('of the body');
      });
      const items = produce(body, { buffer: 5 });
      expect((yield* s.wait(items.next())).value).toBe(1);
      expect(yield* failure(s, items.next())).toMatchObject({ message: 'of the body' });
      expect((yield* s.wait(items.next())).done).toBe(true);
    }),
  );

  test(
    'cancels its body when it is left, and waits for it',
    program(s, function* () {
      const notes: string[] = [];
      const items = produce(counting(s, notes));
      yield* s.wait(items.next());
      yield* s.wait(items.return());
      expect(notes).toEqual(['put 0', 'CancelledError', 'cleaned up']);
      expect(getRunningLoop().time()).toBe(2);
    }),
  );

  test(
    'that is left before it has begun never calls its body',
    program(s, function* () {
      const notes: string[] = [];
      const items = produce(counting(s, notes));
      yield* s.wait(items.return());
      expect((yield* s.wait(items.next())).done).toBe(true);
      expect(notes).toEqual([]);
    }),
  );

  test.each(['next', 'body'])('ends its body when the consumer is cancelled (in %s)', (where) =>
    program(s, function* () {
      const notes: string[] = [];
      const body = s.fn(function* (put: Put<number>) {
        try {
          yield* s.wait(put(1));
          yield* s.wait(sleep(60));
        } finally {
          yield* s.wait(sleep(2));
          notes.push('cleaned up');
        }
      });
      const consumer = createTask(
        s.fn(function* () {
          const each = s.fn(function* () {
            if (where === 'body') yield* s.wait(sleep(60));
          });
          yield* s.wait(forEach(produce(body), each));
        }),
      );
      yield* s.wait(sleep(1));
      consumer.cancel();
      expect(yield* failure(s, consumer)).toBeInstanceOf(CancelledError);
      expect([notes, getRunningLoop().time()]).toEqual([['cleaned up'], 3]);
    })(),
  );

  test(
    'passes an error on that its body throws when it is cancelled',
    program(s, function* () {
      const body = s.fn(function* (put: Put<number>) {
        try {
          yield* s.wait(put(1));
        } catch {
          throw new Error('of the clean-up');
        }
      });
      const items = produce(body);
      yield* s.wait(items.next());
      expect(yield* failure(s, items.return())).toMatchObject({ message: 'of the clean-up' });
    }),
  );

  test(
    'cancels its body again, and waits for its end, when the consumer is cancelled again',
    program(s, function* () {
      const notes: string[] = [];
      const items = produce(counting(s, notes));
      yield* s.wait(items.next());
      const closing = createTask(
        s.fn(function* () {
          yield* s.wait(items.return());
        }),
      );
      yield* s.wait(sleep(1));
      closing.cancel();
      expect(yield* failure(s, closing)).toBeInstanceOf(CancelledError);
      expect(notes).toEqual(['put 0', 'CancelledError']);
    }),
  );

  test(
    'has ended whenever the consumer has, however often that is cancelled',
    program(s, function* () {
      const notes: string[] = [];
      const body = s.fn(function* (put: Put<number>) {
        try {
          yield* s.wait(put(1));
        } finally {
          for (const part of ['first', 'second']) {
            try {
              yield* s.wait(sleep(5));
            } finally {
              notes.push(`${part} part of the clean-up`);
            }
          }
        }
      });
      const items = produce(body);
      yield* s.wait(items.next());
      const closing = createTask(
        s.fn(function* () {
          try {
            yield* s.wait(items.return());
          } finally {
            notes.push('consumer over');
          }
        }),
      );
      yield* s.wait(sleep(1));
      closing.cancel();
      expect(yield* failure(s, closing)).toBeInstanceOf(CancelledError);
      expect(notes).toEqual(['first part of the clean-up', 'consumer over']);
      expect(getRunningLoop().time()).toBe(1);
    }),
  );

  test(
    'refuses items when no more items are taken',
    program(s, function* () {
      let refused: unknown;
      const body = s.fn(function* (put: Put<number>) {
        try {
          yield* s.wait(put(1));
        } finally {
          refused = yield* failure(s, put(2));
        }
      });
      const items = produce(body);
      yield* s.wait(items.next());
      yield* s.wait(items.return());
      expect(refused).toMatchObject({ name: 'RuntimeError', code: 'CONSUMER_GONE' });
    }),
  );

  test(
    'cancels the consumer when other code has cancelled the body',
    program(s, function* () {
      const body = s.fn(function* () {
        currentTask()!.cancel();
        yield* s.wait(sleep(1));
      });
      expect(yield* failure(s, produce(body).next())).toBeInstanceOf(CancelledError);
    }),
  );
});

describe('produce', () => {
  test('is closed by a `for await` that is left', async () => {
    const notes: string[] = [];
    await runVirtually(async () => {
      const items = produce<number>(async (put) => {
        try {
          for (let i = 0; ; i++) await put(i);
        } finally {
          notes.push('closed');
        }
      });
      for await (const item of items) if (item === 2) break;
      expect(notes).toEqual(['closed']);
    });
  });

  test('keeps the async context in which the first item was asked for', async () => {
    const storage = new AsyncLocalStorage<string>();
    await runVirtually(async () => {
      const items = produce<string | undefined>(async (put) => {
        await sleep(1);
        await put(storage.getStore());
      });
      const consumer = storage.run('mine', () => createTask(async () => (await items.next()).value));
      expect(await consumer).toBe('mine');
    });
  });

  test('needs a function, and a buffer that is a number', () => {
    const body = async () => {};
    expect(thrownBy(() => produce(42 as never))).toMatchObject({ name: 'TypeError', code: 'NOT_A_COROUTINE' });
    expect(thrownBy(() => produce(body, { buffer: '1' as never }))).toMatchObject({ name: 'TypeError' });
    for (const buffer of [-1, Number.NaN])
      expect(thrownBy(() => produce(body, { buffer }))).toMatchObject({ name: 'ValueError' });
  });
});
