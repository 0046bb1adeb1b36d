// The recipe for mysql2, on MariaDB: a cancelled query is gone from the server before its connection is handed back.
import { deepStrictEqual, ok, rejects, strictEqual } from 'node:assert/strict';
import { CancelledError, createTask, gather, sleep, TimeoutError, timeout } from 'asyncio-ts';
import mysql, { type Pool, type RowDataPacket } from 'mysql2/promise';
import { withTransaction } from '../../../examples/recipes/mysql2/with-transaction.ts';
import type { Checks } from '../../peers/lib/checks.ts';
import { runExample } from '../lib/examples.ts';
import type { Servers } from '../lib/servers.ts';
import { until } from '../lib/until.ts';

export default async function checkMysql2({ check }: Checks, servers: Servers): Promise<void> {
  const server = await servers.mariadb();
  const options = { host: '127.0.0.1', port: server.port, user: 'root', database: 'shop' };
  const seen = await mysql.createConnection({ ...options, database: 'mysql' });
  await seen.query('CREATE DATABASE shop');
  const pool = mysql.createPool({ ...options, connectionLimit: 2 });
  const running = async (text: string): Promise<number> => {
    const [rows] = await seen.query<RowDataPacket[]>('SHOW PROCESSLIST');
    return rows.filter((row) => String(row['Info']).includes(text) && !String(row['Info']).includes('PROCESSLIST'))
      .length;
  };
  const count = async (where: string): Promise<number> => {
    const [rows] = await seen.query<RowDataPacket[]>(`SELECT count(*) AS count FROM shop.accounts WHERE ${where}`);
    return Number(rows[0]!['count']);
  };
  try {
    await check('the program of the page, and again: it leaves no table behind', async () => {
      await runExample('mysql2', server.env);
      await runExample('mysql2', server.env);
    });
    await check('a result, and an error of the server', async () => {
      const [rows] = await withTransaction(pool, options, (db, wait) =>
        wait(db.query<RowDataPacket[]>('SELECT 1 AS one')),
      );
      deepStrictEqual(
        rows.map((row) => ({ ...row })),
        [{ one: 1 }],
      );
      await rejects(
        withTransaction(pool, options, (db, wait) => wait(db.query('SELECT * FROM nowhere'))),
        { code: 'ER_NO_SUCH_TABLE' },
      );
      await allFree(pool);
    });
    await check('the query is gone from the server when its task is over', async () => {
      const task = createTask(() => withTransaction(pool, options, (db, wait) => wait(db.query('SELECT SLEEP(60)'))));
      await until('the query runs', async () => (await running('SLEEP(60)')) === 1);
      task.cancel();
      await sleep(0);
      task.cancel(); // while it cleans up
      await rejects(async () => await task, CancelledError);
      strictEqual(await running('SLEEP(60)'), 0);
      await allFree(pool);
    });
    await check('a connection is not handed back before its query has ended', async () => {
      const slow = () => withTransaction(pool, options, (db, wait) => wait(db.query('SELECT SLEEP(60)')));
      const tasks = [createTask(slow), createTask(slow)];
      await until('the queries run', async () => (await running('SLEEP(60)')) === 2);
      const next = createTask(async () => {
        await pool.query('SELECT 1'); // waits for a connection
        return await running('SLEEP(60)');
      });
      tasks[0]?.cancel();
      strictEqual(await next, 1); // that of the other one
      tasks[1]?.cancel();
      await Promise.allSettled(tasks);
      ok(tasks.every((task) => task.cancelled()));
    });
    await check('a transaction is rolled back when it is cancelled, late, or fails', async () => {
      await pool.query('CREATE TABLE accounts (cents int) ENGINE = InnoDB');
      const slow = () =>
        withTransaction(pool, options, async (db, wait) => {
          await wait(db.query('INSERT INTO accounts VALUES (1)'));
          await wait(db.query('SELECT SLEEP(60)'));
        });
      const task = createTask(slow);
      await until('the query runs', async () => (await running('SLEEP(60)')) === 1);
      task.cancel();
      await rejects(async () => await task, CancelledError);
      await rejects(async () => await timeout(0.1, slow), TimeoutError);
      await rejects(
        withTransaction(pool, options, async (db, wait) => {
          await wait(db.query('INSERT INTO accounts VALUES (2)'));
          throw new RangeError('no such account');
        }),
        RangeError,
      );
      strictEqual(await count('TRUE'), 0);
      await withTransaction(pool, options, (db, wait) => wait(db.query('INSERT INTO accounts VALUES (3)')));
      strictEqual(await count('cents = 3'), 1);
      await allFree(pool);
    });
    await check('who gives up waiting for a connection does not keep it', async () => {
      const holders = [1, 2].map(() =>
        createTask(() => withTransaction(pool, options, (db, wait) => wait(db.query('SELECT SLEEP(0.6)')))),
      );
      await until('the pool is empty', async () => (await running('SLEEP(0.6)')) === 2);
      await rejects(async () => await timeout(0.05, () => withTransaction(pool, options, async () => 1)), TimeoutError);
      await gather(holders);
      await allFree(pool);
    });
    await check('a connection whose query cannot be ended is closed', async () => {
      const nobody = { ...options, port: 1 };
      const task = createTask(() => withTransaction(pool, nobody, (db, wait) => wait(db.query('SELECT SLEEP(3)'))));
      await until('the query runs', async () => (await running('SLEEP(3)')) === 1);
      task.cancel();
      await rejects(async () => await task, CancelledError);
      strictEqual(await running('SLEEP(3)'), 1);
      await allFree(pool);
    });
    await check('100 cancellations at any moment end no statement of somebody else', async () => {
      const victim = async (number: number) => {
        const task = createTask(() =>
          withTransaction(pool, options, async (db, wait) => {
            await wait(db.query('INSERT INTO accounts VALUES (4)'));
            await wait(db.query('SELECT SLEEP(0.002)'));
          }),
        );
        await sleep(((number * 7) % 12) / 1_000);
        task.cancel();
        await Promise.allSettled([task]);
      };
      const bystanders = createTask(async () => {
        for (let number = 0; number < 100; number++) await pool.query('SELECT ? + 1', [number]);
      });
      for (let round = 0; round < 50; round++) await gather([0, 1].map((lane) => () => victim(round * 2 + lane)));
      await bystanders; // would have failed with 1317, ER_QUERY_INTERRUPTED
      const [open] = await seen.query<RowDataPacket[]>('SELECT * FROM information_schema.INNODB_TRX');
      deepStrictEqual(open, []);
      await allFree(pool);
    });
  } finally {
    await pool.end();
    await seen.end();
  }
}

/** Fails when not all connections of the pool can be had. */
async function allFree(pool: Pool): Promise<void> {
  const connections = await timeout(5, async () => [await pool.getConnection(), await pool.getConnection()]);
  for (const connection of connections) connection.release();
}
