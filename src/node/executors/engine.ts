import type { Assignment, Reply } from './work.ts';

/** Workers of one kind, as many as are asked for at once. */
export interface Engine {
  /**
   * Has an assignment done by a worker that does nothing else meanwhile. Rejects when the assignment cannot be sent, and when the worker
   * dies.
   *
   * @param signal ends the worker, and the promise
   */
  run(assignment: Assignment, signal: AbortSignal): Promise<Reply>;
  /** How many workers there are, idle ones too. */
  readonly workers: number;
  /** Ends all workers; fulfils when they are gone. */
  close(): Promise<void>;
}
