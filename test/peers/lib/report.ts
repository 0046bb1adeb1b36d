/** What came of the checks of one process. */
export interface PeersReport {
  passed: number;
  failed: number;
  /** Why what was not run could not be. */
  skipped: string[];
}

/** The line of the process's output that begins with this holds its report as JSON. */
export const REPORT_MARK = 'peers report: ';
