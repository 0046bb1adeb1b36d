export { safeText } from '../../internal/safe-text.ts';

/** JSON in which the characters that `safeText` replaces are written by their numbers, too. */
export function safeJson(value: unknown): string {
  return JSON.stringify(value, null, 2).replace(/[^\n\x20-\x7e]/g, (unit) =>
    /[\p{L}\p{N}]/u.test(unit) ? unit : `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

/** How many columns a text takes in a terminal. */
export function widthOf(text: string): number {
  if (NARROW.test(text)) return text.length;
  let width = 0;
  for (const { segment } of clustersOf(text)) width += widthOfCluster(segment);
  return width;
}

/**
 * A text of at most so many columns: what is too long ends with `…`.
 *
 * @param columns 1 or more
 */
export function cutTo(text: string, columns: number): string {
  // Only the beginning is looked at, so that a text of any length costs the same.
  const head = text.length > columns * LONGEST_CLUSTER ? text.slice(0, columns * LONGEST_CLUSTER) : text;
  if (head.length === text.length && widthOf(text) <= columns) return text;
  let width = 0;
  let shown = '';
  for (const { segment } of clustersOf(head)) {
    width += widthOfCluster(segment);
    if (width > columns - 1) break;
    shown += segment;
  }
  return `${shown}…`;
}

/** The same, filled up with spaces. */
export function pad(text: string, columns: number): string {
  const shown = cutTo(text, columns);
  return shown + ' '.repeat(columns - widthOf(shown));
}

/**
 * Texts whose characters take one column each: nearly all cells of a table. For others the clusters are looked for, which doubles the time of
 * a table of 50,000 tasks.
 */
const NARROW = /^[\x20-\x7e→×…]*$/;
/** Made for the first text that needs it: that takes some milliseconds. */
let segmenter: Intl.Segmenter | undefined;

function clustersOf(text: string): Intl.Segments {
  segmenter ??= new Intl.Segmenter('en', { granularity: 'grapheme' });
  return segmenter.segment(text);
}

const LONGEST_CLUSTER = 16;

/** Characters of East Asian scripts, which take two columns: Unicode's classes W and F, by blocks. */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{16fe0}-\u{18cff}\u{1aff0}-\u{1b2ff}\u{1f200}-\u{1f2ff}\u{20000}-\u{3fffd}]/u;
const MARK = /^(?:\p{M}|\u200c|\u200d|\ufe0f)+$/u;

function widthOfCluster(cluster: string): number {
  if (MARK.test(cluster)) return 0;
  return WIDE.test(cluster) || /\p{Emoji_Presentation}|\ufe0f/u.test(cluster) ? 2 : 1;
}
