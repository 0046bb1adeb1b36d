import {
  CancelledError,
  createTask,
  getRunningLoop,
  on,
  pipeTo,
  produce,
  Queue,
  readableSource,
  sleep,
  timeout,
  type WebStreamWriter,
  wrapPromise,
  writableSink,
  writing,
} from 'asyncio-ts';
import { describe, expect, test } from 'vitest';
import { failure, iterations, program, thrownBy } from '../../support/programs.ts';
import { describeBoth, runVirtually } from '../../support/spellings.ts';
import { CountedTarget, Numbers } from './support.ts';

/** A stream that takes a second for each chunk, on the clock of the loop, and notes what is done with it. */
function slowStream(notes: unknown[], highWaterMark = 1) {
  const loop = getRunningLoop();
  return new WritableStream<unknown>(
    {
      write: (chunk) => loop.createTask(sleep(1)).then(() => void notes.push(chunk)),
      close: () => void notes.push('closed'),
      abort: (reason) => void notes.push(['aborted', reason]),
    },
    { highWaterMark },
  );
}

describeBoth('writing', (s) => {
  test(
    'waits for room before each chunk, closes the stream and releases it',
    program(s, function* () {
      const notes: unknown[] = [];
      const stream = slowStream(notes, 2);
      const body = s.fn(function* (writer: WebStreamWriter<unknown>) {
        for (let i = 0; i < 4; i++) {
          yield* s.wait(writer.write(i));
          notes.push(`written ${i}`);
        }
        return 'of the body';
      });
      expect(yield* s.wait(writing(stream, body))).toBe('of the body');
      expect(notes).toEqual(['written 0', 'written 1', 0, 'written 2', 1, 'written 3', 2, 3, 'closed']);
      expect(stream.locked).toBe(false);
    }),
  );

  test(
    'aborts the stream with the error of the body',
    program(s, function* () {
      const notes: unknown[] = [];
      const error = new Error('of the body');
      const stream = slowStream(notes);
      const body = s.fn(function* () {
        throw error;
      });
      expect(yield* failure(s, writing(stream, body))).toBe(error);
      expect([notes, stream.locked]).toEqual([[['aborted', error]], false]);
    }),
  );

  test(
    'aborts the stream when it is cancelled, in the body and while it is being closed',
    program(s, function* () {
      for (const seconds of [60, 0]) {
        const notes: unknown[] = [];
        const stream = slowStream(notes, 10);
        const body = s.fn(function* (writer: WebStreamWriter<unknown>) {
          for (let i = 0; i < 5; i++) yield* s.wait(writer.write(i));
          yield* s.wait(sleep(seconds));
        });
        const whole = s.fn(function* () {
          yield* s.wait(writing(stream, body));
        });
        expect(yield* failure(s, timeout(1.5, whole))).toMatchObject({ name: 'TimeoutError' });
        expect(notes.at(-1)).toMatchObject(['aborted', { name: 'RuntimeError', cause: { name: 'CancelledError' } }]);
        expect(stream.locked).toBe(false);
      }
    }),
  );

  test(
    'throws what the stream fails with, at the next write or at the end',
    program(s, function* () {
      const failing = () =>
        new WritableStream<number>({ write: () => Promise.reject(new Error('of the sink')) }, { highWaterMark: 5 });
      const once = s.fn(function* (writer: WebStreamWriter<number>) {
        yield* s.wait(writer.write(1));
      });
      const often = s.fn(function* (writer: WebStreamWriter<number>) {
        for (;;) {
          yield* s.wait(writer.write(1));
          yield* s.wait(wrapPromise(new Promise((resolve) => setImmediate(resolve))));
        }
      });
      for (const body of [once, often])
        expect(yield* failure(s, writing(failing(), body))).toMatchObject({ message: 'of the sink' });
    }),
  );

  test(
    'leaves the stream as it is with the option',
    program(s, function* () {
      const notes: unknown[] = [];
      const stream = slowStream(notes);
      const body = s.fn(function* (writer: WebStreamWriter<unknown>) {
        yield* s.wait(writer.write(1));
      });
      const failing = s.fn(function* () {
        throw new Error('of the body');
      });
      yield* s.wait(writing(stream, body, { preventClose: true }));
      yield* failure(s, writing(stream, failing, { preventAbort: true }));
      yield* s.wait(sleep(2));
      expect([notes, stream.locked]).toEqual([[1], false]);
    }),
  );

  test(
    'to a stream that is closed already throws',
    program(s, function* () {
      const stream = new WritableStream<number>();
      yield* s.wait(wrapPromise(stream.close()));
      const body = s.fn(function* (writer: WebStreamWriter<number>) {
        yield* s.wait(writer.write(1));
      });
      expect(yield* failure(s, writing(stream, body))).toBeInstanceOf(TypeError);
    }),
  );
});

describeBoth('pipeTo', (s) => {
  test(
    'writes all items at the pace of the stream, and closes it',
    program(s, function* () {
      const notes: unknown[] = [];
      const numbers = new Numbers(3);
      yield* s.wait(pipeTo(numbers, slowStream(notes)));
      expect(notes).toEqual([0, 1, 2, 'closed']);
      const endless = new Numbers();
      const piping = s.fn(function* () {
        yield* s.wait(pipeTo(endless, slowStream([])));
      });
      yield* failure(s, timeout(2.5, piping));
      expect(endless.next).toBe(3);
      expect(endless.calls.at(-1)).toBe('return');
    }),
  );

  test(
    'aborts the stream when the items fail',
    program(s, function* () {
      const notes: unknown[] = [];
      const error = new Error('of the items');
      const items = produce<number>(() => Promise.reject(error));
      expect(yield* failure(s, pipeTo(items, slowStream(notes)))).toBe(error);
      expect(notes).toEqual([['aborted', error]]);
    }),
  );

  test(
    'returns the items when the stream fails',
    program(s, function* () {
      const numbers = new Numbers();
      const stream = new WritableStream<number>({ write: () => Promise.reject(new Error('of the sink')) });
      expect(yield* failure(s, pipeTo(numbers, stream))).toMatchObject({ message: 'of the sink' });
      expect(numbers.calls.at(-1)).toBe('return');
    }),
  );
});

/** Reads a chunk. */
function read<T>(reader: ReadableStreamDefaultReader<T>) {
  return wrapPromise(reader.read());
}

describeBoth('readableSource', (s) => {
  test(
    'gives the items of a queue to a stream as it asks for them, and closes it',
    program(s, function* () {
      const queue = new Queue<number>(2);
      const putting = createTask(
        s.fn(function* () {
          for (let i = 0; i < 5; i++) yield* s.wait(queue.put(i));
          queue.shutdown();
        }),
      );
      const reader = new ReadableStream<number>(readableSource(queue), { highWaterMark: 0 }).getReader();
      yield* s.wait(sleep(1));
      expect(queue.full()).toBe(true);
      for (let i = 0; i < 5; i++) expect(yield* s.wait(read(reader))).toEqual({ done: false, value: i });
      expect(yield* s.wait(read(reader))).toEqual({ done: true, value: undefined });
      expect(putting.done()).toBe(true);
    }),
  );

  test(
    'takes no more than the stream has room for',
    program(s, function* () {
      const numbers = new Numbers();
      const stream = new ReadableStream(readableSource(numbers), { highWaterMark: 3 });
      yield* s.wait(sleep(1));
      expect(numbers.next).toBe(3);
      const reader = stream.getReader();
      yield* s.wait(read(reader));
      yield* s.wait(sleep(1));
      expect(numbers.next).toBe(4);
      yield* s.wait(wrapPromise(reader.cancel()));
      expect(numbers.calls.at(-1)).toBe('return');
    }),
  );

  test(
    'fails the stream with what the items fail with',
    program(s, function* () {
      const error = new Error('of the items');
      const items = produce<number>(() => Promise.reject(error));
      const reader = new ReadableStream(readableSource(items)).getReader();
      expect(yield* failure(s, read(reader))).toBe(error);
    }),
  );

  test(
    'ends the items when the stream is cancelled, and the stream waits for that',
    program(s, function* () {
      const notes: string[] = [];
      const body = s.fn(function* () {
        try {
          yield* s.wait(sleep(60));
        } finally {
          yield* s.wait(sleep(2));
          notes.push('cleaned up');
        }
      });
      const stream = new ReadableStream(readableSource(produce<number>(body)));
      yield* s.wait(sleep(1));
      yield* s.wait(wrapPromise(stream.cancel()));
      expect(notes).toEqual(['cleaned up']);
    }),
  );

  test(
    'ends the items also when the stream is cancelled before it has asked for one',
    program(s, function* () {
      const target = new CountedTarget();
      const stream = new ReadableStream(readableSource(on(target, 'x')), { highWaterMark: 0 });
      expect(target.listeners).toBe(1);
      yield* s.wait(wrapPromise(stream.cancel()));
      expect(target.listeners).toBe(0);
    }),
  );

  test(
    'reports an error of the clean-up when the stream is cancelled',
    program(s, function* (reports) {
      const body = s.fn(function* () {
        try {
          yield* s.wait(sleep(60));
        } catch {
          throw new Error('of the clean-up');
        }
      });
      const stream = new ReadableStream(readableSource(produce<number>(body)));
      yield* s.wait(sleep(1));
      yield* s.wait(wrapPromise(stream.cancel()));
      expect(reports.splice(0)).toMatchObject([{ exception: { message: 'of the clean-up' } }]);
    }),
  );
});

describeBoth('a stream that a task reads for', (s) => {
  test('fails when the loop ends, and does not cancel its readers', async () => {
    let chunk: Promise<unknown> = Promise.resolve();
    const main = s.fn(function* () {
      chunk = new ReadableStream(readableSource(new Queue<number>())).getReader().read();
      yield* s.wait(sleep(1));
    });
    await runVirtually(main);
    await expect(chunk).rejects.toMatchObject({ code: 'STREAM_CANCELLED', cause: expect.any(CancelledError) });
  });
});

describeBoth('writableSink', (s) => {
  test(
    'puts chunks into a queue while that has room, and shuts it down',
    program(s, function* () {
      const queue = new Queue<number>(1);
      const stream = new WritableStream(writableSink(queue));
      const writer = stream.getWriter();
      void writer.write(1);
      const second = writer.write(2);
      void writer.close();
      yield* s.wait(sleep(1));
      expect([queue.qsize(), writer.desiredSize]).toEqual([1, 0]);
      expect(yield* s.wait(queue.get())).toBe(1);
      yield* s.wait(wrapPromise(second));
      expect(yield* s.wait(queue.get())).toBe(2);
      yield* s.wait(wrapPromise(writer.closed));
      expect(yield* failure(s, queue.get())).toMatchObject({ name: 'QueueShutDown' });
    }),
  );

  test(
    'drops what is in the queue when the stream is aborted, and ends a chunk that waits for room',
    program(s, function* () {
      const queue = new Queue<number>(1);
      const writer = new WritableStream(writableSink(queue)).getWriter();
      const written = [writer.write(1), writer.write(2), writer.closed].map((promise) => promise.catch(() => 'failed'));
      yield* s.wait(sleep(1));
      const aborted = writer.abort(new Error('enough'));
      queue.shutdown({ immediate: true });
      yield* s.wait(wrapPromise(Promise.allSettled([...written, aborted])));
      expect([queue.empty(), queue.statistics().isShutDown]).toEqual([true, true]);
      yield* iterations(s, 1);
    }),
  );
});

describe('web streams', () => {
  test('of the wrong kind are a TypeError', () => {
    const readable = new ReadableStream();
    const body = async () => {};
    for (const wrong of [null, 42, {}, readable]) {
      expect(thrownBy(() => writing(wrong as never, body))).toMatchObject({ name: 'TypeError', code: 'NOT_A_STREAM' });
      expect(thrownBy(() => pipeTo([], wrong as never))).toMatchObject({ name: 'TypeError', code: 'NOT_A_STREAM' });
      expect(thrownBy(() => writableSink(wrong as never))).toMatchObject({ name: 'TypeError', code: 'NOT_A_QUEUE' });
    }
    expect(thrownBy(() => writing(new WritableStream(), 42 as never))).toMatchObject({ code: 'NOT_A_COROUTINE' });
    expect(thrownBy(() => pipeTo(42 as never, new WritableStream()))).toMatchObject({ code: 'NOT_ITERABLE' });
    expect(thrownBy(() => readableSource(42 as never))).toMatchObject({ code: 'NOT_ITERABLE' });
  });
});
