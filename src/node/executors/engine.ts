import type { Assignment, Reply } from './work.ts';

/** Workers of one kind, made as needed. */
export interface Engine {
  /**
   * Gives an assignment to a worker that does nothing else during this time. Rejects when the assignment cannot be sent, and when the
   * worker dies.
   *
   * @param signal ends the worker, and the promise
   */
  run(assignment: Assignment, signal: AbortSignal): Promise<Reply>;
  /** How many workers there are, idle ones too. */
  readonly workers: number;
  /** Ends all workers; fulfils when they have ended. */
  close(): Promise<void>;
}

/** One thread or process that does one assignment at a time. It keeps this process alive only during an assignment. */
export interface EngineWorker {
  /** Whether it can be given an assignment. */
  readonly isAlive: boolean;
  /** Rejects with a `NotStarted` when there was no worker to do it. */
  run(assignment: Assignment): Promise<Reply>;
  /** The worker is idle now. It ends when it is idle for long. */
  rest(seconds: number): void;
  /** Ends it at once; fulfils when it has ended. */
  kill(): Promise<void>;
}

/** A worker could not be started: there were no file descriptors, no memory, no such module to load first. */
export class NotStarted extends Error {}
