import { expect, test } from 'vitest';
import { treeOf } from '../../../../src/cli/pstree/pstree-command.ts';
import { lookOf, seen, wait, waitFor } from '../../../support/looks.ts';

test('a tree has below each task those that it awaits, and words only for other waits', () => {
  const look = lookOf(
    seen({ id: 1, waits: [waitFor(2, 3)] }),
    seen({ id: 2, waits: [waitFor(4)] }),
    seen({ id: 3, state: 'running', waits: [] }),
    seen({ id: 4, waits: [wait({ operation: 'get', object: '<Queue>' })] }),
    seen({ id: 5, waits: [waitFor(4), wait({ operation: 'wait', object: '<Event>' })] }),
  );
  expect(treeOf(look, null)).toEqual([
    't1  main()',
    '├─ t2  main()',
    '│  └─ t4  main()  waits for get() of <Queue>',
    '└─ t3  main()  [running]',
    't5  main()  waits for t4; wait() of <Event>',
    '└─ t4  (see above)',
  ]);
});

test('places and variables stand below their task, beside the lines of the tree', () => {
  const details = { generators: [{ name: 'g', place: 'a.ts:1:2', locals: { x: '1' } }] };
  const look = lookOf(
    seen({ id: 1, waits: [waitFor(2, 3)], ...details }),
    seen({ id: 2, ...details }),
    seen({ id: 3, waits: [] }),
  );
  expect(treeOf(look, null)).toEqual([
    't1  main()',
    '│  g() at a.ts:1:2',
    '│    x = 1',
    '├─ t2  main()  waits for sleep()',
    '│     g() at a.ts:1:2',
    '│       x = 1',
    '└─ t3  main()',
  ]);
});

test('circles, and tasks that a limit has left out, are told below; lines are cut to the terminal', () => {
  const tasks = [seen({ id: 1, waits: [waitFor(2)] }), seen({ id: 2, waits: [waitFor(1)] })];
  expect(treeOf({ tasks, total: 10 }, 20)).toEqual([
    't1  main()',
    '└─ t2  main()',
    '   └─ t1  (see abov…',
    'deadlock: t1 → t2 →…',
    'and about 8 more tasks: --limit shows more',
  ]);
});
