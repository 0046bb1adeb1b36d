import process from 'node:process';

/**
 * Modules of the runtime that are loaded when they are first used. Those for encryption take longer to load than all others that this
 * library imports together, and most programs encrypt nothing. Whatever is loaded is walked through by each collection, too, of which
 * receiving a gigabyte causes some twenty.
 */

/** `node:tls`. */
export function tls(): typeof import('node:tls') {
  return process.getBuiltinModule('node:tls');
}

/** A random identifier that nobody can guess. */
export function randomUUID(): string {
  return process.getBuiltinModule('node:crypto').randomUUID();
}

/** `node:v8`, which clones values for processes. */
export function v8(): typeof import('node:v8') {
  return process.getBuiltinModule('node:v8');
}
