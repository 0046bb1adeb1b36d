import type { PathPart } from './critical-path.ts';
import { type SliceRef, slicesOf, type TimelineModel, type Track } from './model.ts';
import { eventOf } from './navigate.ts';
import { shownDuration, shownText } from './text.ts';

/** Pairs of a title and a text. */
export type Facts = readonly (readonly [string, string])[];

const TITLES: Readonly<Record<string, string>> = { place: 'at', spawned: 'started at', object: 'object' };
const ARROWS: Readonly<Record<string, readonly [string, string]>> = {
  spawn: ['started', 'started by'],
  wake: ['woke', 'woken by'],
  cancel: ['cancelled', 'cancelled by'],
};
const MOST_ARROWS = 12;

/** What is known of a slice, for the box beside the pointer. */
export function factsOf(model: TimelineModel, slice: SliceRef): Facts {
  const { track, kind, index } = slice;
  const slices = slicesOf(track, kind);
  const begin = slices.begins[index]!;
  const end = model.endOf(slice);
  const isOpen = slices.ends[index] === Infinity;
  const facts: [string, string][] = [
    ['task', track.name],
    ['begins', shownDuration(begin - model.begin)],
    ['lasts', `${shownDuration(end - begin)}${isOpen ? ' so far' : ''}`],
  ];
  for (const [key, value] of Object.entries(slices.events[index]!.args ?? {})) {
    facts.push([TITLES[key] ?? shownText(key), shownText(value)]);
  }
  return facts;
}

/** The arrows of a slice, in words: who started or woke it, and whom it started or woke. */
export function arrowFactsOf(model: TimelineModel, slice: SliceRef): Facts {
  const facts = model.arrowsOf(slice).flatMap(({ kind, from, to, begin, end }): [string, string][] => {
    if (to === null) return [];
    const isLeaving = from === slice.track && begin >= slicesOf(slice.track, slice.kind).begins[slice.index]!;
    const [leaving, arriving] = ARROWS[kind] ?? [kind, kind];
    const other = isLeaving && to !== slice.track ? to : from;
    return [
      [
        other === to && isLeaving ? leaving : arriving,
        `${other.name}, ${shownDuration(Math.max(0, end - begin))} apart`,
      ],
    ];
  });
  if (facts.length <= MOST_ARROWS) return facts;
  return [...facts.slice(0, MOST_ARROWS), ['and', `${facts.length - MOST_ARROWS} more`]];
}

/** What the critical path consists of, the longest first. */
export function factsOfPath(parts: readonly PathPart[]): Facts {
  const sums = new Map<string, number>();
  for (const { track, kind, index, begin, end } of parts) {
    const name = shownText(slicesOf(track, kind).events[index]!.name);
    const key = kind === 'step' ? `${track.name} runs` : `${track.name} waits: ${name}`;
    sums.set(key, (sums.get(key) ?? 0) + end - begin);
  }
  const whole = [...sums.values()].reduce((sum, one) => sum + one, 0);
  const longest = [...sums].sort(([, a], [, b]) => b - a).slice(0, 8);
  return longest.map(([key, sum]) => [shownDuration(sum), `${key} (${Math.round((100 * sum) / (whole || 1))} %)`]);
}

/** One sentence for a screen reader. */
export function sentenceOf(model: TimelineModel, slice: SliceRef): string {
  const name = shownText(slicesOf(slice.track, slice.kind).events[slice.index]!.name);
  const facts = factsOf(model, slice).map(([title, text]) => `${title} ${text}`);
  return `${slice.kind === 'step' ? 'step' : 'wait'} ${name}: ${facts.join(', ')}`;
}

/** What a slice is called above its facts. */
export function titleOfSlice(slice: SliceRef): string {
  const { name } = eventOf(slice);
  return slice.kind === 'step' ? `step: ${shownText(name)}` : `waits: ${shownText(name)}`;
}

/** What is known of a row. */
export function factsOfTrack(model: TimelineModel, track: Track): Facts {
  const { steps, waits, begin, end } = track;
  const facts: [string, string][] = [
    ['steps', String(steps.length)],
    ['waits', String(waits.length)],
    ['alive', `${shownDuration(begin - model.begin)} to ${shownDuration(end - model.begin)}`],
  ];
  for (const { event } of track.marks) {
    facts.push([
      shownText(event.name),
      Object.values(event.args ?? {})
        .map(shownText)
        .join(', '),
    ]);
    if (facts.length > 10) break;
  }
  return facts;
}
