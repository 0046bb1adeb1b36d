// The recipe for Drizzle over pg: what the ORM asks for is ended in the server like any other query.
import { deepStrictEqual, ok, rejects, strictEqual } from 'node:assert/strict';
import { CancelledError, createTask, sleep } from 'asyncio-ts';
import { sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/node-postgres';
import { integer, pgTable } from 'drizzle-orm/pg-core';
import pg from 'pg';
import { withClient, withTransaction } from '../../../examples/recipes/pg/with-client.ts';
import type { Checks } from '../../peers/lib/checks.ts';
import { runExample } from '../lib/examples.ts';
import { Observer, STUBBORN } from '../lib/postgres.ts';
import type { Servers } from '../lib/servers.ts';
import { until } from '../lib/until.ts';

const coins = pgTable('coins', { cents: integer().notNull() });

export default async function checkDrizzle({ check }: Checks, servers: Servers): Promise<void> {
  const server = await servers.postgres();
  await using seen = await Observer.of(server);
  const pool = new pg.Pool({ host: '127.0.0.1', port: server.port, user: 'postgres', database: 'postgres', max: 2 });
  await pool.query('CREATE TABLE coins (cents int NOT NULL)');
  await pool.query(STUBBORN);
  try {
    await check('the program of the page, and again: it leaves no table behind', async () => {
      await runExample('drizzle', server.env);
      await runExample('drizzle', server.env);
    });
    await check('a statement is asked for once', async () => {
      await withTransaction(pool, (client, wait) => wait(drizzle({ client }).insert(coins).values({ cents: 5 })));
      deepStrictEqual(await seen.ask('SELECT cents FROM coins'), [5]);
    });
    await check('the client goes back only when the query of the ORM is gone from the server', async () => {
      const task = createTask(() =>
        withTransaction(pool, async (client, wait) => {
          const db = drizzle({ client });
          await wait(db.delete(coins));
          await wait(db.execute(sql`SELECT stubborn()`));
        }),
      );
      await until('the query runs', async () => (await seen.running('stubborn')) === 1);
      task.cancel();
      await sleep(0.2);
      strictEqual(await seen.running('stubborn'), 1);
      ok(!task.done());
      strictEqual(pool.idleCount, pool.totalCount - 1);
      await rejects(async () => await task, CancelledError);
      strictEqual(await seen.running('stubborn'), 0);
      strictEqual(pool.idleCount, pool.totalCount);
      deepStrictEqual(await seen.ask('SELECT cents FROM coins'), [5]);
    });
    await check("a transaction of Drizzle's own is rolled back, when its statements are waited for", async () => {
      const task = createTask(() =>
        withClient(pool, async (client, wait) => {
          await drizzle({ client }).transaction(async (tx) => {
            await wait(tx.delete(coins));
            await wait(tx.execute(sql`SELECT pg_sleep(60)`));
          });
        }),
      );
      await until('the query runs', async () => (await seen.running('pg_sleep')) === 1);
      task.cancel();
      await Promise.allSettled([task]);
      strictEqual(task.cancelled(), true);
      strictEqual(await seen.running('pg_sleep'), 0);
      strictEqual(await seen.open(), 0);
      deepStrictEqual(await seen.ask('SELECT cents FROM coins'), [5]);
      strictEqual(pool.idleCount, pool.totalCount);
    });
  } finally {
    await pool.end();
  }
}
