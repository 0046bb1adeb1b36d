/** What a running program does: which task waits for what, and for whom. */

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
