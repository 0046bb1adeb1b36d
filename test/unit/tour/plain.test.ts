import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { PlainLog } from '../../../examples/tour/plain.ts';
import type { Happening, Timeline } from '../../../examples/tour/recorder.ts';

let lines: string[];
let now: number;
let log: PlainLog;

beforeEach(() => {
  vi.useFakeTimers();
  lines = [];
  now = 0;
  log = new PlainLog(
    (line) => lines.push(line),
    () => now,
  );
});
afterEach(() => {
  vi.useRealTimers();
});

const timeline = (title: string): Timeline => ({ title, lanes: [] });
const first = timeline('first');
const second = timeline('second');

function happens(kind: 'begins' | 'ends', of: Timeline, ...labels: string[]): void {
  for (const label of labels) log.hear({ kind, timeline: of, lane: { label, begin: 0, steps: [], end: null } });
}

test('tasks that begin or end together are shown in one line for each program', () => {
  happens('begins', first, 'main');
  happens('begins', second, 'main');
  happens('begins', first, 'do1');
  vi.advanceTimersByTime(20);
  now = 1.014;
  happens('ends', first, 'do1');
  now = 1.03;
  vi.advanceTimersByTime(20);
  expect(lines).toEqual([
    '0.00 s  first                   begins: main, do1',
    '0.00 s  second                  begins: main',
    '1.01 s  first                   ends: do1',
  ]);
});

test('many tasks are counted', () => {
  happens('ends', first, ...Array.from({ length: 99 }, (_, i) => `work ${i + 1}`));
  log.flush();
  expect(lines).toEqual(['0.00 s  first                   ends: work 1, work 2, … work 99 (99)']);
});

test('what a program prints comes behind what happened before', () => {
  happens('ends', first, 'do1');
  const happening: Happening = { kind: 'prints', timeline: first, text: 'one\ntwo' };
  log.hear(happening);
  expect(lines.map((line) => line.slice(32))).toEqual(['ends: do1', 'prints: one', 'prints: two']);
  vi.runAllTimers();
  expect(lines).toHaveLength(3);
});
