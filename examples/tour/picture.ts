import type { Lane, Timeline } from './recorder.ts';

/** How a picture is drawn. */
export interface Drawing {
  /** The present time, in seconds. */
  readonly now: number;
  /** The time at the right edge. */
  readonly span: number;
  /** Columns. */
  readonly width: number;
  /** At most so many lines. */
  readonly height: number;
}

const TITLE = 24;
/** How the end of a task is drawn. */
const ENDS = { cancelled: '✕', failed: '!' } as const;
/** What the marks of a picture mean. */
export const LEGEND = '● runs   ─ waits   ✕ is cancelled   ! fails';
const LABEL = 16;
const TIME = 8;

/**
 * Draws what runs when: a line for each task, on one axis of time. `●` is a step, `─` waiting between steps.
 *
 *     1 gather                main            ●─────────────────────────────●  3.00 s
 *                             do1             ●─────────●                      1.00 s
 *                             do3             ●─────────────────────────────●  3.00 s
 *                                             0 s       1 s       2 s       3 s
 *
 * @returns its lines; `null` when they do not fit
 */
export function drawPicture(timelines: readonly Timeline[], drawing: Drawing): string[] | null {
  const titled = timelines.some(({ title }) => title !== '');
  const columns = drawing.width - (titled ? TITLE : 0) - LABEL - TIME;
  const limit = lanesThatFit(timelines, drawing.height - 1);
  if (limit === 0 || columns < 10) return null;
  const lines = timelines.flatMap(({ title, lanes }) =>
    folded(lanes, limit).map((lane, i) => {
      const before = titled ? inColumns(i === 0 ? title : '', TITLE) : '';
      return before + drawLane(lane, columns, drawing);
    }),
  );
  return [...lines, (titled ? ' '.repeat(TITLE) : '') + drawAxis(columns, drawing.span)];
}

/** How many lines each timeline may have. */
function lanesThatFit(timelines: readonly Timeline[], height: number): number {
  const linesWith = (limit: number) => timelines.reduce((sum, { lanes }) => sum + Math.min(lanes.length, limit), 0);
  let limit = 5;
  while (limit > 0 && linesWith(limit) > height) limit--;
  return limit;
}

/** The first ones, and the others as one. */
function folded(lanes: readonly Lane[], limit: number): Lane[] {
  if (lanes.length <= limit) return [...lanes];
  const others = lanes.slice(limit - 1);
  const ends = others.map(({ end }) => end);
  const rest: Lane = {
    label: limit === 1 ? `${others.length} tasks` : `… ${others.length} more`,
    begin: Math.min(...others.map(({ begin }) => begin)),
    steps: others.flatMap(({ steps }) => steps),
    end: ends.includes(null) ? null : Math.max(...ends.map(Number)),
  };
  return [...lanes.slice(0, limit - 1), rest];
}

function drawLane(lane: Lane, columns: number, { now, span }: Drawing): string {
  const column = (time: number) => Math.min(columns - 1, Math.round((time / span) * (columns - 1)));
  const cells = Array.from({ length: columns }, () => ' ');
  cells.fill('─', column(lane.begin), column(lane.end ?? now) + 1);
  // A task that waited for a foreign promise goes on without a step of the loop, but its end is recorded.
  for (const step of lane.end === null ? lane.steps : [...lane.steps, lane.end]) cells[column(step)] = '●';
  if (lane.outcome !== undefined && lane.end !== null) cells[column(lane.end)] = ENDS[lane.outcome];
  const time = lane.end === null ? '' : `${(lane.end - lane.begin).toFixed(2)} s`;
  return `${inColumns(lane.label, LABEL)}${cells.join('')}${time.padStart(TIME)}`;
}

function drawAxis(columns: number, span: number): string {
  let axis = ' '.repeat(LABEL);
  for (let second = 0; second <= span; second++) {
    const at = LABEL + Math.round((second / span) * (columns - 1));
    if (at >= axis.length) axis = `${axis.padEnd(at)}${second} s`;
  }
  return axis;
}

/** A text in so many columns, of which the last is free. */
function inColumns(text: string, columns: number): string {
  return (text.length < columns ? text : `${text.slice(0, columns - 2)}…`).padEnd(columns);
}
