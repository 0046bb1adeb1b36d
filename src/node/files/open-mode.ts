import { ValueError } from '../../errors/index.ts';
import { typeError } from '../../errors/type-error.ts';
import { describe } from '../../internal/describe.ts';

/**
 * How a file is opened: `r` to read what is there, `w` to write it anew, `x` to make it (it must not exist), `a` to write behind
 * what is there; each with `+` for both reading and writing. A `b`, as Python has it, may be there and means nothing.
 */
export type FileMode = `${'r' | 'w' | 'x' | 'a'}${'' | '+' | 'b' | 'b+' | '+b'}`;

/** What a mode means. */
export interface OpenMode {
  readonly mode: FileMode;
  /** The same as the runtime says it. */
  readonly flags: string;
  readonly readable: boolean;
  readonly writable: boolean;
  /** Whether whatever is written goes to the end of the file. */
  readonly appends: boolean;
}

const FLAGS: Readonly<Record<string, string>> = {
  r: 'r',
  'r+': 'r+',
  w: 'w',
  'w+': 'w+',
  x: 'wx',
  'x+': 'wx+',
  a: 'a',
  'a+': 'a+',
};

/**
 * Reads a mode.
 *
 * @throws {TypeError} when it is not a string
 * @throws {ValueError} when there is no such mode
 */
export function parseMode(name: string, mode: unknown): OpenMode {
  if (typeof mode !== 'string') throw typeError(`${name}: a mode such as 'r' is required, got ${describe(mode)}`);
  const plain = mode.replace('b', '');
  const flags = Object.hasOwn(FLAGS, plain) ? FLAGS[plain] : undefined;
  if (flags === undefined) {
    const hint =
      /^[rwxabt+]+$/.test(mode) && mode.includes('t')
        ? "; for text give an encoding: { mode: 'r', encoding: 'utf-8' }"
        : '';
    throw new ValueError(`${name}: invalid mode: ${describe(mode)}; it is one of r, w, x, a, r+, w+, x+, a+${hint}`, {
      code: 'INVALID_MODE',
    });
  }
  const readsAndWrites = plain.endsWith('+');
  const reads = plain.startsWith('r');
  return {
    mode: mode as FileMode,
    flags,
    readable: reads || readsAndWrites,
    writable: !reads || readsAndWrites,
    appends: plain.startsWith('a'),
  };
}
