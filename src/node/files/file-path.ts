import { Buffer } from 'node:buffer';
import { ValueError } from '../../errors/index.ts';
import { typeError } from '../../errors/type-error.ts';
import { describe } from '../../internal/describe.ts';
import { checkWellFormed } from '../../streams/text.ts';

/** The path of a file: a string, a `file:` URL, or the bytes of a name that is not text. */
export type FilePath = string | URL | Uint8Array;

/**
 * A path in the form that the runtime takes.
 *
 * @throws {TypeError} when it is not a path
 * @throws {ValueError} when it is empty, contains a NUL or half of a surrogate pair, or is not a `file:` URL
 */
export function checkPath(name: string, path: unknown): string | URL | Buffer {
  if (path instanceof URL) {
    if (path.protocol === 'file:') return path;
    throw new ValueError(`${name}: the URL of a file (file:) is required, got ${describe(path)}`, {
      code: 'INVALID_PATH',
    });
  }
  if (typeof path === 'string') {
    checkName(name, path, path.includes('\0'));
    checkWellFormed(`${name}: the path`, path); // it would name another file
  } else if (path instanceof Uint8Array) checkName(name, path, path.includes(0));
  else throw typeError(`${name}: a path (a string, a file: URL or bytes) is required, got ${describe(path)}`);
  return typeof path === 'string' ? path : Buffer.from(path.buffer, path.byteOffset, path.byteLength);
}

function checkName(name: string, path: string | Uint8Array, hasNul: boolean): void {
  if (path.length === 0) throw new ValueError(`${name}: the path is empty`, { code: 'INVALID_PATH' });
  if (hasNul) throw new ValueError(`${name}: embedded null byte in ${showPath(path)}`, { code: 'INVALID_PATH' });
}

/** A path as a message shows it. */
export function showPath(path: FilePath): string {
  if (path instanceof Uint8Array) return describe(new TextDecoder().decode(path));
  return describe(path instanceof URL ? path.href : path);
}
