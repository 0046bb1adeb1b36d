import { createTask, run, sleep, TimeoutError, timeout } from 'asyncio-ts';
import pg from 'pg';
import { withClient, withTransaction } from './with-client.ts';

const pool = new pg.Pool({ max: 10, connectionTimeoutMillis: 5_000 }); // PGHOST, PGPORT and so on say where the server is

/** How many statements that sleep run in the server now. */
async function slowOnes(): Promise<number> {
  const { rows } = await pool.query<{ count: number }>(
    "SELECT count(*)::int FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%pg_sleep%' AND pid <> pg_backend_pid()",
  );
  return rows[0]!.count;
}

await run(async () => {
  await pool.query('CREATE TABLE orders (id int)');

  // A deadline: the statement is gone from the server when the timeout is over.
  try {
    await timeout(0.2, () => withClient(pool, (client, wait) => wait(client.query('SELECT pg_sleep(60)'))));
  } catch (error) {
    console.log(error instanceof TimeoutError, await slowOnes()); // true 0
  }

  // A cancellation: the transaction is rolled back.
  const order = createTask(() =>
    withTransaction(pool, async (client, wait) => {
      await wait(client.query('INSERT INTO orders VALUES ($1)', [1]));
      await wait(client.query('SELECT pg_sleep(60)'));
    }),
  );
  await sleep(0.2);
  order.cancel();
  await Promise.allSettled([order]);
  const { rows } = await pool.query('SELECT * FROM orders');
  console.log(order.cancelled(), rows.length, await slowOnes()); // true 0 0
  console.log(pool.totalCount === pool.idleCount); // true
  await pool.query('DROP TABLE orders');
});
await pool.end();
