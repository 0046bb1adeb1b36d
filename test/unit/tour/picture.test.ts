import { expect, test } from 'vitest';
import { drawPicture } from '../../../examples/tour/picture.ts';
import type { Lane, Timeline } from '../../../examples/tour/recorder.ts';

const lane = (label: string, begin: number, end: number | null, ...steps: number[]): Lane => ({
  label,
  begin,
  end,
  steps,
});

function draw(timelines: Timeline[], { now = 4, height = 24, width = 89 } = {}) {
  return drawPicture(timelines, { now, span: 4, width, height })?.map((line) => line.trimEnd());
}

test('a task is a bar from its begin to its end, with a dot for each step', () => {
  const timeline = { title: '1 gather', lanes: [lane('main', 0, 3, 0, 3), lane('do1', 0, 1, 0, 1)] };
  expect(draw([timeline])).toEqual([
    '1 gather                main            ●─────────────────────────────●            3.00 s',
    '                        do1             ●─────────●                                1.00 s',
    '                                        0 s       1 s       2 s       3 s       4 s',
  ]);
});

test('a task that is not done reaches to the present', () => {
  const timeline = { title: '1 wait', lanes: [lane('main', 0, null, 0)] };
  expect(draw([timeline], { now: 2 })![0]).toBe('1 wait                  main            ●────────────────────');
});

test('a task that takes longer than the axis stays within the picture', () => {
  const timeline = { title: '1 wait', lanes: [lane('main', 0, 9, 0)] };
  expect(draw([timeline])![0]).toMatch(/ ●─{39}● {2}9\.00 s$/);
});

test('tasks that do not fit are drawn as one', () => {
  const lanes = [lane('main', 0, 2, 0), ...Array.from({ length: 99 }, (_, i) => lane(`work ${i}`, 1, 2, 1, 2))];
  expect(draw([{ title: '3 in order', lanes }], { height: 4 })).toEqual([
    '3 in order              main            ●───────────────────●                      2.00 s',
    '                        work 0                    ●─────────●                      1.00 s',
    '                        … 98 more                 ●─────────●                      1.00 s',
    '                                        0 s       1 s       2 s       3 s       4 s',
  ]);
  expect(draw([{ title: '3 in order', lanes }], { height: 2 })![0]).toBe(
    '3 in order              100 tasks       ●─────────●─────────●                      2.00 s',
  );
});

test('there is no picture where not even a line for each program fits', () => {
  const timelines = ['1', '2'].map((title) => ({ title, lanes: [lane('main', 0, 1)] }));
  expect(draw(timelines, { height: 3 })).toHaveLength(3);
  expect(draw(timelines, { height: 2 })).toBeUndefined();
  expect(draw(timelines, { width: 50 })).toBeUndefined();
});

test('long words are cut, and no line is wider than the picture', () => {
  const timeline = { title: 'a title of more than its column', lanes: [lane('a label longer than that', 0, 1)] };
  const lines = draw([timeline], { width: 80 })!;
  expect(lines[0]).toMatch(/^a title of more than i… a label longer… ─/);
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
});

test('the end of a task that was cancelled, or has failed, has a mark of its own', () => {
  const lanes = [
    { ...lane('a', 0, 1, 0, 1), outcome: 'cancelled' as const },
    { ...lane('b', 0, 2, 0, 2), outcome: 'failed' as const },
  ];
  expect(draw([{ title: '', lanes }], { width: 65 })).toEqual([
    'a               ●─────────✕                                1.00 s',
    'b               ●───────────────────!                      2.00 s',
    '                0 s       1 s       2 s       3 s       4 s',
  ]);
});
