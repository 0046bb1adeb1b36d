import { stripVTControlCharacters } from 'node:util';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Screen } from '../../../examples/tour/screen.ts';

const SHOW_CURSOR = '\x1b[?25h';
let written: string[];
const terminal = { write: (text: string) => written.push(text) };

beforeEach(() => {
  vi.useFakeTimers();
  written = [];
});
afterEach(() => {
  vi.useRealTimers();
});

test('a screen shows its lines again and again, each time over the last ones', () => {
  let frame = 0;
  const screen = new Screen(terminal, () => [`frame ${++frame}`, '●──']);
  vi.advanceTimersByTime(120);
  screen.end();
  const texts = written.map(stripVTControlCharacters).filter((text) => text !== '');
  expect(texts.map((text) => text.replace('\r', ''))).toEqual([1, 2, 3].map((n) => `frame ${n}\n●──\n`));
  expect(written.filter((text) => text.startsWith('\x1b[2A'))).toHaveLength(2);
  vi.advanceTimersByTime(1_000);
  expect(frame).toBe(3);
});

test('a screen gives the cursor back, also when the process ends before it does', () => {
  const listeners = process.listenerCount('exit');
  const screen = new Screen(terminal, () => []);
  process.listeners('exit').at(-1)!(0);
  expect(written.at(-1)).toBe(SHOW_CURSOR);
  screen.end();
  expect(written.at(-1)).toBe(SHOW_CURSOR);
  expect(process.listenerCount('exit')).toBe(listeners);
});
