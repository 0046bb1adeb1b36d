import type { TraceEvent } from '../inspect/trace/events.ts';
import { type SliceRef, slicesOf, type Track } from './model.ts';

/** The event of a slice. */
export function eventOf({ track, kind, index }: SliceRef): TraceEvent {
  return slicesOf(track, kind).events[index]!;
}

/** The slice of a track that is nearest to a moment. */
export function nearestSlice(track: Track, time: number): SliceRef | null {
  const found: { readonly slice: SliceRef; readonly away: number }[] = [];
  for (const kind of ['step', 'wait'] as const) {
    const slices = slicesOf(track, kind);
    if (slices.length === 0) continue;
    const index = Math.min(slices.firstAfter(time), slices.length - 1);
    found.push({ slice: { track, kind, index }, away: Math.abs(slices.begins[index]! - time) });
  }
  return found.sort((a, b) => a.away - b.away)[0]?.slice ?? null;
}

/** The next or the previous slice of a track, whether step or wait. */
export function neighbour({ track, kind, index }: SliceRef, by: number): SliceRef | null {
  const begin = slicesOf(track, kind).begins[index]!;
  const other = kind === 'step' ? 'wait' : 'step';
  const candidates: { readonly slice: SliceRef; readonly begin: number }[] = [];
  const own = slicesOf(track, kind).begins[index + by];
  if (own !== undefined) candidates.push({ slice: { track, kind, index: index + by }, begin: own });
  const others = slicesOf(track, other);
  const next = others.firstBeginningAt(begin);
  const at = by > 0 ? (others.begins[next] === begin && kind === 'wait' ? next + 1 : next) : next - 1;
  const begins = others.begins[at];
  if (begins !== undefined) candidates.push({ slice: { track, kind: other, index: at }, begin: begins });
  candidates.sort((a, b) => (a.begin - b.begin) * by);
  return candidates[0]?.slice ?? null;
}
