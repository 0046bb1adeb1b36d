import { statSync } from 'node:fs';
import path from 'node:path';
import { describe } from '../../internal/describe.ts';

/** Linux also has Unix sockets without files. */
export function isAbstract(file: string): boolean {
  return file.startsWith('\0');
}

/** The codes that runtimes use when they do not report what is wrong with a path. */
const VAGUE: Readonly<Record<'listen' | 'connect', string>> = { listen: 'EACCES', connect: 'ECONNREFUSED' };

/**
 * The system's failure at a Unix socket. Node reports EACCES for a server whose folder does not exist, and Bun reports ECONNREFUSED for
 * anything that is wrong with the path of a client. In these cases the path itself is checked.
 *
 * @param file `undefined` for a socket without a path
 */
export function pathFailure(
  error: Error & { readonly code?: unknown },
  syscall: 'listen' | 'connect',
  file: string | undefined,
): Error {
  if (error.code !== VAGUE[syscall] || file === undefined || isAbstract(file)) return error;
  const place = syscall === 'listen' ? path.dirname(file) : file;
  try {
    statSync(place);
    return error;
  } catch (cause) {
    const { code, errno } = cause as Error & { readonly code?: unknown; readonly errno?: unknown };
    const words = code === 'ENOENT' ? `${describe(place)} does not exist` : `${code} at ${describe(place)}`;
    return Object.assign(new Error(words, { cause: error }), { code, errno, syscall, address: file });
  }
}
