import process from 'node:process';

/**
 * Modules of the runtime that are loaded when they are first used: those for encryption take longer to load than all others that this
 * library imports together, and most programs encrypt nothing.
 */

/** `node:tls`. */
export function tls(): typeof import('node:tls') {
  return process.getBuiltinModule('node:tls');
}

/** A random identifier that nobody can guess. */
export function randomUUID(): string {
  return process.getBuiltinModule('node:crypto').randomUUID();
}
