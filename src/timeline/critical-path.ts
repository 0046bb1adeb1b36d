import type { SliceRef, TimelineModel, Track } from './model.ts';
import { slicesOf } from './model.ts';

/** A part of the critical path, in the order of time. */
export interface PathPart extends SliceRef {
  readonly begin: number;
  readonly end: number;
}

/** So many tasks that ended last are looked at. */
const LAST_TASKS = 8;

/**
 * What the end of a program, or of a slice, has waited for: followed backwards, from each step to the one that woke it or started it, and
 * where nothing of the program did so, to the wait before it and the step that began that wait. Of branches that were waited for together it
 * leads through the one that ended last, so that no two parts are at the same time. Making any other part faster would not end the program
 * earlier.
 *
 * @param slice where to begin. When absent, the end: of the tasks that ended last the one whose path is longest, since what runs at the very
 * end may be the library's own cleaning up
 */
export function criticalPath(model: TimelineModel, slice?: SliceRef): PathPart[] {
  if (slice !== undefined) return pathTo(model, stepOf(model, slice));
  const paths = lastSteps(model).map((step) => pathTo(model, step));
  return paths.sort((a, b) => spanOf(b) - spanOf(a))[0] ?? [];
}

/** How long a path is, from its begin to its end. */
export function spanOf(path: readonly PathPart[]): number {
  return path.length === 0 ? 0 : path.at(-1)!.end - path[0]!.begin;
}

function pathTo(model: TimelineModel, last: SliceRef | null): PathPart[] {
  const parts: PathPart[] = [];
  let step = last;
  let until = step === null ? 0 : model.endOf(step);
  // Each round goes back in time or to another step; a trace may say anything, so the rounds are counted all the same.
  for (let rounds = model.size; step !== null && rounds > 0; rounds--) {
    const { track, index } = step;
    const begin = track.steps.begins[index]!;
    parts.push({ ...step, begin, end: Math.max(begin, until) });
    const before = index === 0 ? -Infinity : track.steps.ends[index - 1]!;
    const arrow = model.arrivalIn(track, before, Math.max(begin, model.endOf(step)));
    const maker = arrow === null || arrow.begin > begin ? null : stepAt(arrow.from, arrow.begin);
    const wait = waitBefore(model, track, begin, arrow === null ? before : arrow.begin);
    if (maker !== null && !(maker.track === track && maker.index === index)) {
      until = arrow!.begin;
      step = maker;
      continue;
    }
    if (wait === null) {
      step = index === 0 ? null : { track, kind: 'step', index: index - 1 };
      until = before;
      continue;
    }
    const began = wait.track.waits.begins[wait.index]!;
    parts.push({ ...wait, begin: began, end: begin });
    // From there on it leads through the step that began the wait: what other branches of the task did meanwhile was beside it.
    step = stepAt(track, began);
    until = began;
  }
  return parts.reverse();
}

/** The last steps of the tasks that ended last. */
function lastSteps(model: TimelineModel): SliceRef[] {
  const tracks = model.tracks.filter(({ steps }) => steps.length > 0);
  const refs = tracks.map((track): SliceRef => ({ track, kind: 'step', index: track.steps.length - 1 }));
  return refs.sort((a, b) => model.endOf(b) - model.endOf(a)).slice(0, LAST_TASKS);
}

/** The step that a slice is, or that ends the wait. */
function stepOf(model: TimelineModel, { track, kind, index }: SliceRef): SliceRef | null {
  if (kind === 'step') return { track, kind, index };
  const main = model.mainOf(track);
  const next = main.steps.firstBeginningAt(slicesOf(track, kind).ends[index]!);
  return next < main.steps.length ? { track: main, kind: 'step', index: next } : null;
}

/** The step that runs at a moment, or ran last before it: a flight recorder does not know how long steps are. */
function stepAt(track: Track, time: number): SliceRef | null {
  const around = track.steps.at(time, 0);
  const index = around >= 0 ? around : track.steps.firstBeginningAt(time) - 1;
  return index < 0 ? null : { track, kind: 'step', index };
}

/** The wait of a task that ended right before a step began, and after the step before that one. */
function waitBefore(model: TimelineModel, main: Track, time: number, after: number): SliceRef | null {
  let found: SliceRef | null = null;
  let latest = after;
  for (const track of model.lanesOf(main)) {
    const { waits } = track;
    for (let index = waits.firstBeginningAt(time) - 1; index >= 0 && waits.ends[index]! > after; index--) {
      const end = waits.ends[index]!;
      if (end > time || end <= latest) continue;
      latest = end;
      found = { track, kind: 'wait', index };
    }
  }
  return found;
}
