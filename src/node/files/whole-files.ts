import { readFile as readWhole, writeFile as writeWhole } from 'node:fs/promises';
import { isCancelledError } from '../../errors/errors.ts';
import { ValueError } from '../../errors/index.ts';
import { osError } from '../../errors/os-error.ts';
import { describe } from '../../internal/describe.ts';
import { checkOptions } from '../../internal/options.ts';
import { OVER, TaskIterator } from '../../interop/task-iterator.ts';
import {
  type AwaitableCoroutine,
  getRunningLoop,
  libraryCoroutine,
  noteWait,
  wrapPromise,
} from '../../kernel/lowlevel.ts';
import type { Bytes } from '../../streams/transports.ts';
import type { AsyncFile } from './async-file.ts';
import { checkPermissions } from './checks.ts';
import { CODEC_OPTIONS, type Codec, type CodecOptions, codecOf, type FileEncoding, type TextOptions } from './codec.ts';
import { checkPath, type FilePath, showPath } from './file-path.ts';
import { openFile } from './open-file.ts';

/** No encoding: bytes. */
interface AsBytes {
  readonly encoding?: undefined;
}

/**
 * Reads a whole file.
 *
 * **Cancellation**: reading stops.
 *
 * @param options `encoding`: gives text instead of bytes
 * @throws {TypeError} {ValueError} at once, as `openFile`; `ValueError` when the bytes are not valid in the encoding
 * @throws {FileNotFoundError} when there is no such file; other kinds of `OSError` for other failures
 * @example
 * const text = await readFile(path, { encoding: 'utf-8' });
 */
export function readFile(path: FilePath, options?: AsBytes): AwaitableCoroutine<Uint8Array>;
export function readFile(path: FilePath, options: TextOptions): AwaitableCoroutine<string>;
export function readFile(path: FilePath, options: CodecOptions = {}): AwaitableCoroutine<Bytes> {
  checkOptions('readFile', options, CODEC_OPTIONS);
  const codec = codecOf('readFile', options);
  const place = checkPath('readFile', path);
  return reading((signal) => readWhole(place, { signal }), codec);
}

const reading = /* @__PURE__ */ libraryCoroutine(function* readFile(
  read: (signal: AbortSignal) => Promise<Uint8Array>,
  codec: Codec<Bytes>,
): Generator<unknown, Bytes, unknown> {
  const controller = new AbortController();
  const future = wrapPromise(read(controller.signal), { onCancel: (reason) => controller.abort(reason) });
  noteWait(future, { operation: 'readFile', object: null });
  try {
    const bytes = yield* future;
    // A view that is not a `Buffer`.
    return codec.decode(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  } catch (error) {
    throw osError(error);
  }
});

/** How a whole file is written. */
export interface WriteFileOptions {
  /** `'w'` (the default) replaces the content, `'x'` creates the file, `'a'` appends. */
  readonly mode?: 'w' | 'x' | 'a' | undefined;
  /** The encoding of strings; UTF-8 when absent. */
  readonly encoding?: FileEncoding | undefined;
  /** The permissions of a new file; `0o666` minus the process's umask when absent. */
  readonly permissions?: number | undefined;
}

/**
 * Writes a whole file.
 *
 * **Cancellation**: the wait ends, but the file is still written, so that no half-written file is left; an error goes to the
 * exception handler of the loop.
 *
 * @param data bytes, which must not be changed before the end, or a string
 * @throws {TypeError} {ValueError} at once, as `openFile` and `write` of a file
 * @throws {FileNotFoundError} when there is no such folder; other kinds of `OSError` for other failures
 * @example
 * await writeFile(path, 'one\ntwo\n');
 */
export function writeFile(path: FilePath, data: Bytes, options: WriteFileOptions = {}): AwaitableCoroutine<void> {
  checkOptions('writeFile', options, ['encoding', 'mode', 'permissions']);
  const codec = codecOf('writeFile', options);
  const { mode = 'w', permissions = 0o666 } = options;
  checkPermissions('writeFile', permissions);
  const flag = WRITING_FLAGS.get(mode);
  if (flag === undefined) {
    throw new ValueError(`writeFile: the mode is 'w', 'x' or 'a', got ${describe(mode)}`, { code: 'INVALID_MODE' });
  }
  const bytes = (typeof data === 'string' ? codec : codecOf('writeFile', {})).encode('writeFile', data);
  const place = checkPath('writeFile', path);
  return writing(() => writeWhole(place, bytes, { flag, mode: permissions }), path);
}

const WRITING_FLAGS: ReadonlyMap<string, string> = /* @__PURE__ */ new Map([
  ['w', 'w'],
  ['x', 'wx'],
  ['a', 'a'],
]);

const writing = /* @__PURE__ */ libraryCoroutine(function* writeFile(
  write: () => Promise<void>,
  path: FilePath,
): Generator<unknown, void, unknown> {
  const promise = write();
  const future = wrapPromise(promise);
  noteWait(future, { operation: 'writeFile', object: null });
  try {
    yield* future;
  } catch (error) {
    if (!isCancelledError(error)) throw osError(error);
    const loop = getRunningLoop();
    promise.then(undefined, (failure) => {
      const exception = osError(failure);
      loop.callExceptionHandler({ message: `Writing ${showPath(path)} failed after a cancellation`, exception });
    });
    throw error;
  }
});

/**
 * The lines of a file, with their ends (`\n`). The file is opened when the first one is asked for, and closed at its end or when
 * the loop is left.
 *
 * **Cancellation**: closes the file.
 *
 * @param options `encoding`: gives text instead of bytes
 * @throws {TypeError} {ValueError} at once, as `openFile`
 * @throws {FileNotFoundError} where the first line is awaited, when there is no such file; other kinds of `OSError` for other
 * failures
 * @example
 * for await (const line of readLines(path, { encoding: 'utf-8' })) use(line);
 */
export function readLines(path: FilePath, options?: AsBytes): TaskIterator<Uint8Array>;
export function readLines(path: FilePath, options: TextOptions): TaskIterator<string>;
export function readLines(path: FilePath, options: CodecOptions = {}): TaskIterator<Bytes> {
  return new LinesOfFile(openLines(path, options as TextOptions));
}

function openLines(path: FilePath, options: TextOptions): AwaitableCoroutine<AsyncFile<string>> {
  checkOptions('readLines', options, CODEC_OPTIONS, false);
  codecOf('readLines', options);
  return openFile(path, options);
}

class LinesOfFile extends TaskIterator<string> {
  /** `null` after it was awaited, or when it is not needed any more. */
  #opening: AwaitableCoroutine<AsyncFile<string>> | null;
  #file: AsyncFile<string> | null = null;

  constructor(opening: AwaitableCoroutine<AsyncFile<string>>) {
    super();
    this.#opening = opening;
  }

  override *pull(): Generator<unknown, IteratorResult<string, undefined>, unknown> {
    if (this.#opening !== null) {
      const opening = this.#opening;
      this.#opening = null;
      this.#file = yield* opening;
    }
    if (this.#file === null) return OVER;
    let value = '';
    try {
      value = yield* this.#file.readline();
    } finally {
      if (value.length === 0) yield* this.close();
    }
    return value.length === 0 ? OVER : { done: false, value };
  }

  override *close(): Generator<unknown, void, unknown> {
    const file = this.#file;
    this.#opening = null;
    this.#file = null;
    if (file !== null) yield* file[Symbol.asyncDispose]();
  }
}
