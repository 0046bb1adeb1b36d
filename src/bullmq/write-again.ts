import { WaitingError } from 'bullmq';
import { messageOf } from '../node/border/index.ts';

/** How long to wait before what a job has come to is written again, in milliseconds. */
const PAUSE = 500;

/** For how long it is tried. */
export interface Tries {
  /** The lock has ended by then, and the store gives the job to another worker. */
  readonly seconds: number;
  /** Whether the worker has given up its connections, so that no attempt can succeed. */
  isClosed(): boolean;
}

/**
 * Writes what a job has come to, again and again while the store is away. BullMQ does so itself only after errors that it knows to be of a
 * connection. After any other, such as those of a PostgreSQL that is being stopped or started, it would store a job as failed whose function
 * has returned.
 *
 * @param write is told whether it is the first attempt
 * @throws what the store answers when it refuses: the job is not this worker's any more, or an earlier attempt has succeeded and only its answer was lost
 * @throws {WaitingError} when it is given up; BullMQ then leaves the job as it is
 */
export async function writeAgain<T>(write: (isFirst: boolean) => Promise<T>, tries: Tries): Promise<T> {
  const end = performance.now() + tries.seconds * 1_000;
  for (let isFirst = true; ; isFirst = false) {
    try {
      return await write(isFirst);
    } catch (error) {
      if (isRefusal(error)) throw error;
      if (tries.isClosed() || performance.now() + PAUSE > end)
        throw new WaitingError(`what the job has come to was not written: ${messageOf(error)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
  }
}

/** BullMQ's job, as far as it is used here. */
export interface Completing {
  moveToCompleted(reply: unknown, token: string, fetchesNext?: boolean): Promise<unknown>;
}

/**
 * Makes the result of a job be written by `writeAgain`: BullMQ calls the method of the job once its function has returned.
 *
 * BullMQ fetches the next job in the same step if the worker takes more jobs at that moment. For a later attempt that may not be true any more, so only
 * the first one fetches. A job that was fetched by an attempt whose answer was lost has no worker: its lock ends, and it counts as lost.
 */
export function completeAgain(job: Completing, tries: Tries): void {
  const complete = job.moveToCompleted.bind(job);
  job.moveToCompleted = (reply, token, fetchesNext) =>
    writeAgain((isFirst) => complete(reply, token, isFirst && fetchesNext), tries);
}

/** Whether the store has answered: with a negative number, which tells why. */
function isRefusal(error: unknown): boolean {
  const { code } = (error ?? {}) as { readonly code?: unknown };
  return typeof code === 'number' && code < 0;
}
