import { typeError } from '../../errors/type-error.ts';
import { nearest } from '../../internal/options.ts';

/** The names of the functions that a module exports. */
export function functionsOf(module: Readonly<Record<string, unknown>>): string[] {
  return Object.keys(module).filter((name) => typeof module[name] === 'function');
}

/**
 * The error for a function that a module does not export. It lists those that there are, and names the one that was probably meant.
 *
 * @param wanted the name that was asked for
 * @param problem the beginning of the message, before the list of names
 */
export function exportNotFound(wanted: string, exported: readonly string[], problem: string): TypeError {
  const meant = nearest(wanted, exported);
  const names = exported.length === 0 ? 'no functions' : exported.join(', ');
  return typeError(
    `${problem}, it exports ${names}${meant === undefined ? '' : `; write ${meant}`}`,
    'EXPORT_NOT_FOUND',
  );
}
