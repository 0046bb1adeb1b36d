import type { TraceEvent } from '../inspect/trace/events.ts';
import { TimelineView } from './view.ts';

/** Options of `createTimeline`. */
export interface TimelineOptions {
  /** Light or dark; what the system asks for when absent. A button of the timeline changes it. */
  readonly theme?: 'light' | 'dark' | 'auto';
  /** Whether the newest events stay in sight while they are appended, until the user moves the window. Default: true. */
  readonly follow?: boolean;
  /** What the timeline is called for screen readers. Default: `timeline of tasks`. */
  readonly label?: string;
  /** Shown while there are no events. */
  readonly emptyText?: string;
  /** Called when the user selects a slice, with its event; with `null` when nothing is selected any more. */
  readonly onSelect?: (event: TraceEvent | null) => void;
}

/** What `createTimeline` returns. */
export interface Timeline {
  /** Adds events, in the order in which they were recorded. Drawn in the next frame of the page. */
  append(events: Iterable<TraceEvent>): void;
  /** Forgets all events. */
  clear(): void;
  /** Shows everything. */
  fit(): void;
  /** Shows a moment of the trace, in microseconds of its clock: of a program that is run step by step. */
  reveal(time: number): void;
  /** Gives it the keyboard. */
  focus(): void;
  /** Takes the timeline out of the page, with its listeners. */
  destroy(): void;
}

/**
 * Shows trace events in an element of a page, which gives the size: tasks as rows, their steps and waits, arrows, and counters. It can be
 * zoomed, moved, searched, and used with keys alone (`?` shows them).
 *
 * For a program that runs in the page itself, `startTracing({ onEvents: (events) => timeline.append(events) })` gives the events.
 *
 * @param parent an element with a height
 * @throws {Error} when the page has no canvas that can be drawn on
 */
export function createTimeline(parent: HTMLElement, options: TimelineOptions = {}): Timeline {
  const view = new TimelineView(parent, options);
  return {
    append: (events) => view.append(events),
    clear: () => view.clear(),
    fit: () => view.fit(),
    reveal: (time) => view.reveal(time),
    focus: () => view.focus(),
    destroy: () => view.destroy(),
  };
}
