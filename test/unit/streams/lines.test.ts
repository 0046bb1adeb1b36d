import { forEach, getRunningLoop, ValueError } from 'asyncio-ts';
import type { StreamReader } from 'asyncio-ts/node';
import { describe, expect, it } from 'vitest';
import { failure, program, thrownBy } from '../../support/programs.ts';
import { describeBoth, runVirtually, type Spelling } from '../../support/spellings.ts';
import { bytes, fed, rest, soon, text } from './support.ts';

/** All items of an iterator that both spellings can await. */
function* all<T>(s: Spelling, items: { next(): unknown }): Generator<unknown, T[], unknown> {
  const list: T[] = [];
  while (true) {
    const { done, value } = (yield* s.wait(items.next())) as IteratorResult<T, undefined>;
    if (done) return list;
    list.push(value);
  }
}

function ended(...chunks: string[]): StreamReader {
  const reader = fed(chunks);
  reader.feedEof();
  return reader;
}

describeBoth('the lines of a reader as bytes', (s) => {
  it(
    'have their ends; the last one need not have one',
    program(s, function* () {
      const lines = yield* all<Uint8Array>(s, ended('one\ntw', 'o\r\n\nlast')[Symbol.asyncIterator]());
      expect(lines.map(text)).toEqual(['one\n', 'two\r\n', '\n', 'last']);
    }),
  );

  it(
    'are none when the stream is empty',
    program(s, function* () {
      expect(yield* all(s, ended()[Symbol.asyncIterator]())).toEqual([]);
    }),
  );

  it(
    'go to a function one after the other',
    program(s, function* () {
      const lines: string[] = [];
      yield* s.wait(
        forEach(
          ended('one\ntwo\n'),
          s.fn(function* (line: Uint8Array) {
            lines.push(text(line));
          }),
        ),
      );
      expect(lines).toEqual(['one\n', 'two\n']);
    }),
  );

  it(
    'leave the rest to be read when the loop is left',
    program(s, function* () {
      const reader = ended('one\ntwo\nthree\n');
      const enough = new Error('enough');
      const body = s.fn(function* (): Generator<unknown, void, unknown> {
        throw enough;
      });
      expect(yield* failure(s, forEach(reader, body))).toBe(enough);
      expect(rest(reader)).toBe('two\nthree\n');
    }),
  );

  it(
    'leave the rest to be read when the iterator is returned',
    program(s, function* () {
      const reader = ended('one\ntwo\n');
      const lines = reader[Symbol.asyncIterator]();
      yield* s.wait(lines.next());
      yield* s.wait(lines.return());
      expect(rest(reader)).toBe('two\n');
    }),
  );
});

describeBoth('the lines of a reader as text', (s) => {
  it(
    'have no ends, of either kind',
    program(s, function* () {
      expect(yield* all(s, ended('one\ntwo\r\n\n\r\n', '\r\rlast\r').lines())).toEqual([
        'one',
        'two',
        '',
        '',
        '\r\rlast\r',
      ]);
    }),
  );

  it(
    'keep their ends when asked to',
    program(s, function* () {
      expect(yield* all(s, ended('one\ntwo\r\nlast').lines({ keepEnds: true }))).toEqual(['one\n', 'two\r\n', 'last']);
    }),
  );

  it(
    'are UTF-8, whose characters may come in pieces',
    program(s, function* () {
      const [first, ...others] = new TextEncoder().encode('ä€😀\nö\n');
      const reader = fed([]);
      reader.feedData(Uint8Array.of(first!));
      soon(() => {
        for (const byte of others) reader.feedData(Uint8Array.of(byte));
        reader.feedEof();
      });
      expect(yield* all(s, reader.lines())).toEqual(['ä€😀', 'ö']);
    }),
  );

  it(
    'are of the encoding asked for',
    program(s, function* () {
      expect(yield* all(s, ended('gr\xfc\xdfe\n').lines({ encoding: 'latin1' }))).toEqual(['grüße']);
    }),
  );

  it(
    'go to a function one after the other, which may fail',
    program(s, function* () {
      const seen: string[] = [];
      const reader = ended('one\ntwo\nthree\n');
      const enough = new Error('enough');
      const body = s.fn(function* (line: string): Generator<unknown, void, unknown> {
        seen.push(line);
        if (line === 'two') throw enough;
      });
      expect(yield* failure(s, forEach(reader.lines(), body))).toBe(enough);
      expect(seen).toEqual(['one', 'two']);
      expect(rest(reader)).toBe('three\n');
    }),
  );

  it(
    'lose nothing when the wait for one is cancelled',
    program(s, function* () {
      const reader = fed(['on']);
      const lines = reader.lines();
      const task = getRunningLoop().createTask<unknown>(lines.next());
      soon(() => task.cancel());
      expect(yield* failure(s, task)).toMatchObject({ name: 'CancelledError' });
      reader.feedData(bytes('e\n'));
      expect(yield* s.wait(lines.next())).toEqual({ done: false, value: 'one' });
    }),
  );

  it(
    'may not be too long',
    program(s, function* () {
      const reader = fed(['0123456789\nok\n'], { limit: 5 });
      const lines = reader.lines();
      expect(yield* failure(s, lines.next())).toBeInstanceOf(ValueError);
      expect(yield* s.wait(lines.next())).toEqual({ done: false, value: 'ok' });
    }),
  );
});

describe('lines', () => {
  it('can be iterated with for await', async () => {
    const seen: string[] = [];
    await runVirtually(async () => {
      const reader = ended('one\ntwo\nthree\nfour');
      for await (const line of reader) {
        seen.push(text(line));
        break;
      }
      for await (const line of reader.lines()) seen.push(line);
    });
    expect(seen).toEqual(['one\n', 'two', 'three', 'four']);
  });

  it('are refused at once for an encoding that is unknown, or whose line ends are longer than a byte', async () => {
    await runVirtually(async () => {
      expect(thrownBy(() => fed([]).lines({ encoding: 'nonsense' }))).toBeInstanceOf(RangeError);
      for (const encoding of ['utf-16', 'utf-16le', 'utf-16be'])
        expect(thrownBy(() => fed([]).lines({ encoding }))).toMatchObject({ name: 'ValueError', code: 'NO_LINES' });
    });
  });
});
