/**
 * The one format of everything that is recorded: trace events, as Chrome and Perfetto define them, so that their viewers open the files as
 * well. What is said here is which of them this library writes, and what they mean.
 *
 * | event | meaning |
 * | --- | --- |
 * | `M` `process_name`, `thread_name`, `thread_sort_index` | a loop is a process, a task a thread; thread 0 is the loop itself |
 * | `X`, category `step` | a task runs |
 * | `B` and `E`, category `wait` | a task waits; the name says for what. One without `E` has not ended |
 * | `s` and `f`, category `spawn`, `wake`, `cancel` | an arrow from the task that starts, wakes or cancels to the other one |
 * | `i`, category `end`, `cancel`, `error` | a task ends, a cancellation is delivered, an error is reported |
 * | `C` | a counter: `tasks` that are alive, and what is `ready` to run |
 */
export interface TraceEvent {
  readonly ph: 'M' | 'X' | 'B' | 'E' | 's' | 'f' | 'i' | 'C';
  readonly name: string;
  readonly cat?: 'step' | 'wait' | 'spawn' | 'wake' | 'cancel' | 'end' | 'error';
  /** The loop, from 1. */
  readonly pid: number;
  /** The task, from 1 in the order in which they were first seen; 0 for the loop. */
  readonly tid: number;
  /** Microseconds of the loop's clock. */
  readonly ts: number;
  /** Microseconds. */
  readonly dur?: number;
  /** What the two ends of an arrow have in common. */
  readonly id?: number;
  /** Of the end of an arrow: it belongs to the slice around it. */
  readonly bp?: 'e';
  /** Of an instant: it is one of a thread. */
  readonly s?: 't';
  readonly args?: TraceArguments;
}

/** What an event tells beside its name. */
export type TraceArguments = Readonly<Record<string, string | number | boolean>>;

/** What a trace file holds. */
export interface TraceDocument {
  readonly traceEvents: readonly TraceEvent[];
  readonly displayTimeUnit: 'ms';
  readonly otherData: TraceOrigin;
}

/** Where a trace comes from. */
export interface TraceOrigin {
  readonly format: typeof TRACE_FORMAT;
  readonly version: typeof TRACE_VERSION;
  /** Events that did not fit, and are missing at the beginning. */
  readonly dropped?: number;
  /** Why a flight recorder wrote the file. */
  readonly reason?: string;
}

/** What a file says that it is. */
export const TRACE_FORMAT = 'asyncio-ts trace';
/** Counts up when a reader of older files would misunderstand the newer ones. */
export const TRACE_VERSION = 1;

/** Events with what a file needs around them. */
export function traceDocument(
  traceEvents: readonly TraceEvent[],
  more: { readonly dropped?: number; readonly reason?: string } = {},
): TraceDocument {
  // The origin comes first, so that a file that was cut off still says what it was.
  return { displayTimeUnit: 'ms', otherData: { format: TRACE_FORMAT, version: TRACE_VERSION, ...more }, traceEvents };
}
