import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import type { SeenTask } from '../../../../src/cli/attach/target.ts';
import {
  cyclesText,
  detailsText,
  framesText,
  moreFramesText,
  namesText,
  nameText,
  stateText,
  waitsText,
} from '../../../../src/cli/ps/task-text.ts';
import { TaskGraph } from '../../../../src/inspect/task-tree.ts';
import { seen, wait, waitFor } from '../../../support/looks.ts';

const others = [2, 3, 4, 5, 6].map((id) => seen({ id }));

/** What a task of these waits is said to wait for. */
function waits(...all: SeenTask['waits']): string {
  const task = seen({ id: 1, waits: all });
  return waitsText(task, new TaskGraph([task, ...others]));
}

describe('what a task waits for', () => {
  test.each([
    [wait({}), 'sleep()'],
    [waitFor(2), 't2'],
    [waitFor(2, 3), 't2 and t3 of its task group'],
    [waitFor(2, 3, 4, 5, 6), 't2, t3, t4 and 2 more of its task group'],
    [wait({ operation: 'gather', needs: [2, 3] }), 't2 and t3 in gather()'],
    [wait({ operation: 'acquire', object: '<Lock>', needs: [3] }), '<Lock>, held by t3'],
    [wait({ operation: 'get', object: '<Queue>' }), 'get() of <Queue>'],
    [wait({ operation: 'result', object: '<Future pending>' }), '<Future pending>'],
    [wait({ operation: 'promise', isForeign: true }), 'a promise from outside the library'],
    [wait({ operation: 'read', object: '<StreamReader>', isForeign: true }), 'read() of <StreamReader>, from outside'],
    [waitFor(99), 'a task that has ended'],
  ])('%#: %j', (one, text) => {
    expect(waits(one)).toBe(text);
  });

  test('is all of it where it waits in several places, and nothing where it does not wait', () => {
    expect(waits(waitFor(2), wait({}))).toBe('t2; sleep()');
    expect(waits()).toBe('');
  });

  test('is listed once with its number where several waits are equal, and in part where there are very many', () => {
    expect(waits(wait({}), waitFor(2), wait({}))).toBe('2 × sleep(); t2');
    const many = Array.from({ length: 30 }, (_, i) => wait({ operation: `f${i}` }));
    expect(waits(...many, ...many)).toMatch(/^2 × f0\(\); .*; 2 × f9\(\); and 40 more$/);
  });

  test('has nothing that a terminal obeys', () => {
    expect(waits(wait({ operation: 'get', object: '\x1b[31m' }))).toBe('get() of \\x1b[31m');
    expect(namesText([1], new TaskGraph([seen({ id: 1, name: '\u202ea' })]))).toBe('\\u202ea');
    expect(nameText(seen({ id: 1, name: 'a\nb' }))).toBe('a\\nb');
  });
});

test('functions are shown from the outermost one, generators by what the inspector calls them', () => {
  const frames: SeenTask['frames'] = [
    { name: 'main', kind: 'function' },
    { name: '', kind: 'generator' },
    { name: '', kind: 'generator' },
    { name: 'Queue.get', kind: 'coroutine' },
  ];
  const generators = [{ name: 'load', place: null, locals: null }];
  expect(framesText(seen({ id: 1, frames, generators }))).toBe('main() → load() → (generator) → Queue.get()');
  expect(framesText(seen({ id: 1, frames: [{ name: '', kind: 'function' }] }))).toBe('<anonymous>()');
});

test('a function has the name that the library knows, or else that of the inspector, which may be short in a minified program', () => {
  const frames: SeenTask['frames'] = [
    { name: 'load', kind: 'generator' },
    { name: '', kind: 'generator' },
  ];
  const generators = ['', 'e'].map((name, at) => ({ name, place: `a.ts:${at}:1`, locals: null }));
  const task = seen({ id: 1, name: 'Task-7', frames, generators });
  expect(framesText(task)).toBe('load() → e()');
  expect(nameText(task)).toBe('load#7');
  expect(detailsText(task)).toEqual(['load() at a.ts:0:1', 'e() at a.ts:1:1']);
});

test('branches of a task are shown side by side, equal ones once with their number', () => {
  const frames: SeenTask['frames'] = [
    { name: 'main', kind: 'function' },
    { name: 'load', kind: 'generator' },
    { name: 'save', kind: 'generator', isBeside: true },
    { name: 'flush', kind: 'function' },
  ];
  expect(framesText(seen({ id: 1, frames }))).toBe('main() → load(); save() → flush()');
  const again = [...frames, ...frames.slice(2), ...frames.slice(2)];
  expect(framesText(seen({ id: 1, frames: again }))).toBe('main() → load(); 3 × save() → flush()');
});

describe('a task without a name of its own', () => {
  const named = (name: string, frames: SeenTask['frames'], generators: SeenTask['generators'] = []) => {
    const task = seen({ id: 1, name, frames, generators });
    return [nameText(task), moreFramesText(task)];
  };
  const generator = { name: '', kind: 'generator' } as const;

  test('is called after its function, also where only the inspector knows that', () => {
    expect(named('Task-17', [{ name: 'load', kind: 'function' }])).toEqual(['load#17', '']);
    expect(named('Task-17', [generator], [{ name: 'load', place: null, locals: null }])).toEqual(['load#17', '']);
    expect(namesText([1], new TaskGraph([seen({ id: 1, name: 'Task-17' })]))).toBe('main#17');
    expect(nameText(seen({ id: 1, name: 'Task-17', frames: [{ name: '\x1b', kind: 'function' }] }))).toBe('\\x1b#17');
  });

  test('keeps its name where the function has none, and one that was given stays', () => {
    expect(named('Task-17', [{ name: '', kind: 'function' }])).toEqual(['Task-17', '<anonymous>()']);
    expect(named('Task-17', [generator])).toEqual(['Task-17', '(generator)']);
    expect(named('Task-17', [])).toEqual(['Task-17', '']);
    expect(named('Task-x', [{ name: 'load', kind: 'function' }])).toEqual(['Task-x', 'load()']);
  });

  test('is shown with the functions that it has called besides', () => {
    const frames = [{ name: 'load', kind: 'function' } as const, { name: 'Queue.get', kind: 'coroutine' } as const];
    expect(named('Task-17', frames)).toEqual(['load#17', 'load() → Queue.get()']);
  });
});

test('a task whose cancellation is asked for is shown as such, whatever it does', () => {
  expect(stateText(seen({ id: 1, cancelling: 1 }))).toBe('cancelling');
  expect(stateText(seen({ id: 1, state: 'scheduled' }))).toBe('ready');
  expect(stateText(seen({ id: 1, state: 'detached' }))).toBe('outside');
});

test('a circle is told as a deadlock, from its first task back to it', () => {
  const held = (by: number) => [wait({ operation: 'acquire', object: '<Lock>', needs: [by] })];
  const tasks = [seen({ id: 1, waits: held(2) }), seen({ id: 2, waits: held(1) }), seen({ id: 3 })];
  expect(cyclesText(new TaskGraph(tasks))).toEqual(['deadlock: t1 → t2 → t1']);
});

test('places and variables stand below a task, each place once', () => {
  const task = seen({
    id: 1,
    waits: [wait({ place: 'a.ts:1:2' }), wait({ place: 'a.ts:1:2' })],
    generators: [{ name: 'load', place: 'b.ts:3:4', locals: { x: '"\x1b"', y: '2' } }],
  });
  expect(detailsText(task)).toEqual(['at a.ts:1:2', 'load() at b.ts:3:4', '  x = "\\x1b"', '  y = 2']);
});

test('branches that stand at the same place are shown each with its variables', () => {
  const at = { name: 'load', place: 'b.ts:3:4' };
  const generators = [
    { ...at, locals: { x: '1', y: '0' } },
    { ...at, locals: { x: '2', y: '0' } },
  ];
  expect(detailsText(seen({ id: 1, generators }))).toEqual([
    'load() at b.ts:3:4',
    '  x = 1',
    '  y = 0',
    'load() at b.ts:3:4',
    '  x = 2',
    '  y = 0',
  ]);
});

test('places below the current folder are shown relative to it, for ES modules and for CommonJS', () => {
  const here = process.cwd();
  const places = [
    `${pathToFileURL(here)}/a b.mjs:1:2`,
    `${here}/c.cjs:3:4`,
    'file:///elsewhere/d.mjs:5:6',
    'file:///%:7:8',
  ];
  const task = seen({ id: 1, waits: places.map((place) => wait({ place })) });
  expect(detailsText(task)).toEqual(['at a b.mjs:1:2', 'at c.cjs:3:4', 'at /elsewhere/d.mjs:5:6', 'at file:///%:7:8']);
});
