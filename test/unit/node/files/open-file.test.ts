import { readFileSync, statSync } from 'node:fs';
import { pathToFileURL } from 'node:url';
import { ValueError } from 'asyncio-ts';
import { openFile } from 'asyncio-ts/node';
import { expect, test } from 'vitest';
import { FileExistsError, FileNotFoundError } from '../../../../src/errors/os-error.ts';
import { failure } from '../../../support/programs.ts';
import { realProgram } from '../../../support/real-programs.ts';
import { describeBoth } from '../../../support/spellings.ts';
import { bytes, fileOf, noFile, text } from './support.ts';

describeBoth('opening a file', (s) => {
  test(
    'takes a string, a URL and bytes',
    realProgram(s, function* () {
      const path = fileOf('abc');
      for (const name of [path, pathToFileURL(path), bytes(path)]) {
        const file = yield* s.wait(openFile(name));
        expect(text(yield* s.wait(file.read()))).toBe('abc');
        yield* s.wait(file.close());
      }
    }),
  );

  test(
    'treats an existing file as its mode says',
    realProgram(s, function* () {
      const path = fileOf('abc');
      const kept = yield* s.wait(openFile(path, 'r+'));
      yield* s.wait(kept.close());
      expect(readFileSync(path, 'utf8')).toBe('abc');
      expect(yield* failure(s, openFile(path, 'x'))).toBeInstanceOf(FileExistsError);
      const emptied = yield* s.wait(openFile(path, 'w'));
      yield* s.wait(emptied.close());
      expect(readFileSync(path, 'utf8')).toBe('');
      const made = yield* s.wait(openFile(noFile(), 'x+'));
      yield* s.wait(made.close());
    }),
  );

  test(
    'makes it with the permissions asked for',
    realProgram(s, function* () {
      const path = noFile();
      const file = yield* s.wait(openFile(path, { mode: 'w', permissions: 0o600 }));
      yield* s.wait(file.close());
      expect(statSync(path).mode & 0o777).toBe(0o600);
    }),
  );

  test(
    'fails with the error of the system',
    realProgram(s, function* () {
      const missing = noFile();
      const error = (yield* failure(s, openFile(missing))) as FileNotFoundError;
      expect(error).toBeInstanceOf(FileNotFoundError);
      expect(error).toMatchObject({ code: 'ENOENT', syscall: 'open', path: missing });
      expect(yield* failure(s, openFile(missing, 'r+'))).toBeInstanceOf(FileNotFoundError);
      expect(yield* failure(s, openFile('/', 'w'))).toMatchObject({ code: 'EISDIR' });
      expect(yield* failure(s, openFile(`${fileOf('')}/below`))).toMatchObject({ name: 'OSError', code: 'ENOTDIR' });
    }),
  );

  test(
    'refuses bad arguments at once, and touches nothing',
    realProgram(s, function* () {
      const path = fileOf('abc');
      expect(() => openFile(path, 'rw' as 'r')).toThrow(ValueError);
      expect(() => openFile(path, { mode: 'w', encoding: 'utf-16' as 'utf-8' })).toThrow('unknown encoding');
      expect(() => openFile('', 'w')).toThrow('openFile: the path is empty');
      expect(() => openFile(3 as never)).toThrow(TypeError);
      expect(() => openFile(path, 3 as never)).toThrow("openFile: a mode such as 'r' or options are required, got 3");
      expect(() => openFile(path, null as never)).toThrow("a mode such as 'r' or options are required, got null");
      expect(() => openFile(path, { mode: 'w', permissions: 'rw' as never })).toThrow(
        'openFile: permissions must be a number from 0 to 0o7777, got ',
      );
      expect(readFileSync(path, 'utf8')).toBe('abc');
    }),
  );

  test(
    'happens when it is awaited, not before',
    realProgram(s, function* () {
      const path = fileOf('abc');
      openFile(path, 'w');
      const file = yield* s.wait(openFile(path));
      expect(readFileSync(path, 'utf8')).toBe('abc');
      yield* s.wait(file.close());
    }),
  );
});
