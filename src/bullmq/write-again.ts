import { WaitingError } from 'bullmq';
import { messageOf } from '../node/border/index.ts';

/** How long to wait before what a job has come to is written again, in milliseconds. */
const PAUSE = 500;

/**
 * Writes what a job has come to, again and again while the store is away. BullMQ does so itself only after errors that it knows to be of a
 * connection. After any other, such as those of a PostgreSQL that is being stopped or started, it would store a job as failed whose function
 * has returned.
 *
 * @param seconds for how long: the lock has ended by then, and the store gives the job to another worker
 * @throws what the store answers when it refuses: the job is not this worker's any more
 * @throws {WaitingError} when the time is over; BullMQ then leaves the job as it is
 */
export async function writeAgain<T>(write: () => Promise<T>, seconds: number): Promise<T> {
  const end = performance.now() + seconds * 1_000;
  for (;;) {
    try {
      return await write();
    } catch (error) {
      if (isRefusal(error)) throw error;
      if (performance.now() + PAUSE > end)
        throw new WaitingError(`what the job has come to was not written: ${messageOf(error)}`);
    }
    await new Promise((resolve) => setTimeout(resolve, PAUSE));
  }
}

/** Whether the store has answered: with a negative number, which tells why. */
function isRefusal(error: unknown): boolean {
  const { code } = (error ?? {}) as { readonly code?: unknown };
  return typeof code === 'number' && code < 0;
}
