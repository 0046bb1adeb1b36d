/** The trace events that the playground draws: a part of what Chrome's and Perfetto's viewers read. Times are in microseconds. */
export interface TraceEvent {
  readonly ph: 'M' | 'X' | 'B' | 'E' | 'i';
  readonly name: string;
  readonly cat?: 'step' | 'wait' | 'end';
  /** The loop, from 1. */
  readonly pid: number;
  /** The task, from 1. */
  readonly tid: number;
  readonly ts: number;
  readonly dur?: number;
  readonly args?: Readonly<Record<string, string>>;
}
