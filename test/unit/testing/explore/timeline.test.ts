import { describe, expect, test } from 'vitest';
import { drawTimeline, type Lane } from '../../../../src/testing/explore/timeline.ts';

function lane(name: string, ...marks: [at: number, mark: string][]): Lane {
  return { name, marks: marks.map(([at, mark]) => ({ at, mark })) };
}

describe('a timeline', () => {
  test('has a line for each task, with its steps, its end, and where two runs part', () => {
    const lanes = [lane('Task-1 main', [0, '●'], [3, '●'], [3, '■']), lane('Task-2', [1, '●'], [2, '●'], [2, '!'])];
    expect(drawTimeline('fails', lanes, 2).split('\n')).toEqual([
      'fails:',
      '                ▼',
      '  Task-1 main ●──■',
      '  Task-2       ●!',
    ]);
  });

  test('has no mark where two runs do not part', () => {
    expect(drawTimeline('passes', [lane('Task-1', [0, '●'], [0, '■'])], null)).toBe('passes:\n  Task-1 ■');
  });

  test('of a long run shows the steps around the place where two runs part, and says which', () => {
    const marks = Array.from({ length: 500 }, (_, at): [number, string] => [at, '●']);
    const text = drawTimeline('fails', [lane('Task-1', ...marks)], 300);
    expect(text.split('\n')[0]).toBe('fails (steps 273 to 328 of 500):');
    expect(Math.max(...text.split('\n').map((line) => line.length))).toBeLessThan(80);
    expect(text).toContain('▼');
  });

  test('of many tasks shows some, and says how many more there are', () => {
    const lanes = Array.from({ length: 40 }, (_, i) => lane(`Task-${i}`, [i, '●']));
    const lines = drawTimeline('fails', lanes, null).split('\n');
    expect(lines).toHaveLength(1 + 16 + 1);
    expect(lines.at(-1)).toBe('  and 24 more tasks');
  });
});
