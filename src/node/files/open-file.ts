import { type FileHandle, open } from 'node:fs/promises';
import { osError } from '../../errors/os-error.ts';
import { typeError } from '../../errors/type-error.ts';
import { describe } from '../../internal/describe.ts';
import { byName } from '../../internal/keywords.ts';
import { type AwaitableCoroutine, libraryCoroutine, noteWait, wrapPromise } from '../../kernel/lowlevel.ts';
import type { Bytes } from '../../streams/transports.ts';
import { AsyncFile } from './async-file.ts';
import { checkPermissions } from './checks.ts';
import { CODEC_OPTIONS, type CodecOptions, codecOf, type TextOptions } from './codec.ts';
import { checkPath, type FilePath } from './file-path.ts';
import { type FileMode, parseMode } from './open-mode.ts';

/** How a file is opened. */
export interface OpenFileOptions {
  /** `'r'` when absent. */
  readonly mode?: FileMode | undefined;
  /** The permissions of a new file; `0o666` minus the process's umask when absent. */
  readonly permissions?: number | undefined;
}

/**
 * Opens a file.
 *
 * **Cancellation**: the wait ends. If the system still opens the file, it is closed again; with `'w'` and `'x'` it may
 * have been created, or emptied.
 *
 * Follows Python's `open`, but reads bytes unless an encoding is given. Line ends of text are not changed.
 *
 * @param path a string, a `file:` URL, or bytes
 * @param mode `'r'` (when absent), `'w'`, `'x'` or `'a'`, with `'+'` for reading and writing; options may follow it, or be given instead of
 * it
 * @throws {ValueError} at once, when the mode or the encoding is unknown, or the path is invalid
 * @throws {TypeError} at once, when the path is not a string, URL or bytes
 * @throws {FileNotFoundError} when there is no such file; other kinds of `OSError` for other failures
 * @example
 * await using file = await openFile(path, { encoding: 'utf-8' });
 * for await (const line of file) use(line);
 *
 * const file = yield* openFile(path);
 * try {
 *   use(yield* file.readexactly(4));
 * } finally {
 *   yield* file.close();
 * }
 */
export function openFile(
  path: FilePath,
  mode?: FileMode | (OpenFileOptions & { readonly encoding?: undefined }),
): AwaitableCoroutine<AsyncFile>;
export function openFile(path: FilePath, options: OpenFileOptions & TextOptions): AwaitableCoroutine<AsyncFile<string>>;
export function openFile(
  path: FilePath,
  mode: FileMode,
  options: OpenFileOptions & TextOptions,
): AwaitableCoroutine<AsyncFile<string>>;
export function openFile(
  path: FilePath,
  mode: FileMode,
  options?: OpenFileOptions & { readonly encoding?: undefined },
): AwaitableCoroutine<AsyncFile>;
export function openFile(path: FilePath, ...given: readonly unknown[]): AwaitableCoroutine<AsyncFile<Bytes>> {
  const [first] = given;
  if (first !== undefined && typeof first !== 'string' && (typeof first !== 'object' || first === null))
    throw typeError(`openFile: a mode such as 'r' or options are required, got ${describe(first)}`);
  const options = byName<OpenFileOptions & CodecOptions>(
    'openFile',
    ['mode'],
    ['permissions', ...CODEC_OPTIONS],
    given,
  );
  const { mode = 'r', permissions = 0o666 } = options;
  checkPermissions('openFile', permissions);
  const openMode = parseMode('openFile', mode);
  const codec = codecOf('openFile', options);
  const place = checkPath('openFile', path);
  return opened(
    () => open(place, openMode.flags, permissions),
    (handle, isSequential) => new AsyncFile<Bytes>(handle, { name: path, openMode, codec, isSequential }),
  );
}

const opened = /* @__PURE__ */ libraryCoroutine(function* openFile(
  open: () => Promise<FileHandle>,
  make: (handle: FileHandle, isSequential: boolean) => AsyncFile<Bytes>,
): Generator<unknown, AsyncFile<Bytes>, unknown> {
  const opening = openAndLook(open);
  const future = wrapPromise(opening);
  noteWait(future, { operation: 'openFile', object: null });
  try {
    const { handle, isSequential } = yield* future;
    return make(handle, isSequential);
  } catch (error) {
    // No task gets the file any more, so it is closed.
    opening.then(({ handle }) => handle.close()).then(undefined, () => {});
    throw osError(error);
  }
});

async function openAndLook(open: () => Promise<FileHandle>): Promise<{ handle: FileHandle; isSequential: boolean }> {
  const handle = await open();
  try {
    const stats = await handle.stat();
    return { handle, isSequential: !(stats.isFile() || stats.isBlockDevice() || stats.isDirectory()) };
  } catch (error) {
    await handle.close();
    throw error;
  }
}
