import { getRunningLoop, sleep, type Task } from 'asyncio-ts';
import { IncompleteReadError, StreamReader, StreamReaderProtocol, StreamWriter } from 'asyncio-ts/node';
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
import { bytes, FakeTransport, text } from '../../streams/support.ts';

/** Feeds a reader with one chunk after the other, and its end. */
function feeder(s: Spelling, reader: StreamReader, chunks: readonly string[]): Task<unknown> {
  return start(s, 'feeder', function* () {
    for (const chunk of chunks) {
      yield* s.wait(sleep(0));
      reader.feedData(bytes(chunk));
    }
    reader.feedEof();
  });
}

/** Ways to read, each of which gives what it has read until nothing comes any more. */
const ways = {
  *read(s: Spelling, reader: StreamReader): Steps<string> {
    return text(yield* s.wait(reader.read(3)));
  },
  *readline(s: Spelling, reader: StreamReader): Steps<string> {
    return text(yield* s.wait(reader.readline()));
  },
  *readexactly(s: Spelling, reader: StreamReader): Steps<string> {
    try {
      return text(yield* s.wait(reader.readexactly(3)));
    } catch (error) {
      if (!(error instanceof IncompleteReadError)) throw error;
      return text(error.partial);
    }
  },
};

const CHUNKS = ['a', 'b\nc', 'd', '\ne'];
const ALL = CHUNKS.join('');

describe.each(Object.keys(ways) as (keyof typeof ways)[])('a stream that is read with %s()', (way) => {
  function* readAll(s: Spelling, reader: StreamReader, got: string[]): Steps {
    for (;;) {
      const piece = yield* ways[way](s, reader);
      if (piece === '') return;
      got.push(piece);
    }
  }

  explored(
    'gives all bytes once, in their order',
    (s) =>
      function* () {
        const reader = new StreamReader();
        const got: string[] = [];
        yield* ends(s, [start(s, 'reader', () => readAll(s, reader, got)), feeder(s, reader, CHUNKS)]);
        check(got.join('') === ALL, `got ${JSON.stringify(got)}`);
        if (way === 'readline') check(String(got.map((line) => line.length)) === '3,3,1', `got ${JSON.stringify(got)}`);
      },
  );

  exploredWithCancellation(
    'loses no byte when the one who reads is cancelled',
    { victims: 1, steps: 8 },
    (s, { steps }) =>
      function* () {
        const reader = new StreamReader();
        const got: string[] = [];
        const reading = start(s, 'reader', () => readAll(s, reader, got));
        const feeding = feeder(s, reader, CHUNKS);
        yield* ends(s, [cancelAfter(s, reading, steps), reading]);
        yield* readAll(s, reader, got);
        yield* ends(s, [feeding]);
        check(got.join('') === ALL, `got ${JSON.stringify(got)}`);
      },
  );
});

describe('a stream that is written to', () => {
  explored(
    'lets everybody go on who waits for room when there is some',
    (s) =>
      function* () {
        const reader = new StreamReader();
        const protocol = new StreamReaderProtocol(reader);
        const transport = new FakeTransport(protocol);
        protocol.connectionMade(transport);
        const writer = new StreamWriter(transport, protocol, reader, getRunningLoop());
        let hasRoom = false;
        function* write(): Steps {
          writer.write('text');
          yield* s.wait(writer.drain());
          check(hasRoom, 'gone on without room');
        }
        protocol.pauseWriting();
        const writers = [start(s, 'a', write), start(s, 'b', write)];
        const canceller = cancelAfter(s, start(s, 'c', write), 2);
        yield* pass(s, 4);
        yield* s.wait(sleep(1));
        hasRoom = true;
        protocol.resumeWriting();
        yield* ends(s, [canceller, ...writers]);
      },
  );
});
