// Turns results into the README's tables: node bench/table.ts [FILE] [--into MARKDOWN]. Without FILE, those of the latest run;
// with --into, they replace what is between the bench marks of a Markdown file.
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { percent, quantity, times } from './lib/report.ts';
import { type Figure, LATEST, type Results, type Row, read } from './lib/results.ts';
import { ASYNC, GEN, type Goals, NATIVE } from './lib/subject.ts';

const SPELLINGS = [GEN, ASYNC] as const;
type Spelling = keyof Goals;

function tables(results: Results): string {
  const cpuBound = { ...results, rows: results.rows.filter((row) => row.io === undefined) };
  const parts = [againstNative(cpuBound), others(cpuBound), againstCPython(cpuBound), sockets(results)];
  return [...parts.filter((part) => part !== null), source(results)].join('\n\n');
}

function againstNative({ rows }: Results): string | null {
  if (rows.length === 0) return null;
  const head = ['per operation', NATIVE, ...SPELLINGS.flatMap((name) => [name, '× native', 'goal'])];
  return table(
    head,
    rows.map((row) => [row.title, amount(row, NATIVE), ...SPELLINGS.flatMap((name) => againstGoal(row, name))]),
  );
}

function againstGoal(row: Row, name: Spelling): string[] {
  const figure = find(row, name);
  const most = row.goals?.[name] ?? Number.POSITIVE_INFINITY;
  const goal = row.goals === null ? '' : `≤ ${most}`;
  return figure === undefined
    ? ['', '', goal]
    : [amount(row, name), times(figure.ratio), goal && `${goal} ${met(figure.ratio <= most)}`];
}

/** Other libraries, other spellings, and promises used with more care than usual. */
function others({ rows }: Results): string | null {
  const columns = [...new Set(rows.flatMap((row) => row.figures.map(({ name }) => name)))].filter(
    (name) => ![NATIVE, GEN, ASYNC].includes(name),
  );
  if (columns.length === 0) return null;
  const shown = rows.filter((row) => columns.some((name) => find(row, name) !== undefined));
  const ratio = (row: Row, name: string): string => times(find(row, name)?.ratio ?? Number.NaN);
  return table(
    ['× native', ...SPELLINGS, ...columns],
    shown.map((row) => [row.title, ...[...SPELLINGS, ...columns].map((name) => ratio(row, name))]),
  );
}

function againstCPython({ rows }: Results): string | null {
  const pythons = [...new Set(rows.flatMap(({ cpython }) => Object.keys(cpython)))];
  if (pythons.length === 0) return null;
  const head = ['per operation', ...pythons.flatMap((python) => [python, 'gen: times better', 'async: times better'])];
  return table(
    head,
    rows.map((row) => [row.title, ...pythons.flatMap((python) => comparison(row, python))]),
  );
}

function comparison(row: Row, python: string): string[] {
  const foreign = row.cpython[python];
  if (foreign === undefined) return ['', '', ''];
  return [withUnit(row, foreign.median), ...SPELLINGS.map((name) => better(row, name, foreign.median))];
}

function better(row: Row, name: Spelling, foreign: number): string {
  const ratio = foreign / (find(row, name)?.median ?? Number.NaN);
  const goal = row.goalsOverCPython?.[name];
  return goal === undefined ? times(ratio) : `${times(ratio)}, goal ≥ ${goal} ${met(ratio >= goal)}`;
}

/** Names of the contenders over sockets, where they are other ones than elsewhere. */
const SOCKET_NAMES: Readonly<Record<string, string>> = {
  [NATIVE]: '`node:net`',
  [GEN]: 'streams, gen',
  [ASYNC]: 'streams, async',
};

/** One line a contender: what gets through, and what is taken. */
function sockets({ rows: all }: Results): string | null {
  const rows = all.filter((row) => row.io !== undefined);
  if (rows.length === 0) return null;
  const names = [...new Set(rows.flatMap((row) => row.figures.map(({ name }) => name)))];
  return table(
    ['over loopback', ...rows.flatMap((row) => [row.title, '× `node:net`'])],
    names.map((name) => [SOCKET_NAMES[name] ?? name, ...rows.flatMap((row) => overLoopback(row, name))]),
  );
}

/** Rates are better when they are higher; memory when it is lower. */
function overLoopback(row: Row, name: string): string[] {
  const figure = find(row, name);
  if (figure === undefined) return ['', ''];
  const rate = row.io?.rate ?? null;
  if (rate === null) return [amount(row, name), times(figure.ratio)];
  const { unit, perOperation } = rate;
  return [
    `${quantity((perOperation * 1e9) / figure.median)} ${unit} ±${percent(figure.spread)}`,
    times(1 / figure.ratio),
  ];
}

function source({ machine, date, quick }: Results): string {
  const warning = quick ? ' From a quick run: not to be quoted.' : '';
  return (
    `${machine.runtime}; ${machine.cpu}, ${machine.cores} cores; ${date}. Medians of interleaved rounds, ± half the interquartile ` +
    `range; × native is the median of the ratios within a round, lower is better.${warning}`
  );
}

const met = (is: boolean): string => (is ? '✓' : '✗');

function amount(row: Row, name: string): string {
  const figure = find(row, name);
  return figure === undefined ? (row.skipped ?? '') : `${withUnit(row, figure.median)} ±${percent(figure.spread)}`;
}

const withUnit = (row: Row, value: number): string => `${quantity(value)} ${row.quantity === 'ns' ? 'ns' : 'B'}`;

const find = (row: Row, name: string): Figure | undefined => row.figures.find((figure) => figure.name === name);

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map((cell) => cell || '–').join(' | ')} |`;
  return [line(head), line(head.map((_, i) => (i === 0 ? '---' : '---:'))), ...rows.map(line)].join('\n');
}

/** Replaces what is between the marks. */
function insert(text: string, file: string): void {
  const markdown = readFileSync(file, 'utf8');
  const [begin, end] = ['<!-- bench -->', '<!-- /bench -->'];
  if (!markdown.includes(begin) || !markdown.includes(end)) throw new Error(`${file} has no ${begin} … ${end}`);
  const before = markdown.slice(0, markdown.indexOf(begin) + begin.length);
  writeFileSync(file, `${before}\n${text}\n${markdown.slice(markdown.indexOf(end))}`);
}

const { values, positionals } = parseArgs({ allowPositionals: true, options: { into: { type: 'string' } } });
const text = tables(read(positionals[0] ?? LATEST));
if (values.into === undefined) console.log(text);
else insert(text, values.into);
