// The recipe for postgres.js: a cancelled query is gone from the server before its connection is handed back.
import { deepStrictEqual, ok, rejects, strictEqual } from 'node:assert/strict';
import { CancelledError, createTask, gather, sleep, TimeoutError, timeout } from 'asyncio-ts';
import postgres, { type Sql } from 'postgres';
import { withTransaction } from '../../../examples/recipes/postgres-js/with-transaction.ts';
import type { Checks } from '../../peers/lib/checks.ts';
import { runExample } from '../lib/examples.ts';
import { Observer, STUBBORN } from '../lib/postgres.ts';
import type { Servers } from '../lib/servers.ts';
import { until } from '../lib/until.ts';

export default async function checkPostgresJs({ check }: Checks, servers: Servers): Promise<void> {
  const server = await servers.postgres();
  await using seen = await Observer.of(server);
  const settings = { host: '127.0.0.1', port: server.port, user: 'postgres', database: 'postgres', onnotice() {} };
  const sql = postgres({ ...settings, max: 2 });
  const control = postgres({ ...settings, max: 1 });
  /** Whether all connections of the pool can be had. */
  const allFree = async (pool: Sql): Promise<boolean> => {
    const reserved = [await pool.reserve(), await pool.reserve()];
    for (const one of reserved) one.release();
    return true;
  };
  try {
    await check('the program of the page, and again: it leaves no table behind', async () => {
      await runExample('postgres-js', server.env);
      await runExample('postgres-js', server.env);
    });
    await check('a result, and an error of the server', async () => {
      deepStrictEqual(
        [...(await withTransaction(sql, control, (tx, wait) => wait(tx`SELECT 1 AS one`)))],
        [{ one: 1 }],
      );
      await rejects(
        withTransaction(sql, control, (tx, wait) => wait(tx`SELECT 1 / 0`)),
        { code: '22012' },
      );
      ok(await allFree(sql));
    });
    await check('the connection goes back only when the query is gone from the server', async () => {
      await sql.unsafe(STUBBORN);
      const task = createTask(() => withTransaction(sql, control, (tx, wait) => wait(tx`SELECT stubborn()`)));
      const other = createTask(() => withTransaction(sql, control, (tx, wait) => wait(tx`SELECT stubborn()`)));
      await until('the queries run', async () => (await seen.running('stubborn')) === 2);
      task.cancel();
      other.cancel();
      const next = createTask(async () => await sql`SELECT 1`); // waits for a connection
      await sleep(0.2);
      strictEqual(await seen.running('stubborn'), 2);
      ok(!task.done() && !next.done());
      await rejects(async () => await task, CancelledError);
      await rejects(async () => await other, CancelledError);
      strictEqual(await seen.running('stubborn'), 0);
      strictEqual((await next).length, 1);
      ok(await allFree(sql));
    });
    await check('a transaction is rolled back when it is cancelled, late, or fails', async () => {
      await sql`CREATE TABLE ledgers (cents int)`;
      const slow = () =>
        withTransaction(sql, control, async (tx, wait) => {
          await wait(tx`INSERT INTO ledgers VALUES (1)`);
          await wait(tx`SELECT pg_sleep(60)`);
        });
      const task = createTask(slow);
      await until('the query runs', async () => (await seen.running('pg_sleep')) === 1);
      task.cancel();
      task.cancel();
      await rejects(async () => await task, CancelledError);
      await rejects(async () => await timeout(0.1, slow), TimeoutError);
      await rejects(
        withTransaction(sql, control, async (tx, wait) => {
          await wait(tx`INSERT INTO ledgers VALUES (2)`);
          throw new RangeError('no such account');
        }),
        RangeError,
      );
      strictEqual(await seen.running('pg_sleep'), 0);
      deepStrictEqual(await seen.ask('SELECT count(*)::int FROM ledgers'), [0]);
      await withTransaction(sql, control, (tx, wait) => wait(tx`INSERT INTO ledgers VALUES (3)`));
      deepStrictEqual(await seen.ask('SELECT cents FROM ledgers'), [3]);
      strictEqual(await seen.open(), 0);
    });
    await check('who gives up waiting for a connection does not keep it', async () => {
      const holders = [1, 2].map(() =>
        createTask(() => withTransaction(sql, control, (tx, wait) => wait(tx`SELECT pg_sleep(0.6)`))),
      );
      await until('the pool is empty', async () => (await seen.running('pg_sleep')) === 2);
      await rejects(async () => await timeout(0.05, () => withTransaction(sql, control, async () => 1)), TimeoutError);
      await gather(holders);
      ok(await allFree(sql));
    });
    await check('300 cancellations at any moment end no statement of somebody else', async () => {
      const victim = async (number: number) => {
        const task = createTask(() =>
          withTransaction(sql, control, async (tx, wait) => {
            await wait(tx`INSERT INTO ledgers VALUES (4)`);
            await wait(tx`SELECT pg_sleep(0.001)`);
          }),
        );
        await sleep(((number * 7) % 12) / 1_000);
        task.cancel();
        await Promise.allSettled([task]);
      };
      const bystander = async () => {
        for (let number = 0; number < 300; number++) await sql`SELECT ${number}::int`;
      };
      const bystanders = createTask(bystander);
      for (let round = 0; round < 100; round++) await gather([0, 1, 2].map((lane) => () => victim(round * 3 + lane)));
      await bystanders; // would have failed with 57014
      strictEqual(await seen.running('pg_sleep'), 0);
      strictEqual(await seen.open(), 0);
      ok(await allFree(sql));
    });
  } finally {
    await Promise.all([sql.end({ timeout: 5 }), control.end({ timeout: 5 })]);
  }
}
