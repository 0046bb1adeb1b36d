/** Text of a program as a terminal may show it: names and messages may hold anything. */

const LONGEST_NAME = 200;

/**
 * A text without control characters, escape sequences and characters that turn the direction of writing, which are shown as `\x1b` and
 * `\u202e`; shortened when it is very long.
 */
export function harmless(text: string): string {
  const short = text.length > LONGEST_NAME ? `${text.slice(0, LONGEST_NAME - 1)}…` : text;
  return short.replace(UNSAFE, escaped);
}

const UNSAFE = /[\p{Cc}\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu;

function escaped(character: string): string {
  if (character === '\n') return '\\n';
  const code = character.codePointAt(0)!;
  return code < 256 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`;
}

/** As above, in quotes. */
export function quoted(text: string): string {
  const safe = harmless(text);
  return safe.includes("'") && !safe.includes('"') ? `"${safe}"` : `'${safe.replaceAll("'", "\\'")}'`;
}
