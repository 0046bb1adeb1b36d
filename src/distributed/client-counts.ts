/** Counts for tools: what to alarm on. */
export interface ClientCounts {
  finished: number;
  /** Jobs whose worker was lost. */
  lost: number;
  /** Cancellations that no worker has answered. */
  unacknowledged: number;
  /** Outcomes that were found by a look-up, because the event did not come. */
  reconciled: number;
  /** How many jobs have run at once, at the most, as far as it was told. */
  peakRunning: number;
  /** How many have waited at once, here or in the store, at the most. */
  peakQueued: number;
}
