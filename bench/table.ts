// Turns results into the README's table: node bench/table.ts [FILE]; without FILE, those of the latest run.
import { percent, quantity, times } from './lib/report.ts';
import { type Figure, LATEST, type Results, type Row, read } from './lib/results.ts';
import { ASYNC, GEN, type Goals, NATIVE } from './lib/subject.ts';

type Spelling = keyof Goals;

function table({ machine, date, quick, rows }: Results): string {
  const pythons = [...new Set(rows.flatMap(({ cpython }) => Object.keys(cpython)))];
  const peers = rows.some((row) => peersOf(row).length > 0);
  const head = ['workload', 'native', 'gen', '× native', 'goal', 'async', '× native', 'goal'];
  if (peers) head.push('others, × native');
  for (const python of pythons) head.push(python, 'gen is faster by', 'async is faster by');
  const lines = rows.map((row) => {
    const cells = [
      row.title,
      amount(row, NATIVE),
      ...spelling(row, GEN),
      ...spelling(row, ASYNC),
      ...(peers ? [peersOf(row).map(nameAndRatio).join(', ')] : []),
      ...pythons.flatMap((python) => comparison(row, python)),
    ];
    return cells.map((cell) => (cell === '' ? '–' : cell));
  });
  return [
    line(head),
    line(head.map((_, i) => (i === 0 ? '---' : '---:'))),
    ...lines.map(line),
    '',
    `${machine.runtime}; ${machine.cpu}, ${machine.cores} cores; ${date}${quick ? '; quick, not to be quoted' : ''}. ` +
      'Per operation; medians of interleaved rounds; × is the median of the ratios within a round, lower is better.',
  ].join('\n');
}

function spelling(row: Row, name: Spelling): string[] {
  const figure = find(row, name);
  if (figure === undefined) return ['', row.skipped === undefined ? '' : `(${row.skipped})`, `≤ ${row.goals[name]}`];
  const goal = row.goals[name];
  return [amount(row, name), times(figure.ratio), `≤ ${goal} ${met(figure.ratio <= goal)}`];
}

function comparison(row: Row, python: string): string[] {
  const foreign = row.cpython[python];
  if (foreign === undefined) return ['', '', ''];
  const cells = [withUnit(row, foreign.median)];
  for (const name of [GEN, ASYNC] as const) {
    const figure = find(row, name);
    const goal = row.goalsOverCPython?.[name];
    const faster = figure === undefined ? Number.NaN : foreign.median / figure.median;
    if (figure === undefined) cells.push('');
    else cells.push(goal === undefined ? times(faster) : `${times(faster)} (≥ ${goal} ${met(faster >= goal)})`);
  }
  return cells;
}

const met = (is: boolean): string => (is ? '✓' : '✗');

function amount(row: Row, name: string): string {
  const figure = find(row, name);
  return figure === undefined ? '' : `${withUnit(row, figure.median)} ±${percent(figure.spread)}`;
}

const withUnit = (row: Row, value: number): string => `${quantity(value)} ${row.quantity === 'ns' ? 'ns' : 'B'}`;

const find = (row: Row, name: string): Figure | undefined => row.figures.find((figure) => figure.name === name);

/** Everything but native and the two spellings that goals are for. */
function peersOf(row: Row): readonly Figure[] {
  return row.figures.filter(({ name }) => ![NATIVE, GEN, ASYNC].includes(name));
}

const nameAndRatio = ({ name, ratio }: Figure): string => `${name} ${quantity(ratio)}`;

const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

console.log(table(read(process.argv[2] ?? LATEST)));
