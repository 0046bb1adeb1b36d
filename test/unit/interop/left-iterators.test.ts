import { Readable } from 'node:stream';
import { setImmediate as macrotask } from 'node:timers/promises';
import { createTask, Queue, run, sleep, type Task } from 'asyncio-ts';
import { openDatagramSocket, type StreamReader } from 'asyncio-ts/node';
import { describe, expect, it } from 'vitest';
import { failure, program } from '../../support/programs.ts';
import { describeBoth } from '../../support/spellings.ts';
import { FakeHandle } from '../node/files/support.ts';
import { fed, rest } from '../streams/support.ts';

/** Lets promises and the runtime's streams do what they have to do. */
async function settle(): Promise<void> {
  for (let i = 0; i < 5; i++) await macrotask();
}

/** Streams of the runtime that have asked for an item, and what leaves them. */
const consumers: readonly [name: string, start: (items: AsyncIterable<unknown>) => () => void][] = [
  [
    'a Node stream that is destroyed',
    (items) => {
      const stream = Readable.from(items);
      stream.on('data', () => {});
      return () => void stream.destroy();
    },
  ],
  [
    'a web stream that is cancelled',
    (items) => {
      const reader = ReadableStream.from(items).getReader();
      reader.read().catch(() => {});
      return () => void reader.cancel().catch(() => {});
    },
  ],
];

describe.each(consumers)('%s takes nothing more', (_name, start) => {
  it('of a queue', async () => {
    await run(async () => {
      const queue = new Queue<string>();
      const stop = start(queue);
      await settle();
      expect(queue.statistics().getting).toBe(1);
      stop();
      await settle();
      expect(queue.statistics().getting).toBe(0);
      queue.putNowait('job');
      await settle();
      expect(queue.qsize()).toBe(1);
    });
  });

  it('of the lines of a reader, as bytes or as text', async () => {
    await run(async () => {
      for (const lines of [(reader: StreamReader) => reader, (reader: StreamReader) => reader.lines()]) {
        const reader = fed(['on']);
        const stop = start(lines(reader));
        await settle();
        stop();
        await settle();
        reader.feedData(new TextEncoder().encode('e\ntwo\n'));
        await settle();
        expect(rest(reader)).toBe('one\ntwo\n');
      }
    });
  });

  it('of the datagrams of a socket', async () => {
    await run(async () => {
      await using server = await openDatagramSocket({ localAddr: ['127.0.0.1', 0] });
      await using client = await openDatagramSocket({ remoteAddr: server.address });
      const stop = start(server);
      await settle();
      stop();
      await settle();
      await client.send('kept');
      while (server.buffered === 0) await sleep(0);
      await settle();
      expect(server.buffered).toBe(1);
    });
  });

  it('of the lines and chunks of a file', async () => {
    await run(async () => {
      for (const items of ['lines', 'chunks']) {
        const handle = new FakeHandle('one\ntwo\n');
        const file = handle.file();
        const stop = start(items === 'lines' ? file : file.chunks(4));
        await settle();
        expect(handle.log).toEqual(['read']);
        stop();
        await settle();
        handle.go();
        await settle();
        expect(new TextDecoder().decode(await file.readexactly(4))).toBe('one\n');
      }
    });
  });
});

describeBoth('an iterator of a queue', (s) => {
  it(
    'ends the calls that wait when it is left, and only those',
    program(s, function* () {
      const queue = new Queue<number>();
      const items = queue[Symbol.asyncIterator]();
      const other = createTask(queue.get());
      const waiting = [createTask(items.next()), createTask(items.next())];
      yield* s.wait(sleep(0));
      expect(yield* s.wait(items.return())).toEqual({ done: true, value: undefined });
      for (const task of waiting) expect(yield* s.wait(task)).toEqual({ done: true, value: undefined });
      queue.putNowait(1);
      queue.putNowait(2);
      expect(yield* s.wait(other)).toBe(1);
      expect(yield* s.wait(items.next())).toEqual({ done: false, value: 2 }); // who likes may go on
    }),
  );

  it(
    'passes the wake-up on when it is left between an item and its turn',
    program(s, function* () {
      const queue = new Queue<number>();
      const items = queue[Symbol.asyncIterator]();
      const first = createTask(items.next());
      yield* s.wait(sleep(0));
      const second: Task<number> = createTask(queue.get());
      yield* s.wait(sleep(0));
      queue.putNowait(1);
      items.return().then(undefined, () => {});
      expect(yield* s.wait(first)).toEqual({ done: true, value: undefined });
      expect(yield* s.wait(second)).toBe(1);
    }),
  );

  it(
    'that is cancelled passes the wake-up on, as get() does',
    program(s, function* () {
      const queue = new Queue<number>();
      const first = createTask(queue[Symbol.asyncIterator]().next());
      yield* s.wait(sleep(0));
      const second: Task<number> = createTask(queue.get());
      yield* s.wait(sleep(0));
      queue.putNowait(1);
      first.cancel();
      expect(yield* failure(s, first)).toMatchObject({ name: 'CancelledError' });
      expect(yield* s.wait(second)).toBe(1);
    }),
  );

  it(
    'is over when the queue is shut down',
    program(s, function* () {
      const queue = new Queue<number>();
      const items = queue[Symbol.asyncIterator]();
      expect(items[Symbol.asyncIterator]()).toBe(items);
      const waiting = createTask(items.next());
      yield* s.wait(sleep(0));
      queue.shutdown();
      expect(yield* s.wait(waiting)).toEqual({ done: true, value: undefined });
    }),
  );
});

it('lines can be gone on with after a loop was left', async () => {
  await run(async () => {
    const reader = fed(['one\ntwo\nthree\n']);
    reader.feedEof();
    const lines = reader.lines();
    const seen: string[] = [];
    for await (const line of lines) {
      seen.push(line);
      break;
    }
    for await (const line of lines) seen.push(line);
    expect(seen).toEqual(['one', 'two', 'three']);
  });
});
