import { createTask, run, sleep, TimeoutError, timeout } from 'asyncio-ts';
import postgres from 'postgres';
import { withTransaction } from './with-transaction.ts';

const sql = postgres({ max: 10, onnotice: () => {} }); // PGHOST, PGPORT and so on say where the server is
const control = postgres({ max: 1, idle_timeout: 30 });

/** How many statements that sleep run in the server now. */
async function slowOnes(): Promise<number> {
  const rows = await control<{ count: number }[]>`
    SELECT count(*)::int FROM pg_stat_activity
    WHERE state = 'active' AND query LIKE '%pg_sleep%' AND pid <> pg_backend_pid()`;
  return rows[0]!.count;
}

await run(async () => {
  await sql`CREATE TABLE parcels (id int)`;

  // A deadline: the statement is gone from the server when the timeout is over.
  try {
    await timeout(0.2, () => withTransaction(sql, control, (tx, wait) => wait(tx`SELECT pg_sleep(60)`)));
  } catch (error) {
    console.log(error instanceof TimeoutError, await slowOnes()); // true 0
  }

  // A cancellation: the transaction is rolled back.
  const parcel = createTask(() =>
    withTransaction(sql, control, async (tx, wait) => {
      await wait(tx`INSERT INTO parcels VALUES (1)`);
      await wait(tx`SELECT pg_sleep(60)`);
    }),
  );
  await sleep(0.2);
  parcel.cancel();
  await Promise.allSettled([parcel]);
  console.log(parcel.cancelled(), (await sql`SELECT * FROM parcels`).length, await slowOnes()); // true 0 0
  await sql`DROP TABLE parcels`;
});
await Promise.all([sql.end(), control.end()]);
