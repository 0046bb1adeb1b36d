import { expect, test } from 'vitest';
import limits from '../../../scripts/sizes.json' with { type: 'json' };
import { textOf } from '../../support/example-files.ts';

const readme = textOf('README.md');

/** The cells of the table that begins with a header, by the name of the row. */
function tableOf(file: string, header: RegExp): Map<string, string[]> {
  const lines = textOf(file).split('\n');
  const start = lines.findIndex((line) => header.test(line));
  expect(start, `${file} has no table ${header}`).toBeGreaterThanOrEqual(0);
  const end = lines.findIndex((line, index) => index > start && !line.trim().startsWith('|'));
  return new Map(
    lines.slice(start, end).map((line) => {
      const [name, ...cells] = line
        .trim()
        .slice(1, -1)
        .split('|')
        .map((cell) => cell.trim());
      return [name!, cells];
    }),
  );
}

const number = (cell: string): number => Number.parseFloat(cell.replaceAll(',', ''));

const ROWS = new Map([
  ['start and await a task', 'spawn and join 10k trivial tasks'],
  ['switch between tasks', 'context switch, one task'],
  ['an item through a queue', 'bounded queue (100), one producer, one consumer'],
  ['a contended lock', 'lock, contended, 100 × 100'],
  ['a timeout that is not needed', 'timeout around an operation done at once'],
]);

test.each([...ROWS])('the README gives for "%s" the figures of docs/performance.md, rounded', (short, long) => {
  const cells = tableOf('README.md', /^ *\| *\| asyncio-ts, generators/).get(short)!;
  const own = tableOf('docs/performance.md', /^\| per operation \| native \| gen/).get(long)!;
  const peers = tableOf('docs/performance.md', /^\| × native \| gen \| async \| Effect/).get(long)!;
  const python = tableOf('docs/performance.md', /^\| per operation \| CPython/).get(long)!;
  const native = number(own[0]!);
  const measured = [
    number(own[1]!),
    number(own[4]!),
    ...[2, 3, 4].map((column) => number(peers[column]!) * native),
    number(python[0]!),
  ];
  expect(cells).toHaveLength(measured.length);
  for (const [column, wanted] of measured.entries()) {
    const cell = cells[column]!;
    if (Number.isNaN(wanted)) expect(cell).toBe('–');
    else expect(Math.abs(number(cell) / wanted - 1), `${cell} beside ${Math.round(wanted)} ns`).toBeLessThan(0.06);
  }
});

test('the README gives as sizes the ceilings that `npm run sizes` checks', () => {
  const [, parts, whole] = /loads (\d+) kB for them, compressed; the whole core has (\d+) kB/.exec(readme)!;
  expect([parts, whole]).toEqual(limits.ceilings.map(({ ceiling }) => String(Math.ceil(ceiling / 1_000))));
});

test('the README counts as many tests of CPython and random programs as docs/exactness.md has', () => {
  const exactness = textOf('docs/exactness.md');
  const [, tests] = /\| \*\*all\*\* \| \*\*(\d+)\*\*/.exec(exactness)!;
  const [, programs] = /all ([\d,]+) programs agree/.exec(exactness)!;
  expect(readme).toContain(`${tests} of CPython's own asyncio tests`);
  expect(readme).toContain(`${programs} random programs`);
});

test('the README has at most 1,200 words', () => {
  expect(readme.split(/\s+/).filter((word) => word !== '').length).toBeLessThanOrEqual(1_200);
});
