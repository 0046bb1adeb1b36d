import { readFileSync, writeFileSync } from 'node:fs';
import { createTask, forEach, gather, IncompleteReadError, iterate, ValueError } from 'asyncio-ts';
import { type AsyncFile, openFile } from 'asyncio-ts/node';
import { expect, test } from 'vitest';
import { OSError } from '../../../../src/errors/os-error.ts';
import { failure, thrownBy } from '../../../support/programs.ts';
import { realProgram } from '../../../support/real-programs.ts';
import { describeBoth } from '../../../support/spellings.ts';
import { mkfifoSync } from './fifo.ts';
import { bytes, called, FakeHandle, fileOf, folder, noFile, text } from './support.ts';

const LINES = 'one\ntwo\n\nfour';

describeBoth('reading', (s) => {
  test(
    'gives everything, so many bytes, or what is left',
    realProgram(s, function* () {
      const file = yield* s.wait(openFile(fileOf('abcdefg')));
      expect(text(yield* s.wait(file.read(3)))).toBe('abc');
      expect(text(yield* s.wait(file.read(0)))).toBe('');
      expect(text(yield* s.wait(file.read(3)))).toBe('def');
      expect(text(yield* s.wait(file.read(3)))).toBe('g');
      expect(text(yield* s.wait(file.read(3)))).toBe('');
      expect(text(yield* s.wait(file.read()))).toBe('');
      yield* s.wait(file.seek(1));
      expect(text(yield* s.wait(file.read()))).toBe('bcdefg');
      yield* s.wait(file.close());
    }),
  );

  test(
    'gives lines with their ends, then nothing',
    realProgram(s, function* () {
      const file = yield* s.wait(openFile(fileOf(LINES)));
      const lines: string[] = [];
      for (let i = 0; i < 6; i++) lines.push(text(yield* s.wait(file.readline())));
      expect(lines).toEqual(['one\n', 'two\n', '\n', 'four', '', '']);
      yield* s.wait(file.close());
    }),
  );

  test(
    'sees what is written behind the end later on',
    realProgram(s, function* () {
      const path = fileOf('one\n');
      const file = yield* s.wait(openFile(path));
      expect(text(yield* s.wait(file.read()))).toBe('one\n');
      expect(text(yield* s.wait(file.readline()))).toBe('');
      writeFileSync(path, 'two\n', { flag: 'a' });
      expect(text(yield* s.wait(file.readline()))).toBe('two\n');
      yield* s.wait(file.close());
    }),
  );

  test(
    'exactly so many bytes fails at the end, with what there was',
    realProgram(s, function* () {
      const file = yield* s.wait(openFile(fileOf('abcde')));
      expect(text(yield* s.wait(file.readexactly(3)))).toBe('abc');
      const error = (yield* failure(s, file.readexactly(3))) as IncompleteReadError;
      expect(error).toBeInstanceOf(IncompleteReadError);
      expect([text(error.partial), error.expected]).toEqual(['de', 3]);
      yield* s.wait(file.close());
    }),
  );

  test(
    'puts together what is longer than a chunk, whatever it is read by',
    realProgram(s, function* () {
      const line = `${'x'.repeat(150_000)}\n`;
      const content = line.repeat(20);
      const file = yield* s.wait(openFile(fileOf(content)));
      expect(text(yield* s.wait(file.readline()))).toBe(line);
      expect((yield* s.wait(file.readexactly(200_000))).length).toBe(200_000);
      expect(yield* s.wait(file.tell())).toBe(line.length + 200_000);
      expect(text(yield* s.wait(file.read()))).toBe(content.slice(line.length + 200_000));
      yield* s.wait(file.close());
    }),
  );

  test(
    'gives text when there is an encoding, counted in characters',
    realProgram(s, function* () {
      const path = fileOf('añ€😀z\nend');
      const file = yield* s.wait(openFile(path, { encoding: 'utf-8' }));
      expect(yield* s.wait(file.read(3))).toBe('añ€');
      expect(yield* s.wait(file.read(2))).toBe('😀z');
      expect(yield* s.wait(file.readline())).toBe('\n');
      expect(yield* s.wait(file.read(9))).toBe('end');
      expect(yield* s.wait(file.read(1))).toBe('');
      expect(yield* s.wait(file.seek(1))).toBe(1);
      expect(yield* s.wait(file.read())).toBe('ñ€😀z\nend');
      yield* s.wait(file.close());
    }),
  );

  test(
    'does not cut characters where a chunk ends',
    realProgram(s, function* () {
      const content = '€'.repeat(100_000); // 65,536 is no multiple of 3
      const file = yield* s.wait(openFile(fileOf(content), { encoding: 'utf-8' }));
      expect(yield* s.wait(file.read(70_000))).toBe(content.slice(0, 70_000));
      expect(yield* s.wait(file.read(1))).toBe('€');
      expect(yield* s.wait(file.read())).toBe(content.slice(70_001));
      yield* s.wait(file.close());
    }),
  );

  test(
    'fails when the bytes are no text, and goes on behind them',
    realProgram(s, function* () {
      const file = yield* s.wait(openFile(fileOf(Uint8Array.of(0xff, 0x0a, 0x61)), { encoding: 'utf-8' }));
      expect(yield* failure(s, file.readline())).toMatchObject({ name: 'ValueError', code: 'INVALID_ENCODING' });
      expect(yield* s.wait(file.readline())).toBe('a');
      yield* s.wait(file.close());
    }),
  );

  test(
    'a folder fails with the code of the system',
    realProgram(s, function* () {
      const file = yield* s.wait(openFile(folder()));
      const error = yield* failure(s, file.read());
      expect(error).toBeInstanceOf(OSError);
      expect(error).toMatchObject({ code: 'EISDIR', syscall: 'read' });
      yield* s.wait(file.close());
    }),
  );
});

describeBoth('iterating', (s) => {
  test(
    'gives the lines, and leaves the file open with the rest to be read',
    realProgram(s, function* () {
      const file = yield* s.wait(openFile(fileOf(LINES), { encoding: 'utf-8' }));
      const lines: string[] = [];
      const each = s.fn(function* (line: string) {
        lines.push(line);
        if (lines.length === 2) throw new Error('enough');
      });
      expect(`${yield* failure(s, forEach(file, each))}`).toBe('Error: enough');
      expect(file.closed).toBe(false);
      const rest = s.fn(function* (line: string) {
        lines.push(line);
      });
      yield* s.wait(forEach(file, rest));
      expect(lines).toEqual(['one\n', 'two\n', '\n', 'four']);
      yield* s.wait(file.close());
    }),
  );

  test(
    'works step by step, and with iterate()',
    realProgram(s, function* () {
      const file = yield* s.wait(openFile(fileOf(LINES)));
      const lines = file[Symbol.asyncIterator]();
      expect(text((yield* s.wait(lines.next())).value)).toBe('one\n');
      const others = iterate(file);
      expect(text((yield* s.wait(others.next())).value)).toBe('two\n');
      yield* s.wait(others.return());
      expect(text((yield* s.wait(lines.next())).value)).toBe('\n');
      yield* s.wait(lines.return());
      expect(file.closed).toBe(false);
      yield* s.wait(file.close());
    }),
  );

  test(
    'by chunks gives pieces of one size, and a shorter one at last',
    realProgram(s, function* () {
      const file = yield* s.wait(openFile(fileOf('abcdefgh')));
      const pieces: string[] = [];
      const each = s.fn(function* (piece: Uint8Array) {
        pieces.push(text(piece));
      });
      yield* s.wait(forEach(file.chunks(3), each));
      expect(pieces).toEqual(['abc', 'def', 'gh']);
      yield* s.wait(file.close());
    }),
  );

  test(
    'by chunks counts characters of text',
    realProgram(s, function* () {
      const file = yield* s.wait(openFile(fileOf('ä€😀b'), { encoding: 'utf-8' }));
      const pieces: string[] = [];
      const each = s.fn(function* (piece: string) {
        pieces.push(piece);
      });
      yield* s.wait(forEach(file.chunks(2), each));
      expect(pieces).toEqual(['ä€', '😀b']);
      yield* s.wait(file.close());
    }),
  );
});

describeBoth('writing', (s) => {
  test(
    'writes bytes and strings at the current position, and returns the number of bytes',
    realProgram(s, function* () {
      const path = noFile();
      const file = yield* s.wait(openFile(path, 'w'));
      expect(yield* s.wait(file.write('aö'))).toBe(3);
      expect(yield* s.wait(file.write(bytes('bc')))).toBe(2);
      expect(yield* s.wait(file.write(''))).toBe(0);
      expect(yield* s.wait(file.writelines(['1\n', bytes('2\n'), '3']))).toBe(5);
      expect(yield* s.wait(file.writelines([]))).toBe(0);
      yield* s.wait(file.flush());
      expect(readFileSync(path, 'utf8')).toBe('aöbc1\n2\n3');
      yield* s.wait(file.sync());
      yield* s.wait(file.close());
    }),
  );

  test(
    'continues at the position of the last read, and reading continues after what was written',
    realProgram(s, function* () {
      const path = fileOf('one\ntwo\nthree\n');
      const file = yield* s.wait(openFile(path, 'r+'));
      yield* s.wait(file.readline());
      yield* s.wait(file.write('TWO'));
      expect(yield* s.wait(file.tell())).toBe(7);
      expect(text(yield* s.wait(file.read()))).toBe('\nthree\n');
      yield* s.wait(file.write('four'));
      yield* s.wait(file.close());
      expect(readFileSync(path, 'utf8')).toBe('one\nTWO\nthree\nfour');
    }),
  );

  test(
    'with "a" goes to the end, wherever the place is',
    realProgram(s, function* () {
      const path = fileOf('one\n');
      const file = yield* s.wait(openFile(path, 'a+'));
      expect(yield* s.wait(file.tell())).toBe(4);
      expect(text(yield* s.wait(file.read()))).toBe('');
      yield* s.wait(file.seek(0));
      expect(text(yield* s.wait(file.read(2)))).toBe('on');
      yield* s.wait(file.write('two\n'));
      expect(yield* s.wait(file.tell())).toBe(8);
      yield* s.wait(file.seek(-4, 'end'));
      expect(text(yield* s.wait(file.read()))).toBe('two\n');
      yield* s.wait(file.close());
      expect(readFileSync(path, 'utf8')).toBe('one\ntwo\n');
    }),
  );

  test(
    'text is encoded as the file is',
    realProgram(s, function* () {
      const path = noFile();
      const file = yield* s.wait(openFile(path, { mode: 'w', encoding: 'latin1' }));
      expect(yield* s.wait(file.write('äöü'))).toBe(3);
      expect(() => file.write('€')).toThrow("'latin1' codec can't encode character '€' in position 0");
      expect(() => file.write(bytes('a'))).toThrow('write: the file is text, so a string is required');
      yield* s.wait(file.close());
      expect([...readFileSync(path)]).toEqual([0xe4, 0xf6, 0xfc]);
    }),
  );

  test(
    'goes on when the system has taken a part only',
    realProgram(s, function* () {
      const handle = new FakeHandle();
      handle.most = 4;
      const file = handle.file();
      const task = createTask(() => file.write('0123456789'));
      for (let i = 1; i <= 3; i++) {
        yield* called(s, handle, i);
        handle.go();
      }
      expect(yield* s.wait(task)).toBe(10);
      expect(new TextDecoder().decode(handle.content)).toBe('0123456789');
      expect(yield* s.wait(file.tell())).toBe(10);
    }),
  );

  test(
    'a list with something else in it writes nothing',
    realProgram(s, function* () {
      const path = noFile();
      const file = yield* s.wait(openFile(path, 'w'));
      expect(() => file.writelines(['one', 2 as never])).toThrow(
        'writelines: a Uint8Array or a string is required, got 2',
      );
      expect(() => file.writelines('one' as never)).toThrow('writelines: a list of strings or bytes is required');
      expect(() => file.writelines(null as never)).toThrow('writelines: a list of strings or bytes is required');
      yield* s.wait(file.close());
      expect(readFileSync(path, 'utf8')).toBe('');
    }),
  );
});

describeBoth('the place', (s) => {
  test(
    'is set from the start, from itself and from the end',
    realProgram(s, function* () {
      const file = yield* s.wait(openFile(fileOf('0123456789')));
      expect(yield* s.wait(file.tell())).toBe(0);
      yield* s.wait(file.read(4));
      expect(yield* s.wait(file.tell())).toBe(4);
      expect(yield* s.wait(file.seek(2, 'current'))).toBe(6);
      expect(text(yield* s.wait(file.read(1)))).toBe('6');
      expect(yield* s.wait(file.seek(-5, 1))).toBe(2);
      expect(text(yield* s.wait(file.read(1)))).toBe('2');
      expect(yield* s.wait(file.seek(-1, 'end'))).toBe(9);
      expect(text(yield* s.wait(file.read()))).toBe('9');
      expect(yield* s.wait(file.seek(100))).toBe(100);
      expect(text(yield* s.wait(file.read()))).toBe('');
      expect(yield* s.wait(file.seek(0, 0))).toBe(0);
      expect(yield* s.wait(file.seek(0, 2))).toBe(10);
      yield* s.wait(file.close());
    }),
  );

  test(
    'is never before the start',
    realProgram(s, function* () {
      const file = yield* s.wait(openFile(fileOf('abc')));
      expect(() => file.seek(-1)).toThrow('seek: negative position -1: a file begins at 0');
      expect(yield* failure(s, file.seek(-4, 'end'))).toMatchObject({ name: 'ValueError', code: 'INVALID_POSITION' });
      expect(yield* s.wait(file.tell())).toBe(0);
      yield* s.wait(file.close());
    }),
  );

  test(
    'stays when the file is cut off or made longer',
    realProgram(s, function* () {
      const path = fileOf('0123456789');
      const file = yield* s.wait(openFile(path, 'r+'));
      yield* s.wait(file.read(4));
      expect(yield* s.wait(file.truncate(6))).toBe(6);
      expect(text(yield* s.wait(file.read()))).toBe('45');
      yield* s.wait(file.seek(3));
      expect(yield* s.wait(file.truncate())).toBe(3);
      expect((yield* s.wait(file.stat())).size).toBe(3);
      expect(yield* s.wait(file.truncate(5))).toBe(5);
      expect([...(yield* s.wait(file.read()))]).toEqual([0, 0]);
      expect(() => file.truncate(-1)).toThrow(ValueError);
      yield* s.wait(file.close());
    }),
  );

  test(
    'is none in a pipe, which can be read anyway',
    realProgram(s, function* () {
      const path = mkfifoSync();
      const [reader, writer] = yield* s.wait(gather(openFile(path), openFile(path, 'w')));
      yield* s.wait(writer.write('one\ntwo\nrest'));
      expect(text(yield* s.wait(reader.readline()))).toBe('one\n');
      for (const operation of [
        () => reader.tell(),
        () => reader.seek(0),
        () => writer.tell(),
        () => writer.truncate(0),
      ]) {
        const error = yield* failure(s, operation());
        expect(error).toBeInstanceOf(OSError);
        expect([(error as OSError).code, (error as OSError).message]).toEqual([
          expect.stringMatching(/^(ESPIPE|EINVAL)$/),
          expect.stringMatching(/Illegal seek/),
        ]);
      }
      yield* s.wait(writer.close());
      expect(text(yield* s.wait(reader.read()))).toBe('two\nrest');
      yield* s.wait(reader.close());
    }),
  );
});

describeBoth('several tasks', (s) => {
  test(
    'have their turns in the order in which they came',
    realProgram(s, function* () {
      const path = noFile();
      const file = yield* s.wait(openFile(path, 'w+'));
      const writes = Array.from({ length: 50 }, (_, i) => file.write(`${i}\n`));
      yield* s.wait(gather(...writes));
      yield* s.wait(file.seek(0));
      const lines = yield* s.wait(gather(...writes.map(() => file.readline())));
      expect(lines.map(text)).toEqual(writes.map((_, i) => `${i}\n`));
      yield* s.wait(file.close());
    }),
  );

  test(
    'are served before the file is closed, but not after',
    realProgram(s, function* () {
      const path = noFile();
      const file = yield* s.wait(openFile(path, 'w'));
      const tasks = ['a', 'b', 'c'].map((letter) => createTask(() => file.write(letter)));
      const closing = createTask(() => file.close());
      const late = createTask(() => file.write('d'));
      expect(yield* failure(s, late)).toMatchObject({ name: 'ValueError', code: 'FILE_CLOSED' });
      yield* s.wait(gather(...tasks, closing));
      expect(readFileSync(path, 'utf8')).toBe('abc');
    }),
  );
});

describeBoth('a closed file', (s) => {
  test(
    'refuses everything but to be closed again',
    realProgram(s, function* () {
      const path = fileOf('abc');
      const file = yield* s.wait(openFile(path, 'r+'));
      expect(file.closed).toBe(false);
      expect(file.fileno()).toBeGreaterThan(2);
      yield* s.wait(file.close());
      yield* s.wait(file.close());
      expect(file.closed).toBe(true);
      expect(`${file}`).toBe(`<AsyncFile '${path.length > 60 ? `${path.slice(0, 57)}...` : path}' mode='r+' closed>`);
      const operations: ((file: AsyncFile) => unknown)[] = [
        () => file.read(),
        () => file.readexactly(1),
        () => file.readline(),
        () => file.write(''),
        () => file.writelines([]),
        () => file.seek(0),
        () => file.tell(),
        () => file.truncate(0),
        () => file.flush(),
        () => file.sync(),
        () => file.stat(),
        () => file[Symbol.asyncIterator]().next(),
      ];
      for (const operation of operations) {
        const error = (yield* failure(s, operation(file))) as ValueError;
        expect(error).toBeInstanceOf(ValueError);
        expect(error.message).toBe(`I/O operation on closed file: ${file}`);
      }
      expect(thrownBy(() => file.fileno())).toMatchObject({ code: 'FILE_CLOSED' });
    }),
  );

  test(
    'is one that `await using` has left',
    realProgram(s, function* () {
      const path = fileOf('abc');
      let file: AsyncFile | null = null;
      const use = async () => {
        await using opened = await openFile(path);
        file = opened;
        return text(await opened.read());
      };
      expect(yield* s.wait(createTask(use))).toBe('abc');
      expect(file!.closed).toBe(true);
    }),
  );
});

describeBoth('what cannot be', (s) => {
  test(
    'is refused at once',
    realProgram(s, function* () {
      const path = fileOf('abc');
      const reader = yield* s.wait(openFile(path));
      const writer = yield* s.wait(openFile(path, 'a'));
      const inText = yield* s.wait(openFile(path, { encoding: 'utf-8' }));
      for (const operation of [
        () => writer.read(),
        () => writer.readexactly(1),
        () => writer.readline(),
        () => writer.chunks(),
        () => writer[Symbol.asyncIterator](),
      ]) {
        expect(thrownBy(operation)).toMatchObject({ name: 'ValueError', code: 'NOT_READABLE' });
      }
      for (const operation of [() => reader.write('a'), () => reader.writelines([]), () => reader.truncate(0)])
        expect(thrownBy(operation)).toMatchObject({ name: 'ValueError', code: 'NOT_WRITABLE' });
      for (const wrong of [1.5, Number.NaN, '3', null, Number.POSITIVE_INFINITY])
        expect(() => reader.read(wrong as number)).toThrow('read: a whole number is required');
      expect(() => reader.readexactly(-1)).toThrow('must not be less than zero, got -1');
      expect(thrownBy(() => inText.readexactly(1))).toMatchObject({ code: 'NOT_BINARY' });
      expect(() => reader.chunks(0)).toThrow('chunks: the size must be above zero, got 0');
      expect(thrownBy(() => reader.seek(0, 3 as 2))).toMatchObject({ code: 'INVALID_WHENCE' });
      expect(() => reader.seek(0.5)).toThrow('seek: a whole number is required, got 0.5');
      expect(() => writer.write(3 as never)).toThrow('write: a Uint8Array or a string is required, got 3');
      expect([reader.mode, reader.encoding, inText.encoding, reader.name]).toEqual(['r', null, 'utf-8', path]);
      for (const file of [reader, writer, inText]) yield* s.wait((file as AsyncFile).close());
    }),
  );
});
