import { readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { CancelledError, createTask, forEach } from 'asyncio-ts';
import { readFile, readLines, writeFile } from 'asyncio-ts/node';
import { expect, test } from 'vitest';
import { FileExistsError, FileNotFoundError } from '../../../../src/errors/os-error.ts';
import { failure, iterations } from '../../../support/programs.ts';
import { realProgram } from '../../../support/real-programs.ts';
import { describeBoth } from '../../../support/spellings.ts';
import { allIsClosedIn, bytes, callsAreOver, fileOf, noFile, openIn, text } from './support.ts';

describeBoth('readFile', (s) => {
  test(
    'gives plain bytes, or text',
    realProgram(s, function* () {
      const file = fileOf('aö\r\n');
      expect(text(yield* s.wait(readFile(file)))).toBe('aö\r\n');
      expect(yield* s.wait(readFile(file, { encoding: 'utf-8' }))).toBe('aö\r\n');
      expect(yield* s.wait(readFile(file, { encoding: 'latin1' }))).toBe('aÃ¶\r\n');
      expect(text(yield* s.wait(readFile(fileOf(''))))).toBe('');
    }),
  );

  test(
    'fails with the error of the system, or for bytes that are not text',
    realProgram(s, function* () {
      expect(yield* failure(s, readFile(noFile()))).toBeInstanceOf(FileNotFoundError);
      expect(yield* failure(s, readFile('/'))).toMatchObject({ name: 'OSError', code: 'EISDIR' });
      const file = fileOf(Uint8Array.of(0xff));
      expect(yield* failure(s, readFile(file, { encoding: 'utf-8' }))).toMatchObject({ code: 'INVALID_ENCODING' });
      expect(yield* s.wait(readFile(file, { encoding: 'utf-8', errors: 'replace' }))).toBe('\ufffd');
      expect(() => readFile('')).toThrow('readFile: the path is empty');
      expect(() => readFile(file, { encoding: 'x' as 'utf-8' })).toThrow('readFile: unknown encoding');
    }),
  );

  test(
    'is cancelled at once, and keeps nothing open',
    realProgram(s, function* () {
      const file = fileOf('x'.repeat(4_000_000));
      const task = createTask(() => readFile(file));
      yield* iterations(s, 2);
      task.cancel();
      expect(yield* failure(s, task)).toBeInstanceOf(CancelledError);
      yield* s.wait(createTask(() => allIsClosedIn(path.dirname(file))));
    }),
  );
});

describeBoth('writeFile', (s) => {
  test(
    'writes anew, makes, or writes behind',
    realProgram(s, function* () {
      const file = noFile();
      yield* s.wait(writeFile(file, 'one\n', { mode: 'x', permissions: 0o640 }));
      expect(statSync(file).mode & 0o777).toBe(0o640);
      expect(yield* failure(s, writeFile(file, '', { mode: 'x' }))).toBeInstanceOf(FileExistsError);
      yield* s.wait(writeFile(file, bytes('two\n'), { mode: 'a' }));
      expect(readFileSync(file, 'utf8')).toBe('one\ntwo\n');
      yield* s.wait(writeFile(file, 'ö', { encoding: 'latin1' }));
      expect([...readFileSync(file)]).toEqual([0xf6]);
    }),
  );

  test(
    'refuses bad arguments at once',
    realProgram(s, function* () {
      const file = fileOf('abc');
      expect(() => writeFile(file, 3 as never)).toThrow('writeFile: a Uint8Array or a string is required, got 3');
      expect(() => writeFile(file, 'x', { mode: 'r' as 'w' })).toThrow(
        "writeFile: the mode is 'w', 'x' or 'a', got 'r'",
      );
      expect(() => writeFile(file, '€', { encoding: 'latin1' })).toThrow("'latin1' codec can't encode");
      expect(() => writeFile(file, 'x', { permissions: -1 })).toThrow('writeFile: permissions must be a number from 0');
      yield* iterations(s, 1);
      expect(readFileSync(file, 'utf8')).toBe('abc');
    }),
  );

  test(
    'goes on when it is cancelled, so that the file is whole',
    realProgram(s, function* (reports) {
      const content = 'x'.repeat(4_000_000);
      const file = noFile();
      const missing = path.join(noFile(), 'below');
      const tasks = [createTask(() => writeFile(file, content)), createTask(() => writeFile(missing, content))];
      yield* iterations(s, 2);
      for (const task of tasks) {
        task.cancel();
        expect(yield* failure(s, task)).toBeInstanceOf(CancelledError);
      }
      yield* s.wait(createTask(callsAreOver));
      expect(readFileSync(file, 'utf8')).toBe(content);
      expect(reports.splice(0)).toMatchObject([
        { message: expect.stringMatching(/^Writing '.*' failed after a cancellation$/), exception: { code: 'ENOENT' } },
      ]);
    }),
  );
});

describeBoth('readLines', (s) => {
  test(
    'gives all lines, and closes the file',
    realProgram(s, function* () {
      const file = fileOf('one\ntwo\nthree');
      const lines: unknown[] = [];
      const add = s.fn(function* (line: unknown) {
        lines.push(line);
        expect(openIn(path.dirname(file))).toBe(1);
      });
      yield* s.wait(forEach(readLines(file, { encoding: 'utf-8' }), add));
      expect(lines).toEqual(['one\n', 'two\n', 'three']);
      expect(openIn(path.dirname(file))).toBe(0);
      yield* s.wait(forEach(readLines(file), add));
      expect(lines.slice(3).map(text)).toEqual(['one\n', 'two\n', 'three']);
      expect(openIn(path.dirname(file))).toBe(0);
    }),
  );

  test(
    'closes the file when no more lines are wanted',
    realProgram(s, function* () {
      const file = fileOf('one\ntwo\n');
      const lines = readLines(file, { encoding: 'utf-8' });
      expect(openIn(path.dirname(file))).toBe(0);
      expect(yield* s.wait(lines.next())).toEqual({ done: false, value: 'one\n' });
      expect(openIn(path.dirname(file))).toBe(1);
      yield* s.wait(lines.return());
      expect(openIn(path.dirname(file))).toBe(0);
      expect(yield* s.wait(lines.next())).toEqual({ done: true, value: undefined });
    }),
  );

  test(
    'opens nothing without need, and ends when it fails',
    realProgram(s, function* () {
      const unwanted = readLines(noFile());
      yield* s.wait(unwanted.return());
      expect((yield* s.wait(unwanted.next())).done).toBe(true);
      const missing = readLines(noFile());
      expect(yield* failure(s, missing.next())).toBeInstanceOf(FileNotFoundError);
      expect((yield* s.wait(missing.next())).done).toBe(true);
      const wrong = fileOf(Uint8Array.of(0xff, 0x0a));
      const lines = readLines(wrong, { encoding: 'utf-8' });
      expect(yield* failure(s, lines.next())).toMatchObject({ code: 'INVALID_ENCODING' });
      expect(openIn(path.dirname(wrong))).toBe(0);
      expect((yield* s.wait(lines.next())).done).toBe(true);
      expect(() => readLines('')).toThrow('the path is empty');
    }),
  );
});
