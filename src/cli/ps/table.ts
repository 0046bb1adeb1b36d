import { cutTo, pad, widthOf } from '../terminal/display.ts';

/** A column is not cut below so many columns of the terminal. */
const NARROWEST = 8;
/** Where the width does not matter, as in a pipe, a cell is as wide as its text, up to this. */
const WIDEST = 160;
const GAP = '  ';

/**
 * A table with a heading.
 *
 * @param columns so wide is the terminal; `null` where it does not matter
 * @param below lines that belong below a row, by its index
 */
export function drawTable(
  heading: readonly string[],
  rows: readonly (readonly string[])[],
  columns: number | null,
  below: (row: number) => readonly string[] = () => [],
): string[] {
  const widths = heading.map((title, at) =>
    Math.min(
      WIDEST,
      rows.reduce((most, row) => Math.max(most, widthOf(row[at]!)), widthOf(title)),
    ),
  );
  if (columns !== null) fitInto(widths, columns);
  const cut = (text: string): string => (columns === null ? text : cutTo(text, columns));
  const line = (cells: readonly string[]): string =>
    cut(
      widths
        .map((width, at) => pad(cells[at]!, width))
        .join(GAP)
        .trimEnd(),
    );
  return [line(heading), ...rows.flatMap((row, at) => [line(row), ...below(at).map((text) => cut(`    ${text}`))])];
}

/** Makes columns fit into a terminal. Where it is too narrow for all, the last ones are left out, because lines that wrap cannot be read. */
function fitInto(widths: number[], columns: number): void {
  for (;;) {
    const room = columns - GAP.length * (widths.length - 1);
    const least = widths.reduce((sum, width) => sum + Math.min(width, NARROWEST), 0);
    if (least <= room || widths.length === 1) {
      shrink(widths, room);
      return;
    }
    widths.pop();
  }
}

/** Takes from the widest column until all of them fit, or nothing can be taken any more. */
function shrink(widths: number[], room: number): void {
  for (let over = widths.reduce((sum, width) => sum + width, 0) - room; over > 0; ) {
    const widest = widths.indexOf(Math.max(...widths));
    if (widths[widest]! <= NARROWEST) return;
    const second = Math.max(NARROWEST, ...widths.filter((_, at) => at !== widest));
    const take = Math.max(1, Math.min(over, widths[widest]! - second));
    widths[widest]! -= take;
    over -= take;
  }
}
