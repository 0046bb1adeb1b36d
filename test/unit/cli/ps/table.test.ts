import { expect, test } from 'vitest';
import { drawTable } from '../../../../src/cli/ps/table.ts';
import { widthOf } from '../../../../src/cli/terminal/display.ts';

test('a table has a column as wide as its widest cell', () => {
  expect(
    drawTable(
      ['A', 'LONGER'],
      [
        ['名前', 'x'],
        ['b', 'yy'],
      ],
      null,
    ),
  ).toEqual(['A     LONGER', '名前  x', 'b     yy']);
});

test('a table fits into the terminal: its widest columns are cut first', () => {
  const lines = drawTable(['A', 'B', 'C'], [['a'.repeat(50), 'b'.repeat(30), 'c']], 40);
  expect(Math.max(...lines.map(widthOf))).toBeLessThanOrEqual(40);
  expect(lines[1]).toBe(`${'a'.repeat(16)}…  ${'b'.repeat(17)}…  c`);
});

test('a terminal that is too narrow for all columns gets the first ones, which can be read', () => {
  const cells = ['a'.repeat(50), 'b'.repeat(50), 'c'];
  const lines = (columns: number) => drawTable(['A', 'B', 'C'], [cells], columns);
  expect(lines(21)[1]).toBe(`${'a'.repeat(7)}…  ${'b'.repeat(7)}…  c`);
  expect(lines(20)).toEqual(['A          B', `${'a'.repeat(8)}…  ${'b'.repeat(8)}…`]);
  expect(lines(12)).toEqual(['A', `${'a'.repeat(11)}…`]);
});

test('no line of a table is wider than the terminal, however narrow that is', () => {
  for (let columns = 1; columns < 60; columns++) {
    const lines = drawTable(
      ['TASK', 'STATE', 'IN', '名前'],
      [['main#1', 'waiting', 'main()', '名'.repeat(9)]],
      columns,
    );
    expect(Math.max(...lines.map(widthOf))).toBeLessThanOrEqual(columns);
  }
});

test('lines below a row are cut to the terminal, too', () => {
  const lines = drawTable(['A'], [['a']], 12, () => ['x'.repeat(20)]);
  expect(lines[2]).toBe(`    ${'x'.repeat(7)}…`);
});
