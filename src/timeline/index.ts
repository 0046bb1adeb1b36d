/**
 * Shows trace events in a page.
 *
 * @module asyncio-ts/timeline
 */

export type { TraceArguments, TraceEvent } from '../inspect/trace/events.ts';
export { createTimeline, type Timeline, type TimelineOptions } from './timeline.ts';
