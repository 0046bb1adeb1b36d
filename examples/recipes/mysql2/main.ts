import { createTask, run, sleep, TimeoutError, timeout } from 'asyncio-ts';
import mysql, { type RowDataPacket } from 'mysql2/promise';
import { withTransaction } from './with-transaction.ts';

const options = {
  host: '127.0.0.1',
  port: Number(process.env['MARIADB_PORT'] ?? 3306),
  user: process.env['MARIADB_USER'] ?? 'root',
  password: process.env['MARIADB_PASSWORD'] ?? '',
  database: 'shop',
};
const pool = mysql.createPool({ ...options, connectionLimit: 10 });

/** How many statements that sleep run in the server now. */
async function slowOnes(): Promise<number> {
  const [rows] = await pool.query<RowDataPacket[]>('SHOW PROCESSLIST');
  return rows.filter((row) => String(row['Info']).includes('SLEEP(60)')).length;
}

await run(async () => {
  await pool.query('CREATE TABLE orders (id int)');

  // A deadline: the statement is gone from the server when the timeout is over.
  try {
    await timeout(0.2, () =>
      withTransaction(pool, options, (connection, wait) => wait(connection.query('SELECT SLEEP(60)'))),
    );
  } catch (error) {
    console.log(error instanceof TimeoutError, await slowOnes()); // true 0
  }

  // A cancellation: the transaction is rolled back.
  const order = createTask(() =>
    withTransaction(pool, options, async (connection, wait) => {
      await wait(connection.query('INSERT INTO orders VALUES (1)'));
      await wait(connection.query('SELECT SLEEP(60)'));
    }),
  );
  await sleep(0.2);
  order.cancel();
  await Promise.allSettled([order]);
  const [rows] = await pool.query<RowDataPacket[]>('SELECT * FROM orders');
  console.log(order.cancelled(), rows.length, await slowOnes()); // true 0 0
  await pool.query('DROP TABLE orders');
});
await pool.end();
