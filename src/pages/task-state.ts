import type { Task } from '../index.ts';

/**
 * | status    | what it means |
 * | --------- | ------------- |
 * | idle      | nothing was called yet, or `reset()` was |
 * | running   | a call runs, cleans up, or waits for its turn |
 * | done      | the last call has returned |
 * | failed    | the last call has thrown |
 * | cancelled | the last call was cancelled, and has cleaned up |
 *
 *     idle ──run()──▶ running ──the last call ends──▶ done, failed or cancelled ──run()──▶ running …
 */
export type TaskStatus = 'idle' | 'running' | 'done' | 'failed' | 'cancelled';

interface Shown<Status extends TaskStatus, Value, Failure = undefined> {
  readonly status: Status;
  /** What the last call that succeeded has returned. It stays while further calls run, fail or are cancelled, until `reset()`. */
  readonly value: Value;
  /**
   * What the last call has thrown, when the status is `failed`. Whoever reads it has looked at the error; if nobody does, and nobody awaits the
   * task, it is reported to the loop's exception handler, which calls `reportError` in a page.
   */
  readonly error: Failure;
  /** The same as `status === 'running'`. */
  readonly isRunning: boolean;
  /** How many calls wait for their turn. */
  readonly waiting: number;
}

/** What a page shows of the calls of a task function. It never changes: a new one takes its place. */
export type TaskState<T> =
  | Shown<'idle', undefined>
  | Shown<'running' | 'cancelled', T | undefined>
  | Shown<'done', T>
  | Shown<'failed', T | undefined, unknown>;

/** How the last call has ended, and the value to show. */
export interface LastOutcome<T> {
  readonly status: Exclude<TaskStatus, 'running'>;
  readonly value: T | undefined;
  /** The task that has failed. */
  readonly failed: Task<T> | null;
}

export const NOTHING_YET: LastOutcome<never> = { status: 'idle', value: undefined, failed: null };

/** The state to show. The error is read from its task when the page asks for it: only then has somebody looked at it. */
export function stateOf<T>(outcome: LastOutcome<T>, isRunning: boolean, waiting: number): TaskState<T> {
  const failed = isRunning ? null : outcome.failed;
  return {
    status: isRunning ? 'running' : outcome.status,
    value: outcome.value,
    get error() {
      return failed === null ? undefined : failed.exception();
    },
    isRunning,
    waiting,
  } as TaskState<T>;
}
