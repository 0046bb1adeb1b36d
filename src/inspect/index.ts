/// <reference lib="esnext.disposable" preserve="true" />

/**
 * What a running program does: its tasks, which of them waits for what, and for whom; and what it has done: traces, and a flight recorder.
 *
 * @module asyncio-ts/inspect
 */

import { stuckReport } from '../kernel/lowlevel.ts';
import { captureWaitGraph } from './wait-graph.ts';
import { formatWaitTree } from './wait-tree.ts';

// A program that imports this has its pending tasks told as a tree; package.json ("sideEffects") keeps the line in bundles.
stuckReport.tell = (loop) => formatWaitTree(captureWaitGraph(loop));

export { futureAddToAwaitedBy, futureDiscardFromAwaitedBy } from './awaited-by.ts';
export {
  type CallGraph,
  type CallGraphOptions,
  captureCallGraph,
  formatCallGraph,
  type PrintCallGraphOptions,
  printCallGraph,
} from './call-graph.ts';
export type { CallFrame } from './frames.ts';
export type { FrameSnapshot, PageOptions, TaskCounts, TaskPage, TaskSnapshot, WaitSnapshot } from './lens.ts';
export { recordPlaces } from './record-places.ts';
export { captureTasks, type SnapshotOptions, taskPages } from './snapshot.ts';
export { titleOfTask } from './task-title.ts';
export { joinPages, TaskGraph, type TaskRow } from './task-tree.ts';
export { type DevtoolsTracksOptions, startDevtoolsTracks } from './trace/devtools-tracks.ts';
export {
  TRACE_FORMAT,
  TRACE_VERSION,
  type TraceArguments,
  type TraceDocument,
  type TraceEvent,
  type TraceOrigin,
} from './trace/events.ts';
export { type FlightRecorder, type FlightRecorderOptions, startFlightRecorder } from './trace/flight-recorder.ts';
export { readTrace } from './trace/read-trace.ts';
export { startTracing, type Tracing, type TracingOptions } from './trace/tracing.ts';
export { captureWaitGraph, formatWaitGraph, type WaitEdge, type WaitGraph, type WaitNode } from './wait-graph.ts';
export { formatWaitTree } from './wait-tree.ts';
