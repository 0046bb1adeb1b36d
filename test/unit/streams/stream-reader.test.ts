import { runInNewContext } from 'node:vm';
import {
  createTask,
  getRunningLoop,
  IncompleteReadError,
  LimitOverrunError,
  RuntimeError,
  ValueError,
  wait,
} from 'asyncio-ts';
import { StreamReader } from 'asyncio-ts/node';
import { describe, expect, it } from 'vitest';
import { manualLoop, muteLog } from '../../support/loops.ts';
import { failure, program, thrownBy } from '../../support/programs.ts';
import { describeBoth, runVirtually } from '../../support/spellings.ts';
import { bytes, fed, rest, soon, text } from './support.ts';

describeBoth('read', (s) => {
  it(
    'gives what there is, when that is less than asked for',
    program(s, function* () {
      const reader = fed(['line1\nline2\n']);
      expect(text(yield* s.wait(reader.read(30)))).toBe('line1\nline2\n');
    }),
  );

  it(
    'gives as many bytes as asked for, and leaves the rest',
    program(s, function* () {
      const reader = fed(['line1', 'line2']);
      expect(text(yield* s.wait(reader.read(5)))).toBe('line1');
      expect(rest(reader)).toBe('line2');
    }),
  );

  it(
    'gives bytes of several chunks at once',
    program(s, function* () {
      const reader = fed(['ab', 'cd', 'ef']);
      expect(text(yield* s.wait(reader.read(5)))).toBe('abcde');
    }),
  );

  it(
    'up to the end takes more chunks at once than a call may have arguments',
    program(s, function* () {
      const [chunk, count] = [new Uint8Array(513), 150_000]; // too large to be joined with others
      const reader = fed(['a']);
      soon(() => {
        for (let i = 0; i < count; i++) reader.feedData(chunk);
        reader.feedEof();
      });
      expect((yield* s.wait(reader.read())).length).toBe(1 + chunk.length * count);
    }),
  );

  it(
    'up to the end puts nothing back when it is ended after it has given everything',
    program(s, function* () {
      const reader = fed(['some']);
      reader.feedEof();
      const reading = reader.read();
      expect(text(yield* s.wait(reading))).toBe('some');
      reading.return(bytes(''));
      expect(rest(reader)).toBe('');
    }),
  );

  it.each(['read', 'readexactly', 'readline'] as const)(
    'takes nothing when it was ended before it was awaited: %s',
    (name) =>
      program(s, function* () {
        const reader = fed(['some\n']);
        const reading = name === 'readline' ? reader.readline() : reader[name](4);
        reading.return(bytes(''));
        expect(text(yield* s.wait(reading))).toBe('');
        expect(rest(reader)).toBe('some\n');
      })(),
  );

  it(
    'waits for the first bytes when there are none',
    program(s, function* () {
      const reader = fed([]);
      soon(() => reader.feedData(bytes('some')));
      expect(text(yield* s.wait(reader.read(30)))).toBe('some');
    }),
  );

  it(
    'is not woken by a chunk without bytes',
    program(s, function* () {
      const reader = fed([]);
      soon(() => {
        reader.feedData(bytes(''));
        getRunningLoop().callSoon(() => reader.feedData(bytes('some')));
      });
      expect(text(yield* s.wait(reader.read(30)))).toBe('some');
    }),
  );

  it(
    'takes nothing and does not wait for zero bytes',
    program(s, function* () {
      expect(text(yield* s.wait(fed([]).read(0)))).toBe('');
      const reader = fed(['data']);
      expect(text(yield* s.wait(reader.read(0)))).toBe('');
      expect(rest(reader)).toBe('data');
    }),
  );

  it(
    'gives no bytes at the end, now and ever after',
    program(s, function* () {
      const reader = fed([]);
      soon(() => reader.feedEof());
      expect(text(yield* s.wait(reader.read(10)))).toBe('');
      expect(text(yield* s.wait(reader.read(10)))).toBe('');
    }),
  );

  it(
    'is not bound by the limit',
    program(s, function* () {
      const reader = fed(['chunk'], { limit: 3 });
      expect(text(yield* s.wait(reader.read(5)))).toBe('chunk');
    }),
  );

  it(
    'gives everything up to the end without a count',
    program(s, function* () {
      const reader = fed(['first ']);
      soon(() => {
        reader.feedData(bytes('chunk1\n'));
        reader.feedData(bytes('chunk2'));
        reader.feedEof();
      });
      expect(text(yield* s.wait(reader.read()))).toBe('first chunk1\nchunk2');
      expect(text(yield* s.wait(reader.read(-1)))).toBe('');
    }),
  );

  it(
    'gives everything when the end has come before',
    program(s, function* () {
      const reader = fed(['a', 'b']);
      reader.feedEof();
      expect(text(yield* s.wait(reader.read(-5)))).toBe('ab');
    }),
  );

  it(
    'keeps waiting when another task has taken the bytes that woke it: no bytes mean the end',
    program(s, function* () {
      const reader = fed([]);
      const loop = getRunningLoop();
      const waiting = loop.createTask(reader.read(10));
      soon(() => {
        reader.feedData(bytes('stolen'));
        expect(rest(reader)).toBe('stolen');
        loop.callLater(1, () => reader.feedData(bytes('kept')));
      });
      expect(text(yield* s.wait(waiting))).toBe('kept');
    }),
  );
});

describeBoth('readexactly', (s) => {
  it(
    'waits until as many bytes have come, and leaves the rest',
    program(s, function* () {
      const reader = fed(['12']);
      soon(() => {
        reader.feedData(bytes('34'));
        reader.feedData(bytes('5678'));
      });
      expect(text(yield* s.wait(reader.readexactly(5)))).toBe('12345');
      expect(rest(reader)).toBe('678');
    }),
  );

  it(
    'takes nothing and does not wait for zero bytes',
    program(s, function* () {
      const reader = fed(['data']);
      expect(text(yield* s.wait(reader.readexactly(0)))).toBe('');
      expect(rest(reader)).toBe('data');
    }),
  );

  it(
    'is not bound by the limit',
    program(s, function* () {
      expect(text(yield* s.wait(fed(['chunk'], { limit: 3 }).readexactly(5)))).toBe('chunk');
    }),
  );

  it(
    'has the bytes that were read and the number that was expected, when the end comes before',
    program(s, function* () {
      const reader = fed(['line1\n']);
      soon(() => {
        reader.feedData(bytes('line2\n'));
        reader.feedEof();
      });
      const error = yield* failure(s, reader.readexactly(36));
      expect(error).toBeInstanceOf(IncompleteReadError);
      expect(error).toMatchObject({
        name: 'IncompleteReadError',
        code: 'INCOMPLETE_READ',
        expected: 36,
        message: expect.stringMatching(/^12 bytes read on a total of 36 expected bytes/),
      });
      expect(text((error as IncompleteReadError).partial)).toBe('line1\nline2\n');
      expect(rest(reader)).toBe('');
      expect(reader.atEof()).toBe(true);
    }),
  );
});

describeBoth('readline', (s) => {
  it(
    'waits for the end of the line, over chunks',
    program(s, function* () {
      const reader = fed(['chunk1 ']);
      soon(() => {
        reader.feedData(bytes('chunk2 '));
        reader.feedData(bytes('chunk3 '));
        reader.feedData(bytes('\n chunk4'));
      });
      expect(text(yield* s.wait(reader.readline()))).toBe('chunk1 chunk2 chunk3 \n');
      expect(rest(reader)).toBe(' chunk4');
    }),
  );

  it(
    'gives one line of several, and read the next bytes',
    program(s, function* () {
      const reader = fed(['line1\n', 'line2\nline3\n']);
      expect(text(yield* s.wait(reader.readline()))).toBe('line1\n');
      expect(text(yield* s.wait(reader.read(7)))).toBe('line2\nl');
      expect(rest(reader)).toBe('ine3\n');
    }),
  );

  it(
    'gives empty lines, too',
    program(s, function* () {
      const reader = fed(['\n\n', '\n']);
      for (let i = 0; i < 3; i++) expect(text(yield* s.wait(reader.readline()))).toBe('\n');
      expect(rest(reader)).toBe('');
    }),
  );

  it(
    'gives what is left at the end, then no bytes',
    program(s, function* () {
      const reader = fed(['some data']);
      soon(() => reader.feedEof());
      expect(text(yield* s.wait(reader.readline()))).toBe('some data');
      expect(text(yield* s.wait(reader.readline()))).toBe('');
    }),
  );

  it(
    'takes a line that is as long as the limit, and none that is longer',
    program(s, function* () {
      const reader = fed(['1234567\n'], { limit: 7 });
      expect(text(yield* s.wait(reader.readline()))).toBe('1234567\n');
      reader.feedData(bytes('12345678\n'));
      expect(yield* failure(s, reader.readline())).toBeInstanceOf(ValueError);
      expect(rest(reader)).toBe('');
      reader.feedData(bytes('12345678'));
      expect(yield* failure(s, reader.readline())).toBeInstanceOf(ValueError);
      expect(rest(reader)).toBe('');
    }),
  );

  it(
    'drops a line that is too long, and gives the next one',
    program(s, function* () {
      const reader = fed(['li', 'ne1\nline2\n'], { limit: 3 });
      const error = yield* failure(s, reader.readline());
      expect(error).toBeInstanceOf(ValueError);
      expect(error).toMatchObject({ code: 'LINE_TOO_LONG', message: expect.stringContaining('limit') });
      expect(rest(reader)).toBe('line2\n');
    }),
  );

  it(
    'drops what there is of a line that is too long and has no end yet',
    program(s, function* () {
      const reader = fed(['li', 'ne1', 'li'], { limit: 3 });
      expect(yield* failure(s, reader.readline())).toBeInstanceOf(ValueError);
      expect(rest(reader)).toBe('');
    }),
  );

  it(
    'drops a line that grows too long while it waits',
    program(s, function* () {
      const reader = fed([], { limit: 7 });
      soon(() => {
        reader.feedData(bytes('chunk1'));
        reader.feedData(bytes('chunk2\n'));
        reader.feedData(bytes('chunk3\n'));
        reader.feedEof();
      });
      expect(yield* failure(s, reader.readline())).toBeInstanceOf(ValueError);
      expect(text(yield* s.wait(reader.readline()))).toBe('chunk3\n');
      expect(text(yield* s.wait(reader.readline()))).toBe('');
    }),
  );
});

describeBoth('readuntil', (s) => {
  it(
    'ends at a line end unless the option says otherwise',
    program(s, function* () {
      expect(text(yield* s.wait(fed(['a\nb']).readuntil()))).toBe('a\n');
    }),
  );

  it(
    'finds a separator that comes in pieces, and none where it only begins',
    program(s, function* () {
      const reader = fed(['QWEaa', 'XYaa', 'a']);
      expect(text(yield* s.wait(reader.readuntil('aaa')))).toBe('QWEaaXYaaa');
      for (const chunk of ['QWEaa', 'XYa', 'aa']) reader.feedData(bytes(chunk));
      expect(text(yield* s.wait(reader.readuntil('aaa')))).toBe('QWEaaXYaaa');
      for (const chunk of ['XXX', 'a', 'a', 'a']) reader.feedData(bytes(chunk));
      expect(text(yield* s.wait(reader.readuntil('aaa')))).toBe('XXXaaa');
      reader.feedData(bytes('aaaa'));
      expect(text(yield* s.wait(reader.readuntil('aaa')))).toBe('aaa');
      expect(rest(reader)).toBe('a');
    }),
  );

  it(
    'finds a separator that comes in pieces while it waits',
    program(s, function* () {
      const reader = fed(['Xa']);
      soon(() => {
        reader.feedData(bytes('a'));
        getRunningLoop().callSoon(() => reader.feedData(bytes('aY')));
      });
      expect(text(yield* s.wait(reader.readuntil('aaa')))).toBe('Xaaa');
      expect(rest(reader)).toBe('Y');
    }),
  );

  it(
    'takes separators as bytes of any kind, and as UTF-8',
    program(s, function* () {
      const reader = fed(['some data\r\nmore\r\n', 'n\xc3\xa4', 'x']);
      expect(text(yield* s.wait(reader.readuntil(bytes('\r\n'))))).toBe('some data\r\n');
      expect(text(yield* s.wait(reader.readuntil(Buffer.from('\r\n'))))).toBe('more\r\n');
      expect(text(yield* s.wait(reader.readuntil('ä')))).toBe('n\xc3\xa4');
    }),
  );

  it(
    'has the bytes that were read, when the end comes before the separator',
    program(s, function* () {
      const reader = fed(['some dataAA']);
      reader.feedEof();
      const error = yield* failure(s, reader.readuntil('AAA'));
      expect(error).toBeInstanceOf(IncompleteReadError);
      expect(error).toMatchObject({ expected: null, message: expect.stringContaining('undefined expected bytes') });
      expect(text((error as IncompleteReadError).partial)).toBe('some dataAA');
      expect(rest(reader)).toBe('');
    }),
  );

  it(
    'leaves everything in the buffer when the limit is passed, and says how much is surely no separator',
    program(s, function* () {
      const reader = fed(['some dataAA'], { limit: 3 });
      const missing = yield* failure(s, reader.readuntil('AAA'));
      expect(missing).toBeInstanceOf(LimitOverrunError);
      expect(missing).toMatchObject({
        name: 'LimitOverrunError',
        code: 'LIMIT_OVERRUN',
        consumed: 9,
        message: expect.stringContaining('not found'),
      });
      reader.feedData(bytes('A'));
      const late = yield* failure(s, reader.readuntil('AAA'));
      expect(late).toMatchObject({ consumed: 9, message: expect.stringContaining('is found') });
      expect(text(yield* s.wait(reader.readexactly(9)))).toBe('some data');
      expect(text(yield* s.wait(reader.readuntil('AAA')))).toBe('AAA');
    }),
  );

  it(
    'fails as soon as the limit is passed, without waiting for more',
    program(s, function* () {
      const reader = fed(['abc'], { limit: 3 });
      soon(() => reader.feedData(bytes('d')));
      expect(yield* failure(s, reader.readuntil('\n'))).toMatchObject({ consumed: 4 });
      expect(rest(reader)).toBe('abcd');
    }),
  );

  it(
    'ends at the one of several separators that ends first',
    program(s, function* () {
      const reader = fed(['line 1\nline 2\r']);
      expect(text(yield* s.wait(reader.readuntil(['\r', '\n'])))).toBe('line 1\n');
      expect(text(yield* s.wait(reader.readuntil(['\r', '\n'])))).toBe('line 2\r');
      reader.feedData(bytes('ABCDEFG'));
      expect(text(yield* s.wait(reader.readuntil(['DEF', 'BCDE'])))).toBe('ABCDE');
      expect(rest(reader)).toBe('FG');
    }),
  );

  it(
    'counts the shortest of two separators that end together against the limit',
    program(s, function* () {
      const reader = fed(['some dataA'], { limit: 3 });
      const error = yield* failure(s, reader.readuntil(['A', 'ome dataA']));
      expect(error).toMatchObject({ consumed: 9, message: expect.stringContaining('is found') });
    }),
  );

  it(
    'waits with fewer bytes than the longest separator has',
    program(s, function* () {
      const reader = fed(['data']);
      soon(() => {
        reader.feedData(bytes('Z'));
        reader.feedData(bytes('Aaaa'));
      });
      expect(text(yield* s.wait(reader.readuntil(['A', 'long sep'])))).toBe('dataZA');
      expect(rest(reader)).toBe('aaa');
    }),
  );

  it(
    'finds a separator far behind the first bytes that it looks into',
    program(s, function* () {
      const far = 'x'.repeat(9_000);
      const reader = fed([`${far}\r\n${far}`, 'x\0yy']);
      expect(text(yield* s.wait(reader.readuntil(['\r\n', '\0'])))).toBe(`${far}\r\n`);
      expect(text(yield* s.wait(reader.readuntil(['\r\n', '\0'])))).toBe(`${far}x\0`);
    }),
  );
});

describe('the arguments of a reader', () => {
  const { loop } = manualLoop();
  const reader = new StreamReader({ loop });

  it('is refused at once when a separator is empty', () => {
    expect(thrownBy(() => reader.readuntil(''))).toMatchObject({
      name: 'ValueError',
      message: expect.stringContaining('Separator should be'),
    });
    expect(thrownBy(() => reader.readuntil(['a', '']))).toBeInstanceOf(ValueError);
    expect(thrownBy(() => reader.readuntil([]))).toMatchObject({
      name: 'ValueError',
      message: expect.stringContaining('Separator should contain'),
    });
  });

  it('is refused at once when a separator is neither bytes nor a string', () => {
    expect(thrownBy(() => reader.readuntil(10 as never))).toBeInstanceOf(TypeError);
    expect(thrownBy(() => reader.readuntil(['\n', null as never]))).toBeInstanceOf(TypeError);
  });

  it('is refused at once when the count is negative', () => {
    expect(thrownBy(() => reader.readexactly(-1))).toMatchObject({
      name: 'ValueError',
      message: expect.stringContaining('less than zero, got -1'),
    });
  });

  it.each([1.5, Number.NaN, Number.POSITIVE_INFINITY, '1', null, {}])(
    'is refused at once when the count is %s: bytes come whole',
    (count) => {
      expect(thrownBy(() => reader.read(count as never))).toBeInstanceOf(TypeError);
      expect(thrownBy(() => reader.readexactly(count as never))).toBeInstanceOf(TypeError);
    },
  );

  it('is refused when the limit is zero, less, or no number', () => {
    for (const limit of [0, -1, Number.NaN])
      expect(thrownBy(() => new StreamReader({ limit, loop }))).toMatchObject({
        name: 'ValueError',
        message: expect.stringContaining('limit'),
      });
    expect(thrownBy(() => new StreamReader({ limit: '1' as never, loop }))).toBeInstanceOf(TypeError);
  });
});

describeBoth('the end of a stream', (s) => {
  it(
    'is there when it was fed and everything is read',
    program(s, function* () {
      const reader = fed(['some data\n']);
      expect(reader.atEof()).toBe(false);
      yield* s.wait(reader.readline());
      expect(reader.atEof()).toBe(false);
      reader.feedData(bytes('more\n'));
      reader.feedEof();
      expect(reader.atEof()).toBe(false);
      yield* s.wait(reader.readline());
      expect(reader.atEof()).toBe(true);
    }),
  );

  it(
    'is not followed by data',
    program(s, function* () {
      const reader = fed(['a']);
      reader.feedEof();
      expect(thrownBy(() => reader.feedData(bytes('b')))).toMatchObject({
        name: 'RuntimeError',
        code: 'FED_AFTER_EOF',
      });
      expect(text(yield* s.wait(reader.read()))).toBe('a');
    }),
  );
});

describeBoth('an error of a stream', (s) => {
  const problem = new Error('lost');

  it(
    'is what it was set to',
    program(s, function* () {
      const reader = fed([]);
      expect(reader.exception()).toBeNull();
      reader.setException(problem);
      expect(reader.exception()).toBe(problem);
    }),
  );

  it(
    'is thrown by every read that comes, whatever is in the buffer',
    program(s, function* () {
      const reader = fed(['line\nline\n']);
      yield* s.wait(reader.read(2));
      reader.setException(problem);
      expect(yield* failure(s, reader.read(2))).toBe(problem);
      expect(yield* failure(s, reader.read())).toBe(problem);
      expect(yield* failure(s, reader.readexactly(2))).toBe(problem);
      expect(yield* failure(s, reader.readline())).toBe(problem);
      expect(yield* failure(s, reader.readuntil('n'))).toBe(problem);
      expect(yield* failure(s, reader.lines().next())).toBe(problem);
      expect(rest(reader)).toBe('ne\nline\n');
    }),
  );

  for (const [name, read] of Object.entries({
    read: (reader: StreamReader) => reader.read(10),
    'read to the end': (reader: StreamReader) => reader.read(),
    readexactly: (reader: StreamReader) => reader.readexactly(10),
    readline: (reader: StreamReader) => reader.readline(),
    readuntil: (reader: StreamReader) => reader.readuntil('x'),
  })) {
    it(
      `is thrown by a ${name} that waits`,
      program(s, function* () {
        const reader = fed([]);
        soon(() => reader.setException(problem));
        expect(yield* failure(s, read(reader))).toBe(problem);
      }),
    );
  }

  it(
    'does no harm after a wait was cancelled',
    program(s, function* () {
      const reader = fed([]);
      const task = getRunningLoop().createTask(reader.readline());
      soon(() => {
        task.cancel();
        soon(() => {
          reader.setException(problem);
        });
      });
      expect(yield* failure(s, task)).toMatchObject({ name: 'CancelledError' });
      expect(yield* failure(s, reader.readline())).toBe(problem);
    }),
  );
});

describeBoth('cancellation of a read', (s) => {
  for (const [name, read] of Object.entries({
    read: (reader: StreamReader) => reader.read(10),
    'read to the end': (reader: StreamReader) => reader.read(),
    readexactly: (reader: StreamReader) => reader.readexactly(10),
    readline: (reader: StreamReader) => reader.readline(),
    readuntil: (reader: StreamReader) => reader.readuntil('x'),
    'line of text': (reader: StreamReader) => reader.lines().next(),
  })) {
    it(
      `takes nothing: ${name}`,
      program(s, function* () {
        const reader = fed(name === 'read' ? [] : ['ab']);
        const task = getRunningLoop().createTask<unknown>(read(reader));
        soon(() => {
          if (name !== 'read') reader.feedData(bytes('cd'));
          soon(() => task.cancel());
        });
        expect(yield* failure(s, task)).toMatchObject({ name: 'CancelledError' });
        reader.feedData(bytes('ef\n'));
        expect(text(yield* s.wait(reader.readline()))).toBe(name === 'read' ? 'ef\n' : 'abcdef\n');
      }),
    );

    it(
      `takes nothing when it comes just after the data: ${name}`,
      program(s, function* () {
        const reader = fed([]);
        const task = getRunningLoop().createTask<unknown>(read(reader));
        soon(() => {
          reader.feedData(bytes('0123456789x\n'));
          task.cancel();
        });
        expect(yield* failure(s, task)).toMatchObject({ name: 'CancelledError' });
        expect(text(yield* s.wait(reader.readline()))).toBe('0123456789x\n');
      }),
    );
  }
});

describeBoth('a second reader', (s) => {
  for (const [name, read] of Object.entries({
    read: (reader: StreamReader) => reader.read(10),
    'read to the end': (reader: StreamReader) => reader.read(),
    readexactly: (reader: StreamReader) => reader.readexactly(10),
    readline: (reader: StreamReader) => reader.readline(),
    readuntil: (reader: StreamReader) => reader.readuntil('x'),
  })) {
    it(
      `is refused while another one waits, which goes on: ${name}`,
      program(s, function* () {
        const reader = fed([]);
        const first = getRunningLoop().createTask(reader.readline());
        let error: unknown;
        soon(() => {
          const second = getRunningLoop().createTask(read(reader));
          second.addDoneCallback(() => {
            error = second.exception();
            reader.feedData(bytes('line\n'));
          });
        });
        expect(text(yield* s.wait(first))).toBe('line\n');
        expect(error).toBeInstanceOf(RuntimeError);
        expect(error).toMatchObject({
          code: 'ANOTHER_READS',
          message: expect.stringContaining('called while another coroutine is already waiting'),
        });
      }),
    );
  }

  it(
    'may read when the first one was cancelled',
    program(s, function* () {
      const reader = fed([]);
      const first = getRunningLoop().createTask(reader.readline());
      soon(() => first.cancel());
      yield* failure(s, first);
      soon(() => reader.feedData(bytes('line\n')));
      expect(text(yield* s.wait(reader.readline()))).toBe('line\n');
    }),
  );
});

describe('a reader as text', () => {
  const { loop } = manualLoop();

  it('shows its content and its state', () => {
    expect(String(new StreamReader({ loop }))).toBe('<StreamReader>');
    expect(String(new StreamReader({ loop, limit: 123 }))).toBe('<StreamReader limit=123>');
    const reader = new StreamReader({ loop });
    reader.feedData(bytes('data'));
    expect(String(reader)).toBe('<StreamReader 4 bytes>');
    reader.feedEof();
    expect(String(reader)).toBe('<StreamReader 4 bytes eof>');
    reader.setException(new Error('gone'));
    expect(String(reader)).toMatch(/^<StreamReader 4 bytes eof exception=.*gone/);
  });
});

describe('a read of text that is never awaited', () => {
  const asText = { encoding: 'utf-8' };

  it.each([
    ['read', (reader: StreamReader) => reader.read(asText)],
    ['readline', (reader: StreamReader) => reader.readline(asText)],
    ['readuntil', (reader: StreamReader) => reader.readuntil(';', asText)],
  ])('is reported once in debug mode, by the name that was called: %s', async (name, begin) => {
    const warn = muteLog('warn');
    await runVirtually(
      async () => {
        begin(new StreamReader());
      },
      { debug: true },
    );
    expect(warn.mock.calls).toEqual([[expect.stringMatching(`^coroutine '${name}' was never awaited`)]]);
  });

  it('is not reported when it is run by a task that is cancelled before it begins', async () => {
    const warn = muteLog('warn');
    await runVirtually(
      async () => {
        const task = createTask(new StreamReader().readline(asText));
        task.cancel();
        await wait([task]);
      },
      { debug: true },
    );
    expect(warn).not.toHaveBeenCalled();
  });
});

describe('feedData', () => {
  const notBytes = ['text', ['b'], null, 7, new ArrayBuffer(1), new DataView(new ArrayBuffer(1)), new Float64Array(1)];
  it.each(notBytes.map((wrong) => [wrong]))('refuses %o, and the stream goes on as it was', (wrong) => {
    const { loop } = manualLoop();
    const reader = new StreamReader({ loop });
    reader.feedData(bytes('so far'));
    expect(thrownBy(() => reader.feedData(wrong as never))).toMatchObject({ name: 'TypeError', code: 'NOT_BYTES' });
    expect(rest(reader)).toBe('so far');
  });

  it('takes bytes of another realm, as a socket in a test runner gives them', () => {
    const { loop } = manualLoop();
    const reader = new StreamReader({ loop });
    reader.feedData(runInNewContext('new Uint8Array([0x68, 0x69])') as Uint8Array);
    expect([...reader.takeUnread()]).toEqual([0x68, 0x69]);
  });
});
