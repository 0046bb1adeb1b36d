import { expect, test } from 'vitest';
import { drawTree, type Tree } from '../../../src/cli/tree.ts';

const tree = (text: string, ...below: Tree[]): Tree => ({ lines: text.split('\n'), below });

test('a tree without branches is its own lines', () => {
  expect(drawTree(tree('one\ntwo'))).toEqual(['one', 'two']);
});

test('branches hang on lines that go on beside what is below them', () => {
  const drawing = drawTree(tree('root', tree('first\n  more', tree('leaf')), tree('last\n\nmore', tree('leaf'))));
  expect(drawing).toEqual([
    'root', //
    '├─ first',
    '│    more',
    '│  └─ leaf',
    '└─ last',
    '',
    '   more',
    '   └─ leaf',
  ]);
});
