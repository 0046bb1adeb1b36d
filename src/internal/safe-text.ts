/**
 * Text of a program, such as the name of a task, as it may be shown in one line of a terminal or a page: what would move the cursor, change
 * colours, turn the direction of writing or not be seen is shown by its number instead, as `\x1b` or `\u202e`.
 */
export function safeText(text: string): string {
  return text.toWellFormed().replace(UNSAFE, (character) => {
    if (character === '\n') return '\\n';
    const code = character.codePointAt(0)!;
    const digits = code.toString(16);
    if (code < 0x100) return `\\x${digits.padStart(2, '0')}`;
    return code < 0x10000 ? `\\u${digits.padStart(4, '0')}` : `\\u{${digits}}`;
  });
}

/**
 * Controls (also those of eight bits, which some terminals obey), characters that turn the direction of writing or are not seen, separators of
 * lines, and tags.
 */
const UNSAFE =
  /[\p{Cc}\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu;

/** The first characters of a text, and `…` where it is longer. */
export function cutText(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most)}…` : text;
}
