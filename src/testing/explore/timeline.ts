/** One task of a timeline. */
export interface Lane {
  readonly name: string;
  /** What it did at which step of the run. */
  readonly marks: { readonly at: number; readonly mark: string }[];
}

/** So many steps are shown at the most: those around the one where two runs part. */
const WIDTH = 56;
const MOST_LANES = 16;

/**
 * Draws who ran when: a line for each task, a column for each step. ● is a step, ■ the end of a task, ✕ a cancelled one, ! a failed one.
 *
 * @param parted the step in which this run and another one part; `null` when they do not
 */
export function drawTimeline(title: string, lanes: readonly Lane[], parted: number | null): string {
  const last = Math.max(0, ...lanes.flatMap(({ marks }) => marks.map(({ at }) => at)));
  const from = Math.max(0, Math.min((parted ?? 0) - WIDTH / 2, last - WIDTH + 1));
  const to = Math.min(last, from + WIDTH - 1);
  const shown = lanes.filter(({ marks }) => marks.some(({ at }) => at >= from && at <= to)).slice(0, MOST_LANES);
  const width = Math.max(...shown.map(({ name }) => name.length), 0);
  const lines = shown.map(({ name, marks }) => `  ${name.padEnd(width)} ${drawLane(marks, from, to)}`);
  if (parted !== null && parted >= from && parted <= to)
    lines.unshift(`  ${' '.repeat(width)} ${' '.repeat(parted - from)}▼`);
  if (lanes.length > shown.length) lines.push(`  and ${lanes.length - shown.length} more tasks`);
  const cut = from > 0 || to < last ? ` (steps ${from + 1} to ${to + 1} of ${last + 1})` : '';
  return `${title}${cut}:\n${lines.join('\n')}`;
}

function drawLane(marks: Lane['marks'], from: number, to: number): string {
  const first = marks[0]!.at;
  const end = marks.at(-1)!.at;
  const cells: string[] = [];
  for (let at = from; at <= to; at++) cells.push(at > first && at < end ? '─' : ' ');
  for (const { at, mark } of marks) if (at >= from && at <= to) cells[at - from] = mark;
  return cells.join('').trimEnd();
}
