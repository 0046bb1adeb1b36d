import { ValueError } from '../../errors/index.ts';
import { typeError } from '../../errors/type-error.ts';
import { describe } from '../../internal/describe.ts';

/**
 * How a file is opened: `r` to read, `w` to replace the content, `x` to create it (it must not exist), `a` to append
 * to it; each with `+` for both reading and writing. A `b`, as in Python, is allowed and has no effect.
 */
export type FileMode = `${'r' | 'w' | 'x' | 'a'}${'' | '+' | 'b' | 'b+' | '+b'}`;

/** The meaning of a mode. */
export interface OpenMode {
  readonly mode: FileMode;
  /** The mode in the form of the runtime. */
  readonly flags: string;
  readonly readable: boolean;
  readonly writable: boolean;
  /** Whether all writes go to the end of the file. */
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
 * Parses a mode.
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
