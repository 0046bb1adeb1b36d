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

/** One thread or process that does one assignment at a time. It keeps this process alive only while it does. */
export interface EngineWorker {
  /** Whether it can be given an assignment. */
  readonly isAlive: boolean;
  /** Rejects with a `NotStarted` when there was no worker to do it. */
  run(assignment: Assignment): Promise<Reply>;
  /** Has nothing to do now. Ends when that lasts long. */
  rest(seconds: number): void;
  /** Ends it at once; fulfils when it is gone. */
  kill(): Promise<void>;
}

/** A worker could not be started: there were no file descriptors, no memory, no such module to load first. */
export class NotStarted extends Error {}
