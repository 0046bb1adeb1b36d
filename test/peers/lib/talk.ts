import { createHash } from 'node:crypto';

export const MEGABYTE = 1_024 * 1_024;
/** How many bytes are echoed, and how many a big transfer has. */
export const ECHOED = 4 * MEGABYTE;
export const BIG = 64 * MEGABYTE;
export const CONNECTIONS = 300;

const LONG = 60_000;
export const LINES: string = `upper straße\r\n\nsum 1 2 39\nrepeat 3 ab c\nupper ${'x'.repeat(LONG)}\nupper last`;
export const ANSWERS: readonly string[] = [
  ...['STRASSE', '', '42', 'ab c', 'ab c', 'ab c', 'X'.repeat(LONG)],
  ...['LAST', 'bye'],
];

export const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

export const digest = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

export const oneOf = (sizes: readonly number[]): number => sizes[Math.floor(Math.random() * sizes.length)]!;

/** The line protocol: what is answered to a line. */
export function answer(line: string): string[] {
  const [, command, rest = ''] = /^(\S*) ?(.*)$/.exec(line) ?? [];
  if (command === 'upper') return [rest.toUpperCase()];
  if (command === 'sum') return [String(rest.split(' ').reduce((sum, number) => sum + Number(number), 0))];
  const [, count, repeated = ''] = /^(\d+) (.*)$/.exec(rest) ?? [];
  return command === 'repeat' ? Array<string>(Number(count)).fill(repeated) : [''];
}
