import { RuntimeError } from 'asyncio-ts';
import type { StreamReader } from 'asyncio-ts/node';
import { expect, it, vi } from 'vitest';
import { failure, program, thrownBy } from '../../support/programs.ts';
import { describeBoth } from '../../support/spellings.ts';
import { bytes, FakeTransport, fed, rest, soon, text } from './support.ts';

/** A reader with a limit of 10 bytes, over a transport. */
function slowed(...chunks: string[]): { reader: StreamReader; transport: FakeTransport } {
  const reader = fed([], { limit: 10 });
  const transport = new FakeTransport();
  reader.setTransport(transport);
  for (const chunk of chunks) reader.feedData(bytes(chunk));
  return { reader, transport };
}

describeBoth('a reader that is full', (s) => {
  it(
    'pauses its transport when it keeps more than twice its limit',
    program(s, function* () {
      const { reader, transport } = slowed('0123456789', '0123456789');
      expect(transport.calls).toEqual([]);
      reader.feedData(bytes('x'));
      expect(transport.calls).toEqual(['pauseReading']);
      reader.feedData(bytes('y'));
      expect(transport.calls).toEqual(['pauseReading']);
    }),
  );

  it(
    'lets its transport go on when it keeps no more than its limit',
    program(s, function* () {
      const { reader, transport } = slowed('0123456789', '0123456789', 'x');
      yield* s.wait(reader.readexactly(10));
      expect(transport.calls).toEqual(['pauseReading']);
      yield* s.wait(reader.readexactly(1));
      expect(transport.calls).toEqual(['pauseReading', 'resumeReading']);
      yield* s.wait(reader.read(1));
      expect(transport.calls).toEqual(['pauseReading', 'resumeReading']);
    }),
  );

  it(
    'pauses again when it fills again',
    program(s, function* () {
      const { reader, transport } = slowed('012345678901234567890');
      yield* s.wait(reader.read(20));
      reader.feedData(bytes('01234567890123456789'));
      expect(transport.calls).toEqual(['pauseReading', 'resumeReading', 'pauseReading']);
    }),
  );

  it(
    'lets its transport go on for a task that wants more than fits in it',
    program(s, function* () {
      const { reader, transport } = slowed('012345678901234567890');
      soon(() => {
        expect(transport.isReading()).toBe(true);
        reader.feedData(bytes('abc'));
      });
      expect(text(yield* s.wait(reader.readexactly(24)))).toBe('012345678901234567890abc');
      expect(transport.isReading()).toBe(true);
    }),
  );

  it(
    'never holds up a task that wants it all',
    program(s, function* () {
      const { reader, transport } = slowed();
      const feed = (left: number) => () => {
        if (left === 0) return reader.feedEof();
        expect(transport.isReading()).toBe(true);
        reader.feedData(bytes('0123456789012345678901234'));
        soon(() => soon(feed(left - 1)));
      };
      soon(feed(3));
      expect((yield* s.wait(reader.read())).length).toBe(75);
    }),
  );

  it(
    'lets its transport go on when a line that is too long was dropped',
    program(s, function* () {
      const { reader, transport } = slowed('012345678901234567890');
      yield* failure(s, reader.readline());
      expect(transport.calls).toEqual(['pauseReading', 'resumeReading']);
      expect(rest(reader)).toBe('');
    }),
  );

  it(
    'stays paused when a separator is missing: the bytes stay in the buffer until a read takes them',
    program(s, function* () {
      const { reader, transport } = slowed('012345678901234567890');
      yield* failure(s, reader.readuntil('\n'));
      expect(transport.calls).toEqual(['pauseReading']);
      yield* s.wait(reader.readexactly(21));
      expect(transport.calls).toEqual(['pauseReading', 'resumeReading']);
    }),
  );

  it(
    'has one transport',
    program(s, function* () {
      const { reader } = slowed();
      const error = thrownBy(() => reader.setTransport(new FakeTransport()));
      expect(error).toBeInstanceOf(RuntimeError);
      expect(error).toMatchObject({ code: 'TRANSPORT_IS_SET' });
    }),
  );

  it(
    'says so',
    program(s, function* () {
      expect(String(slowed('012345678901234567890').reader)).toBe('<StreamReader 21 bytes limit=10 paused>');
    }),
  );
});

describeBoth('the work of a reader', (s) => {
  /** Counts the calls of a method of all byte arrays, and the bytes that are copied. */
  function* counted(
    work: () => Generator<unknown, void, unknown>,
  ): Generator<unknown, { searched: number; copied: number }, unknown> {
    const set = vi.spyOn(Uint8Array.prototype, 'set');
    const indexOf = vi.spyOn(Uint8Array.prototype, 'indexOf');
    try {
      yield* work();
      const copied = set.mock.calls.reduce((sum, [source]) => sum + source.length, 0);
      const searched = indexOf.mock.calls.reduce((sum, [, from = 0], i) => {
        return sum + (indexOf.mock.contexts[i] as Uint8Array).length - from;
      }, 0);
      return { searched, copied };
    } finally {
      set.mockRestore();
      indexOf.mockRestore();
    }
  }

  it(
    'copies each byte at most twice for 10,000 chunks and one readexactly',
    program(s, function* () {
      const reader = fed([]);
      soon(() => {
        for (let i = 0; i < 10_000; i++) reader.feedData(bytes('0123456789'));
      });
      const { copied } = yield* counted(function* () {
        yield* s.wait(reader.readexactly(100_000));
      });
      expect(copied).toBeGreaterThanOrEqual(100_000);
      expect(copied).toBeLessThanOrEqual(200_000);
    }),
  );

  it(
    'copies each byte once for many chunks and one read to the end',
    program(s, function* () {
      const reader = fed([], { limit: 100 });
      let left = 1_000;
      const feed = () => {
        reader.feedData(bytes('0123456789'));
        if (--left === 0) reader.feedEof();
        else soon(feed);
      };
      soon(feed);
      const { copied } = yield* counted(function* () {
        expect((yield* s.wait(reader.read())).length).toBe(10_000);
      });
      expect(copied).toBeLessThanOrEqual(20_000); // in chunks, then as one
    }),
  );

  it(
    'copies nothing for one large chunk and 100,000 readexactly',
    program(s, function* () {
      const reader = fed([]);
      reader.feedData(new Uint8Array(1_000_000));
      const { copied } = yield* counted(function* () {
        for (let i = 0; i < 100_000; i++) yield* s.wait(reader.readexactly(10));
      });
      expect(copied).toBe(0);
      expect(rest(reader)).toBe('');
    }),
  );

  it(
    'copies nothing for one large chunk and many lines',
    program(s, function* () {
      const reader = fed(['0123456789\n'.repeat(10_000)], { limit: 20 });
      const { copied } = yield* counted(function* () {
        for (let i = 0; i < 10_000; i++) yield* s.wait(reader.readline());
      });
      expect(copied).toBe(0);
    }),
  );

  it(
    'looks into each byte once for a line of tiny chunks',
    program(s, function* () {
      const reader = fed([]);
      let left = 3_000;
      const feed = () => {
        reader.feedData(bytes(--left === 0 ? '\n' : 'ab'));
        if (left > 0) soon(feed);
      };
      soon(feed);
      const { searched, copied } = yield* counted(function* () {
        yield* s.wait(reader.readline());
      });
      expect(searched).toBe(5_999);
      expect(copied).toBeLessThanOrEqual(2 * 5_999);
    }),
  );

  it(
    'does not search everything for a separator that never comes, each time that another one does',
    program(s, function* () {
      const reader = fed(['0123456789\n'.repeat(10_000)]);
      const { searched } = yield* counted(function* () {
        for (let i = 0; i < 10_000; i++) yield* s.wait(reader.readuntil(['\r\n', '\n', '\0']));
      });
      // At each of 10,000 places, a window for each of three: not the 110,000 bytes that are there.
      expect(searched).toBeLessThan(10_000 * 3 * 1_100);
    }),
  );
});
