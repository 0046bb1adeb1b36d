import { createTask, run, sleep, TimeoutError, timeout } from 'asyncio-ts';
import { eq, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import { integer, pgTable, text } from 'drizzle-orm/pg-core';
import pg from 'pg';
import { withClient, withTransaction } from '../pg/with-client.ts';

const towns = pgTable('towns', { name: text().primaryKey(), height: integer().notNull() });

const pool = new pg.Pool({ max: 10 }); // PGHOST, PGPORT and so on say where the server is

await run(async () => {
  await pool.query('CREATE TABLE towns (name text PRIMARY KEY, height int NOT NULL)');

  await withTransaction(pool, async (client, wait) => {
    const db = drizzle({ client });
    await wait(db.insert(towns).values({ name: 'Ulm', height: 478 }));
    await wait(db.update(towns).set({ height: 479 }).where(eq(towns.name, 'Ulm')));
  });
  const rows = await withClient(pool, (client, wait) => wait(drizzle({ client }).select().from(towns)));
  console.log(rows); // [ { name: 'Ulm', height: 479 } ]

  try {
    await timeout(0.2, () =>
      withClient(pool, (client, wait) => wait(drizzle({ client }).execute(sql`SELECT pg_sleep(60)`))),
    );
  } catch (error) {
    console.log(error instanceof TimeoutError); // true
  }

  const task = createTask(() =>
    withTransaction(pool, async (client, wait) => {
      const db = drizzle({ client });
      await wait(db.delete(towns));
      await wait(db.execute(sql`SELECT pg_sleep(60)`));
    }),
  );
  await sleep(0.2);
  task.cancel();
  await Promise.allSettled([task]);
  console.log(task.cancelled(), await drizzle({ client: pool }).$count(towns)); // true 1
  await pool.query('DROP TABLE towns');
});
await pool.end();
