import { setTimeout } from 'node:timers/promises';
import { CancelledError, wrapPromise } from 'asyncio-ts';
import type { ReservedSql, Sql } from 'postgres';

/** Waits for a query. When the wait is cancelled, the query is ended in the server; the cancellation is thrown when it is gone. */
export type Wait = <T>(query: PromiseLike<T>) => Promise<T>;

/**
 * Calls `body` in a transaction, on a connection that nobody else uses until it is over. The transaction is rolled back when `body` throws
 * or is cancelled. Queries are ended over `control`, which has to be another pool: when all connections of `sql` are busy, the request to end a
 * query would wait until that query has ended.
 */
export async function withTransaction<T>(
  sql: Sql,
  control: Sql,
  body: (transaction: ReservedSql, wait: Wait) => PromiseLike<T>,
): Promise<T> {
  const transaction = await wrapPromise(sql.reserve(), { onLate: (late) => late.release() });
  let last: Promise<unknown> = Promise.resolve();
  let pid = 0;
  const wait: Wait = async (query) => {
    const promise = Promise.resolve(query);
    last = promise;
    try {
      return await wrapPromise(promise);
    } catch (error) {
      if (error instanceof CancelledError) {
        await atMost(5, control`SELECT pg_cancel_backend(${pid})`);
        await atMost(5, promise);
      }
      throw error;
    }
  };
  try {
    pid = (await transaction`BEGIN`).state.pid;
    const result = await body(transaction, wait);
    await transaction`COMMIT`; // without `wait`: once it is sent, it is not cancelled, so that its outcome is known
    transaction.release();
    return result;
  } catch (error) {
    const rolledBack = Promise.allSettled([last])
      .then(() => transaction`ROLLBACK`)
      .finally(() => transaction.release()); // later than here when the query could not be ended, but never before it
    await atMost(5, rolledBack);
    throw error;
  }
}

/** Waits for promises of the driver only, so that no second cancellation interrupts it. */
async function atMost(seconds: number, work: PromiseLike<unknown>): Promise<void> {
  await Promise.race([Promise.allSettled([work]), setTimeout(seconds * 1_000, undefined, { ref: false })]);
}
