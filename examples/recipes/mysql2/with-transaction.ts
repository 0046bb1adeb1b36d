import { setTimeout } from 'node:timers/promises';
import { CancelledError, wrapPromise } from 'asyncio-ts';
import mysql, { type ConnectionOptions, type Pool, type PoolConnection } from 'mysql2/promise';

/** Waits for a query. When the wait is cancelled, the query is ended in the server; the cancellation is thrown when it is gone. */
export type Wait = <T>(query: PromiseLike<T>) => Promise<T>;

/** Calls `body` with a connection of the pool, in a transaction, which is rolled back when `body` throws or is cancelled. */
export async function withTransaction<T>(
  pool: Pool,
  options: ConnectionOptions,
  body: (connection: PoolConnection, wait: Wait) => PromiseLike<T>,
): Promise<T> {
  const connection = await wrapPromise(pool.getConnection(), { onLate: (late) => late.release() });
  let isUsable = true;
  const wait: Wait = async (query) => {
    const promise = Promise.resolve(query);
    try {
      return await wrapPromise(promise);
    } catch (error) {
      if (error instanceof CancelledError) isUsable &&= await inTime(endQuery(options, connection, promise));
      throw error;
    }
  };
  try {
    await connection.query('START TRANSACTION');
    const result = await body(connection, wait);
    await connection.query('COMMIT'); // without `wait`: once it is sent, it is not cancelled, so that its outcome is known
    return result;
  } catch (error) {
    isUsable &&= await inTime(connection.query('ROLLBACK'));
    throw error;
  } finally {
    if (isUsable) connection.release();
    else connection.destroy();
  }
}

/** The pool may have no connection left for this, so it is one of its own. */
async function endQuery(
  options: ConnectionOptions,
  { threadId }: PoolConnection,
  query: Promise<unknown>,
): Promise<void> {
  const other = await mysql.createConnection(options);
  try {
    await other.query('KILL QUERY ?', [threadId]);
  } finally {
    await other.end();
  }
  await Promise.allSettled([query]);
}

/** Whether something succeeds within five seconds. It waits for promises of the driver only, so that no second cancellation interrupts it. */
function inTime(work: Promise<unknown>): Promise<boolean> {
  const isDone = work.then(
    () => true,
    () => false,
  );
  return Promise.race([isDone, setTimeout(5_000, false, { ref: false })]);
}
