// Uses a PostgreSQL server that is running.
//
//     PGPASSWORD=secret node examples/postgres/main.ts --host 127.0.0.1 --port 5432 --user me --database me

import process from 'node:process';
import { parseArgs } from 'node:util';
import { gather, run, TimeoutError, timeout } from 'asyncio-ts';
import { Pool, PostgresError } from './postgres.ts';

const { values } = parseArgs({
  options: {
    host: { type: 'string', default: '127.0.0.1' },
    port: { type: 'string', default: '5432' },
    user: { type: 'string', default: process.env['USER'] ?? 'postgres' },
    database: { type: 'string' },
  },
});

await run(async () => {
  const { host, user, database = user } = values;
  const password = process.env['PGPASSWORD'] ?? '';
  await using pool = new Pool({ host, port: Number(values.port), user, database, password }, 3);

  const { rows } = await pool.query('SELECT $1::int + $2::int AS sum, now() AS now', 40, 2);
  console.log(JSON.stringify(rows));

  await pool.transaction(async (db) => {
    await db.execute('CREATE TEMPORARY TABLE towns (name text PRIMARY KEY, height int) ON COMMIT DROP');
    await db.query('INSERT INTO towns VALUES ($1, $2)', 'Ulm', 478);
    console.log(JSON.stringify((await db.query('SELECT * FROM towns')).rows));
  });

  const slow = await gather(
    Array.from({ length: 6 }, (_, number) => pool.query('SELECT pg_sleep(0.1), $1 AS no', number)),
  );
  console.log(`${slow.length} queries on 3 connections`);

  try {
    await timeout(0.2, () => pool.query('SELECT pg_sleep(60)'));
  } catch (error) {
    if (!(error instanceof TimeoutError)) throw error;
    console.log('the server was asked to cancel the statement');
  }
  try {
    await pool.query('SELECT 1 / $1::int', 0);
  } catch (error) {
    if (!(error instanceof PostgresError)) throw error;
    console.log(`${error.code}: ${error.message}`);
  }
});
