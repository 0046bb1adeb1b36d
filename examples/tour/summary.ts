import { inspect, isDeepStrictEqual } from 'node:util';
import type { Outcome } from './play.ts';

/** How much earlier a program may end, in seconds, because of the resolution of timers. */
const EARLY = 0.01;
/** How much later a program may end, in seconds: the machine may be busy, but a program that waits twice, or for the wrong thing, ends later than this. */
const LATE = 0.9;

/** What is wrong with an outcome; `null` when nothing is. */
export function complaint({ part, seconds, ended }: Outcome): string | null {
  if ('error' in ended) return `failed: ${ended.error}`;
  if (!isDeepStrictEqual(ended.result, part.result)) {
    return `gave ${inspect(ended.result)} instead of ${inspect(part.result)}`;
  }
  if (part.seconds === null) return null;
  const difference = seconds - part.seconds;
  if (difference >= -EARLY && difference <= LATE) return null;
  return `took ${seconds.toFixed(3)} s instead of ${part.seconds} s`;
}

/** The table of expected and measured times, one column for each spelling, and what is wrong below it. */
export function summarize(outcomes: readonly Outcome[]): string[] {
  const spellings = [...new Set(outcomes.map(({ spelling }) => spelling))];
  const header = row('program', 'expected', spellings);
  const titles = [...new Set(outcomes.map(({ part }) => part.title))];
  const rows = titles.map((title) => {
    const ofPart = outcomes.filter(({ part }) => part.title === title);
    const { seconds } = ofPart[0]!.part;
    return row(title, seconds === null ? 'any' : `${seconds.toFixed(3)} s`, ofPart.map(cell));
  });
  const complaints = outcomes.flatMap((outcome) => {
    const text = complaint(outcome);
    return text === null ? [] : [`✗ ${outcome.part.title} (${outcome.spelling}) ${text}`];
  });
  const verdict = complaints.length === 0 ? [`✓ ${outcomes.length} runs, all as expected`] : complaints;
  return [header, '─'.repeat(header.length), ...rows, '', ...verdict];
}

function cell(outcome: Outcome): string {
  return `${outcome.seconds.toFixed(3)} s ${complaint(outcome) === null ? '✓' : '✗'}`;
}

function row(title: string, expected: string, measured: readonly string[]): string {
  return title.padEnd(24) + expected.padStart(10) + measured.map((text) => text.padStart(14)).join('');
}
