import { cutText, safeText } from '../internal/safe-text.ts';

const LONGEST_NAME = 200;

/** Text of a program as a terminal may show it, in one line; shortened when it is very long. */
export function harmless(text: string): string {
  return safeText(cutText(text, LONGEST_NAME));
}

/** As above, in quotes. */
export function quoted(text: string): string {
  const safe = harmless(text);
  return safe.includes("'") && !safe.includes('"') ? `"${safe}"` : `'${safe.replaceAll("'", "\\'")}'`;
}
