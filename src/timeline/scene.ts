import type { Palette } from './colors.ts';
import type { PathPart } from './critical-path.ts';
import type { SliceRef, TimelineModel, Track } from './model.ts';
import type { TimeWindow } from './window.ts';

/** Heights, in pixels of the page. */
export const ROW = 24;
export const OVERVIEW = 44;
export const RULER = 22;
export const HEAD = OVERVIEW + RULER;
/** Everything that a picture shows. */
export interface Scene {
  readonly model: TimelineModel;
  readonly window: TimeWindow;
  readonly palette: Palette;
  readonly width: number;
  readonly height: number;
  /** How wide the names are. */
  readonly gutter: number;
  readonly scrollTop: number;
  readonly selected: SliceRef | null;
  readonly selectedTrack: Track | null;
  readonly hovered: SliceRef | null;
  /** `null` when nothing is looked for. */
  readonly isMatch: ((name: string, track: Track) => boolean) | null;
  /** By track; `null` when it is not shown. */
  readonly path: ReadonlyMap<Track, readonly PathPart[]> | null;
  /** A span that is being chosen with the pointer, in pixels. */
  readonly chosen: readonly [number, number] | null;
}

export const FONT = '11px ui-sans-serif, system-ui, sans-serif';
