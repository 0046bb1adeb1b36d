import { cutTo, pad, safeText, widthOf } from '../terminal/display.ts';
import type { Line } from '../terminal/line.ts';
import { roomOf, type TopRow, type TopState } from './top-state.ts';

/** The least size that anything can be read in. */
const LEAST_COLUMNS = 40;
const LEAST_LINES = 10;
/** The widths of state, steps, time, and time without a step. */
const FIGURES = [10, 8, 7, 7] as const;

/** What the screen shows: exactly as many lines as the terminal has, none of them wider. */
export function render(state: TopState): Line[] {
  const { columns, lines } = state;
  if (columns < LEAST_COLUMNS || lines < LEAST_LINES) return filled([plain(`too small: ${columns} × ${lines}`)], state);
  if (state.isHelp) return filled(HELP.map(plain), state);
  const room = roomOf(state);
  const body = state.rows.slice(state.first, state.first + room).map((row) => rowLine(row, state));
  while (body.length < room) body.push(plain(''));
  return filled(
    [
      titleOf(state),
      cyclesOf(state),
      { text: rowText(['TASK', 'STATE', 'STEPS', 'TIME', 'STILL', 'WAITS FOR'], columns), style: 'reverse' },
      ...body,
      ...detailsOf(state),
      footOf(state),
    ],
    state,
  );
}

function plain(text: string): Line {
  return { text, style: 'plain' };
}

function filled(content: readonly Line[], { columns, lines }: TopState): Line[] {
  const shown = content.slice(0, lines).map(({ text, style }) => ({
    text: style === 'reverse' ? pad(text, columns) : cutTo(text, columns),
    style,
  }));
  while (shown.length < lines) shown.push(plain(''));
  return shown;
}

function titleOf({ pid, look, order, shown, filter, isPaused }: TopState): Line {
  if (look === null) return { text: `asyncio top  process ${pid}  …`, style: 'bold' };
  const counts = new Map<string, number>();
  for (const { state } of look.tasks) counts.set(state, (counts.get(state) ?? 0) + 1);
  const of = (state: string, word = state): string => (counts.has(state) ? `, ${counts.get(state)} ${word}` : '');
  const tasks =
    look.total > look.tasks.length ? `the first ${look.tasks.length} of ${look.total} tasks` : counted(look.total);
  const states = `${of('running')}${of('scheduled', 'ready')}${of('waiting')}${of('detached', 'outside')}`;
  const marks = [
    isPaused ? '  PAUSED' : '',
    order === 'tree' ? '' : `  by ${order}`,
    shown === 'all' ? '' : `  only ${shown}`,
    filter === '' ? '' : `  with '${safeText(filter)}'`,
  ];
  return { text: `asyncio top  process ${pid}  ${tasks}${states}${marks.join('')}`, style: 'bold' };
}

function counted(tasks: number): string {
  return tasks === 1 ? '1 task' : `${tasks} tasks`;
}

function cyclesOf({ cycles }: TopState): Line {
  if (cycles.length === 0) return plain('');
  return { text: `${cycles[0]}${cycles.length > 1 ? `  (and ${cycles.length - 1} more)` : ''}`, style: 'bold' };
}

function rowLine(row: TopRow, { columns, selected }: TopState): Line {
  const cells = [
    `${row.branches}${row.name}`,
    row.state,
    row.steps === null ? '-' : String(row.steps),
    row.running === null ? '-' : duration(row.running),
    stillText(row),
    row.waits === '' ? row.frames : row.waits,
  ];
  const style = row.id === selected ? 'reverse' : row.isContext ? 'dim' : 'plain';
  return { text: rowText(cells, columns), style };
}

/** How long a task has made no step; `>` where that began before counting did. */
function stillText({ still, steps }: TopRow): string {
  return still === null ? '-' : `${steps === 0 ? '>' : ''}${duration(still)}`;
}

function rowText(cells: readonly string[], columns: number): string {
  const [task, state, steps, time, still, waits] = cells as [string, string, string, string, string, string];
  const rest = columns - FIGURES.reduce((sum, width) => sum + width, 0) - 5;
  if (rest < 16) return `${pad(task, Math.max(1, columns - FIGURES[0] - 1))} ${pad(state, FIGURES[0])}`; // no room for more
  const own = Math.max(8, Math.floor(rest * 0.5));
  const figures = [steps, time, still].map((text, at) => padStart(text, FIGURES[at + 1]!));
  return `${pad(task, own)} ${pad(state, FIGURES[0])} ${figures.join(' ')} ${cutTo(waits, Math.max(1, rest - own))}`;
}

function padStart(text: string, columns: number): string {
  const shown = cutTo(text, columns);
  return ' '.repeat(columns - widthOf(shown)) + shown;
}

/** Two lines about the selected task, whose texts are cut in its row. */
function detailsOf({ rows, selected }: TopState): Line[] {
  const row = rows.find(({ id }) => id === selected);
  if (row === undefined) return [plain(''), plain('')];
  const waits = row.waits === '' ? 'does not wait' : `waits for ${row.waits}`;
  return [plain(`${row.name}  ${row.frames}`), plain(waits)];
}

function footOf({ typing, asking, rows, message, mayWrite }: TopState): Line {
  if (typing !== null) return plain(`${typing.kind}: ${safeText(typing.text)}▏`);
  if (asking !== null) {
    const name = rows.find(({ id }) => id === asking)?.name ?? '';
    return { text: `cancel ${cutTo(name, 30)}? y cancels it, any other key does not`, style: 'bold' };
  }
  if (message !== '') return { text: safeText(message), style: 'bold' };
  return {
    text: `q quit  ↑↓ move  / search  f filter  v state  s sort  p pause${mayWrite ? '  k cancel' : ''}  ? help`,
    style: 'dim',
  };
}

const HELP = [
  'Keys',
  '',
  '  ↑ ↓ PgUp PgDn Home End   choose a task',
  '  /                        search in names, functions and waits; n next, N last',
  '  f                        show only what has a text; Esc shows everything again',
  '  v                        show only: active, waiting, outside, cancelling; all',
  '  s                        sort: as a tree, by time, steps, still, name',
  '  p, space                 pause',
  '  k                        cancel the task (asyncio top --write)',
  '  q, Ctrl-C                quit',
  '',
  'STEPS and TIME count since top began, STILL is the time since the last step.',
  'outside: it waits for a promise that is not of asyncio-ts.',
  '',
  'Any key goes back.',
];

/** Seconds in at most six characters, up to years. */
export function duration(seconds: number): string {
  if (seconds < 0.0005) return '0';
  if (seconds < 0.9995) return `${Math.round(seconds * 1_000)}ms`;
  if (seconds < 59.95) return `${seconds.toFixed(1)}s`;
  const whole = Math.max(60, Math.floor(seconds));
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) return `${minutes}m${String(whole % 60).padStart(2, '0')}s`;
  const hours = Math.floor(minutes / 60);
  return hours < 100 ? `${hours}h${String(minutes % 60).padStart(2, '0')}m` : `${Math.floor(hours / 24)}d`;
}
