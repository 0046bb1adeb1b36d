import { TaskGraph, type TaskRow } from '../../inspect/task-tree.ts';
import type { Look, SeenTask } from '../attach/target.ts';
import { framesText, nameText, stateText, waitsText } from '../ps/task-text.ts';
import { branchesOf } from '../pstree/pstree-command.ts';
import type { Key } from '../terminal/key.ts';

/** How rows are ordered: as a tree, or by a figure, the largest first, or by name. */
export const ORDERS = ['tree', 'time', 'steps', 'still', 'name'] as const;
export type Order = (typeof ORDERS)[number];

/** Which states are shown. */
export const SHOWN = ['all', 'active', 'waiting', 'outside', 'cancelling'] as const;
export type Shown = (typeof SHOWN)[number];

/** A row, ready to be drawn: its texts are safe to be written to a terminal. */
export interface TopRow {
  readonly id: number;
  /** The lines of the tree before the name. */
  readonly branches: string;
  readonly name: string;
  readonly state: string;
  readonly frames: string;
  readonly waits: string;
  readonly steps: number | null;
  readonly running: number | null;
  readonly still: number | null;
  /** Whether it is there only for those below it, which the filter has found. */
  readonly isContext: boolean;
}

/** What is typed in the last line. */
export interface Typing {
  readonly kind: 'search' | 'filter';
  readonly text: string;
}

/** Everything that the screen shows. */
export interface TopState {
  readonly pid: number;
  /** Whether tasks may be cancelled. */
  readonly mayWrite: boolean;
  readonly columns: number;
  readonly lines: number;
  /** `null` before the first look. */
  readonly look: Look | null;
  readonly rows: readonly TopRow[];
  /** Circles of tasks, one line each. */
  readonly cycles: readonly string[];
  readonly order: Order;
  readonly shown: Shown;
  readonly search: string;
  readonly filter: string;
  readonly typing: Typing | null;
  readonly isPaused: boolean;
  readonly isHelp: boolean;
  /** The task that is to be cancelled, if the answer is yes. */
  readonly asking: number | null;
  readonly selected: number | null;
  /** The index of the first row on the screen. */
  readonly first: number;
  readonly message: string;
}

/** What a key asks for, besides another state. */
export type Action = { readonly kind: 'quit' } | { readonly kind: 'cancel'; readonly id: number } | null;

/** Lines of the screen that are not rows: title, circles, heading, two of details, and the keys. */
const OTHER_LINES = 6;

export function initialState(pid: number, mayWrite: boolean, columns: number, lines: number): TopState {
  return {
    pid,
    mayWrite,
    columns,
    lines,
    look: null,
    rows: [],
    cycles: [],
    order: 'tree',
    shown: 'all',
    search: '',
    filter: '',
    typing: null,
    isPaused: false,
    isHelp: false,
    asking: null,
    selected: null,
    first: 0,
    message: '',
  };
}

/** How many rows there is room for. */
export function roomOf({ lines }: TopState): number {
  return Math.max(1, lines - OTHER_LINES);
}

/** After another look. */
export function withLook(state: TopState, look: Look, cycles: readonly string[]): TopState {
  return withRows({ ...state, look, cycles });
}

/** After the size of the terminal has changed. */
export function withSize(state: TopState, columns: number, lines: number): TopState {
  return scrolled({ ...state, columns, lines });
}

function withRows(state: TopState): TopState {
  const rows = state.look === null ? [] : rowsOf(state.look, state);
  const isThere = rows.some(({ id }) => id === state.selected);
  if (isThere || rows.length === 0) return scrolled({ ...state, rows });
  // What stood at the same place takes over from a task that has ended.
  const before = Math.max(0, indexOf(state));
  return scrolled({ ...state, rows, selected: rows[Math.min(before, rows.length - 1)]!.id });
}

function indexOf({ rows, selected }: TopState): number {
  return rows.findIndex(({ id }) => id === selected);
}

/** Keeps the selected row on the screen. */
function scrolled(state: TopState): TopState {
  const room = roomOf(state);
  const at = Math.max(0, indexOf(state));
  const least = Math.max(0, at - room + 1);
  const most = Math.max(0, Math.min(at, state.rows.length - room));
  return { ...state, first: Math.max(least, Math.min(state.first, Math.max(most, least))) };
}

function rowsOf(look: Look, { order, shown, filter }: TopState): TopRow[] {
  const graph = new TaskGraph(look.tasks);
  const isWanted = (row: TopRow): boolean => matchesState(row, shown) && matches(row, filter);
  if (order !== 'tree') {
    const rows = look.tasks.map((task) => rowOf(task, '', graph)).filter(isWanted);
    return rows.sort(COMPARE[order]);
  }
  const tree = graph.rows().filter(({ isRepeated }) => !isRepeated);
  const rows = tree.map((row) => rowOf(row.task as SeenTask, branchesOf(row), graph));
  if (shown === 'all' && filter === '') return rows;
  return withAncestors(tree, rows, isWanted);
}

/** The rows that are wanted, and those above them. */
function withAncestors(
  tree: readonly TaskRow[],
  rows: readonly TopRow[],
  isWanted: (row: TopRow) => boolean,
): TopRow[] {
  const kept: TopRow[] = [];
  let neededDepth = 0;
  for (let at = rows.length - 1; at >= 0; at--) {
    const row = rows[at]!;
    const { depth } = tree[at]!;
    const isFound = isWanted(row);
    if (!isFound && depth >= neededDepth) continue;
    kept.push(isFound ? row : { ...row, isContext: true });
    neededDepth = isFound ? depth : Math.min(neededDepth, depth);
  }
  return kept.reverse();
}

function rowOf(task: SeenTask, branches: string, graph: TaskGraph): TopRow {
  return {
    id: task.id,
    branches,
    name: nameText(task),
    state: stateText(task),
    frames: framesText(task),
    waits: waitsText(task, graph),
    steps: task.counts?.steps ?? null,
    running: task.counts?.running ?? null,
    still: task.counts?.still ?? null,
    isContext: false,
  };
}

const COMPARE: Readonly<Record<Exclude<Order, 'tree'>, (a: TopRow, b: TopRow) => number>> = {
  time: (a, b) => (b.running ?? 0) - (a.running ?? 0),
  steps: (a, b) => (b.steps ?? 0) - (a.steps ?? 0),
  still: (a, b) => (b.still ?? 0) - (a.still ?? 0),
  name: (a, b) => (a.name < b.name ? -1 : a.name > b.name ? 1 : 0),
};

function matchesState({ state }: TopRow, shown: Shown): boolean {
  return shown === 'all' || state === shown || (shown === 'active' && (state === 'ready' || state === 'running'));
}

/** Whether a text is somewhere in a row; capital letters do not count. */
function matches({ name, frames, waits }: TopRow, text: string): boolean {
  return text === '' || `${name}\n${frames}\n${waits}`.toLowerCase().includes(text.toLowerCase());
}

// ------------------------------------------------------------------------------------------------------- keys

/** What a key does. */
export function press(before: TopState, key: Key): { readonly state: TopState; readonly action: Action } {
  const state = { ...before, message: '' };
  if (key.ctrl && key.name === 'c') return { state, action: { kind: 'quit' } };
  if (state.typing !== null) return { state: typed(state, state.typing, key), action: null };
  if (state.asking !== null) return answered(state, state.asking, key);
  if (state.isHelp) return { state: { ...state, isHelp: false }, action: null };
  const move = MOVES[key.name];
  if (move !== undefined) return { state: moved(state, move(state)), action: null };
  if (key.text === 'q') return { state, action: { kind: 'quit' } };
  return { state: COMMANDS[key.text]?.(state) ?? state, action: null };
}

const MOVES: Readonly<Record<string, (state: TopState) => number>> = {
  up: () => -1,
  down: () => 1,
  pageup: (state) => -roomOf(state),
  pagedown: (state) => roomOf(state),
  home: ({ rows }) => -rows.length,
  end: ({ rows }) => rows.length,
};

const COMMANDS: Readonly<Record<string, (state: TopState) => TopState>> = {
  '/': (state) => ({ ...state, typing: { kind: 'search', text: '' } }),
  f: (state) => ({ ...state, typing: { kind: 'filter', text: state.filter } }),
  n: (state) => found(state, 1),
  N: (state) => found(state, -1),
  s: (state) => withRows({ ...state, order: next(ORDERS, state.order) }),
  v: (state) => withRows({ ...state, shown: next(SHOWN, state.shown) }),
  p: (state) => ({ ...state, isPaused: !state.isPaused }),
  ' ': (state) => ({ ...state, isPaused: !state.isPaused }),
  '?': (state) => ({ ...state, isHelp: true }),
  k: (state) => {
    if (!state.mayWrite) return { ...state, message: 'read-only: asyncio top --write allows to cancel' };
    return { ...state, asking: state.selected };
  },
};

function next<T>(all: readonly T[], current: T): T {
  return all[(all.indexOf(current) + 1) % all.length]!;
}

function moved(state: TopState, by: number): TopState {
  if (state.rows.length === 0) return state;
  const at = Math.max(0, Math.min(state.rows.length - 1, Math.max(0, indexOf(state)) + by));
  return scrolled({ ...state, selected: state.rows[at]!.id });
}

/** Goes to the next row that has the text that is searched for. */
function found(state: TopState, step: 1 | -1, from = indexOf(state) + step): TopState {
  const { rows, search } = state;
  if (search === '') return { ...state, message: 'nothing is searched for: / begins a search' };
  for (let i = 0; i < rows.length; i++) {
    const at = (from + i * step + rows.length * 2) % rows.length;
    if (matches(rows[at]!, search)) return scrolled({ ...state, selected: rows[at]!.id });
  }
  return { ...state, message: `nothing has '${search}'` };
}

function typed(state: TopState, { kind, text }: Typing, key: Key): TopState {
  const done = { ...state, typing: null };
  const type = (to: string): TopState => {
    const typing = { kind, text: to };
    return kind === 'filter' ? withRows({ ...state, typing, filter: to }) : { ...state, typing };
  };
  switch (key.name) {
    case 'return':
    case 'enter':
      return kind === 'search' ? found({ ...done, search: text }, 1, Math.max(0, indexOf(state))) : done;
    case 'escape':
      return kind === 'filter' ? withRows({ ...done, filter: '' }) : done;
    case 'backspace':
      return type([...text].slice(0, -1).join(''));
    default:
      return key.ctrl || /^\p{Cc}?$/u.test(key.text) ? state : type(text + key.text);
  }
}

function answered(state: TopState, id: number, { text }: Key): { state: TopState; action: Action } {
  if (text !== 'y') return { state: { ...state, asking: null, message: 'not cancelled' }, action: null };
  return { state: { ...state, asking: null }, action: { kind: 'cancel', id } };
}
