export interface Failure {
  readonly name: string;
  readonly message: string;
}

/** What came of a run of the suite; survives JSON and structured cloning. */
export interface Report {
  readonly checks: number;
  readonly failures: readonly Failure[];
  readonly seconds: number;
}

/** The line of a process's output that begins with this holds its report as JSON. */
export const REPORT_MARK = 'contract report: ';
