import type { Report } from '../lib/report.ts';

/** Where the suite can run. */
export interface Runtime {
  /** As it is chosen on the command line. */
  readonly name: string;
  /** What to do when it is missing. */
  readonly advice: string;
  /** Finds the runtime; `null` when it is missing. The function runs the suite in it, and rejects when it breaks without a report. */
  find(): (() => Promise<Result>) | null;
}

export interface Result {
  /** Of the runtime. */
  readonly version: string;
  readonly report: Report;
}
