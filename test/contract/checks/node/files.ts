import { CancelledError, createTask, forEach, gather, TimeoutError, timeout, ValueError } from 'asyncio-ts';
import {
  FileExistsError,
  FileNotFoundError,
  IncompleteReadError,
  OSError,
  openFile,
  readFile,
  readLines,
  runProcess,
  writeFile,
} from 'asyncio-ts/node';
import { withPrograms } from '../../lib/environment.ts';
import { equal, ok, throws } from '../../lib/expect.ts';
import { subject } from '../../lib/registry.ts';
import type { Spelling, Steps } from '../../lib/spellings.ts';
import { text } from '../../lib/text.ts';

const { live } = subject('files');

const { live: liveWithPrograms } = subject('files', withPrograms);

/** A check that has a folder of its own. */
function inFolder(name: string, body: (s: Spelling, folder: string) => Steps<void>, register = live): void {
  register(name, function* (s) {
    const { mkdtempSync, rmSync } = process.getBuiltinModule('node:fs');
    const { tmpdir } = process.getBuiltinModule('node:os');
    const folder = mkdtempSync(`${tmpdir()}/asyncio-ts-contract-`);
    try {
      yield* body(s, folder);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
}

/** What a loop over something gives. */
function* all<T>(s: Spelling, items: AsyncIterable<T>): Steps<T[]> {
  const found: T[] = [];
  const add = s.fn(function* (item: T): Steps<void> {
    found.push(item);
  });
  yield* s.wait(forEach(items, add));
  return found;
}

inFolder('whole files are written and read, as bytes and as text', function* (s, folder) {
  const path = `${folder}/file`;
  yield* s.wait(writeFile(path, 'grüße\n'));
  const bytes = yield* s.wait(readFile(path));
  equal([bytes.constructor, text(bytes)], [Uint8Array, 'grüße\n']);
  equal(yield* s.wait(readFile(path, { encoding: 'utf-8' })), 'grüße\n');
  equal((yield* s.wait(readFile(path, { encoding: 'latin1' }))).length, 8);
  const large = new Uint8Array(1_000_000).map((_, i) => i * 7);
  yield* s.wait(writeFile(path, large));
  const back = yield* s.wait(readFile(path));
  ok(back.length === large.length && back.every((byte, i) => byte === large[i]), 'the bytes that were written');
});

inFolder('a file is read by lines, by chunks and by numbers', function* (s, folder) {
  const path = `${folder}/lines`;
  yield* s.wait(writeFile(path, 'ada\ngrace\nlast'));
  equal((yield* all(s, readLines(path))).map(text), ['ada\n', 'grace\n', 'last']);
  equal(yield* all(s, readLines(path, { encoding: 'utf-8' })), ['ada\n', 'grace\n', 'last']);
  const file = yield* s.wait(openFile(path));
  equal(text(yield* s.wait(file.readline())), 'ada\n');
  equal(text(yield* s.wait(file.read(2))), 'gr');
  equal((yield* all(s, file.chunks(5))).map(text), ['ace\nl', 'ast']);
  equal((yield* s.wait(file.read())).length, 0, 'bytes at the end');
  yield* s.wait(file.seek(-4, 'end'));
  const error = yield* s.fails(file.readexactly(5), IncompleteReadError);
  equal([text(error.partial), error.expected], ['last', 5]);
  yield* s.wait(file.close());
});

inFolder('one file is read and written, in places', function* (s, folder) {
  const path = `${folder}/both`;
  const file = yield* s.wait(openFile(path, { mode: 'w+', encoding: 'utf-8' }));
  equal(yield* s.wait(file.writelines(['eins\n', 'zwö\n'])), 10);
  equal(yield* s.wait(file.tell()), 10);
  yield* s.wait(file.seek(5));
  equal(yield* s.wait(file.readline()), 'zwö\n');
  yield* s.wait(file.write('drei\n'));
  yield* s.wait(file.seek(0));
  equal(yield* all(s, file), ['eins\n', 'zwö\n', 'drei\n']);
  equal(yield* s.wait(file.truncate(5)), 5);
  yield* s.wait(file.flush());
  yield* s.wait(file.sync());
  equal((yield* s.wait(file.stat())).size, 5);
  yield* s.wait(file.close());
  const appended = yield* s.wait(openFile(path, 'a'));
  yield* s.wait(appended.write('end'));
  yield* s.wait(appended.close());
  equal(text(yield* s.wait(readFile(path))), 'eins\nend');
});

inFolder('several tasks take turns, each with a whole operation', function* (s, folder) {
  const path = `${folder}/turns`;
  const file = yield* s.wait(openFile(path, 'x+'));
  const lines = Array.from({ length: 20 }, (_, i) => `${i}`.repeat(1_000 + i));
  yield* s.wait(gather(...lines.map((line) => file.writelines([line, '\n']))));
  yield* s.wait(file.seek(0));
  const found = yield* s.wait(gather(...lines.map(() => file.readline())));
  equal(
    found.map(text),
    lines.map((line) => `${line}\n`),
  );
  yield* s.wait(file.close());
});

inFolder('a read that is cancelled takes nothing, a write is carried through', function* (s, folder) {
  const path = `${folder}/cancelled`;
  yield* s.wait(writeFile(path, 'one\ntwo\n'));
  const file = yield* s.wait(openFile(path, 'r+'));
  const read = createTask(file.readline());
  const second = createTask(file.readline());
  read.cancel();
  yield* s.fails(read, CancelledError);
  equal(text(yield* s.wait(second)), 'one\n');
  equal(text(yield* s.wait(file.readline())), 'two\n');
  const write = createTask(file.write('three\n'));
  const cancel = createTask(
    s.fn(function* (): Steps<void> {
      write.cancel();
    }),
  );
  yield* s.fails(write, CancelledError);
  yield* s.wait(cancel);
  yield* s.wait(file.close());
  equal(text(yield* s.wait(readFile(path))), 'one\ntwo\nthree\n');
});

inFolder(
  'a pipe is read as it is written, and a read that is cancelled takes nothing',
  function* (s, folder) {
    const path = `${folder}/pipe`;
    yield* s.wait(runProcess('mkfifo', [path], { check: true }));
    const reader = yield* s.wait(openFile(path, 'r+'));
    const read = s.fn(function* (): Steps<void> {
      yield* s.wait(reader.readline());
    });
    yield* s.fails(timeout(0.01, read), TimeoutError);
    const writer = yield* s.wait(openFile(path, 'w'));
    yield* s.wait(writer.write('one\ntwo\n'));
    equal(text(yield* s.wait(reader.readline())), 'one\n');
    equal(text(yield* s.wait(reader.readline())), 'two\n');
    equal((yield* s.fails(reader.tell(), OSError)).code, 'ESPIPE');
    yield* s.wait(writer.close());
    yield* s.wait(reader.close());
  },
  liveWithPrograms,
);

inFolder('errors of the system have its codes', function* (s, folder) {
  const path = `${folder}/file`;
  equal((yield* s.fails(openFile(path), FileNotFoundError)).code, 'ENOENT');
  equal((yield* s.fails(readFile(path), FileNotFoundError)).code, 'ENOENT');
  equal((yield* s.fails(readFile(folder), OSError)).code, 'EISDIR');
  yield* s.wait(writeFile(path, new Uint8Array([255, 10])));
  equal((yield* s.fails(openFile(path, 'x'), FileExistsError)).code, 'EEXIST');
  yield* s.fails(readFile(path, { encoding: 'utf-8' }), ValueError);
  equal(yield* s.wait(readFile(path, { encoding: 'utf-8', errors: 'replace' })), '\ufffd\n');
  throws(() => openFile(path, 'q' as never), ValueError);
});

inFolder('a closed file is closed, and its descriptor free', function* (s, folder) {
  const { fstatSync } = process.getBuiltinModule('node:fs');
  const file = yield* s.wait(openFile(`${folder}/file`, 'w'));
  const descriptor = file.fileno();
  ok(fstatSync(descriptor).isFile(), 'the descriptor of a file');
  yield* s.wait(file.close());
  yield* s.wait(file.close());
  equal(file.closed, true);
  throws(() => file.fileno(), ValueError);
  yield* s.fails(file.write('late'), ValueError);
  equal((throws(() => fstatSync(descriptor), Error) as { code?: string }).code, 'EBADF');
});
