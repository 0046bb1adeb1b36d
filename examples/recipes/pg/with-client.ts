import { setTimeout } from 'node:timers/promises';
import { CancelledError, wrapPromise } from 'asyncio-ts';
import pg from 'pg';

/** Waits for a query. When the wait is cancelled, the query is ended in the server; the cancellation is thrown when it is gone. */
export type Wait = <T>(query: PromiseLike<T>) => Promise<T>;

/** Calls `body` with a client of the pool. The client goes back when no query of it runs any more, and no transaction is open. */
export async function withClient<T>(
  pool: pg.Pool,
  body: (client: pg.PoolClient, wait: Wait) => PromiseLike<T>,
): Promise<T> {
  const client = await wrapPromise(pool.connect(), { onLate: (late) => late.release() });
  let isUsable = true;
  const wait: Wait = async (query) => {
    const promise = Promise.resolve(query);
    try {
      return await wrapPromise(promise);
    } catch (error) {
      if (error instanceof CancelledError) isUsable &&= await inTime(endQuery(pool, client, promise));
      throw error;
    }
  };
  try {
    return await body(client, wait);
  } finally {
    const isOpen = isUsable && client.getTransactionStatus() !== 'I';
    if (isOpen) isUsable = await inTime(client.query('ROLLBACK'));
    client.release(!isUsable); // `true` closes its connection
  }
}

/** As above, in a transaction, which is rolled back when `body` throws or is cancelled. */
export function withTransaction<T>(
  pool: pg.Pool,
  body: (client: pg.PoolClient, wait: Wait) => PromiseLike<T>,
): Promise<T> {
  return withClient(pool, async (client, wait) => {
    await wait(client.query('BEGIN'));
    const result = await body(client, wait);
    await client.query('COMMIT'); // without `wait`: once it is sent, it is not cancelled, so that its outcome is known
    return result;
  });
}

/** The pool may have no client left for this, so the connection is one of its own. */
async function endQuery(pool: pg.Pool, client: pg.PoolClient, query: Promise<unknown>): Promise<void> {
  const { processID } = client as pg.PoolClient & { readonly processID: number };
  const other = new pg.Client(pool.options);
  try {
    await other.connect();
    await other.query('SELECT pg_cancel_backend($1)', [processID]);
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
