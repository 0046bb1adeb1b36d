// The recipe for pg: a cancelled query is gone from the server before its client is handed back.
import { deepStrictEqual, ok, rejects, strictEqual } from 'node:assert/strict';
import { CancelledError, coroutine, createTask, gather, sleep, TimeoutError, timeout } from 'asyncio-ts';
import pg from 'pg';
import { withClient, withTransaction } from '../../../examples/recipes/pg/with-client.ts';
import type { Checks } from '../../peers/lib/checks.ts';
import { runExample } from '../lib/examples.ts';
import { Observer, STUBBORN } from '../lib/postgres.ts';
import type { Servers } from '../lib/servers.ts';
import { until } from '../lib/until.ts';

export default async function checkPg({ check }: Checks, servers: Servers): Promise<void> {
  const server = await servers.postgres();
  await using seen = await Observer.of(server);
  const pool = new pg.Pool({ host: '127.0.0.1', port: server.port, user: 'postgres', database: 'postgres', max: 2 });
  try {
    await check('the program of the page, and again: it leaves no table behind', async () => {
      await runExample('pg', server.env);
      await runExample('pg', server.env);
    });
    await check('a result, and an error of the server', async () => {
      const { rows } = await withClient(pool, (client, wait) => wait(client.query('SELECT 1 AS one')));
      deepStrictEqual(rows, [{ one: 1 }]);
      await rejects(
        withClient(pool, (client, wait) => wait(client.query('SELECT 1 / 0'))),
        { code: '22012' },
      );
      strictEqual(pool.idleCount, pool.totalCount);
    });
    await check('the client goes back only when the query is gone from the server', async () => {
      await pool.query(STUBBORN);
      const task = createTask(() => withClient(pool, (client, wait) => wait(client.query('SELECT stubborn()'))));
      await until('the query runs', async () => (await seen.running('stubborn')) === 1);
      task.cancel();
      await sleep(0.2);
      strictEqual(await seen.running('stubborn'), 1);
      ok(!task.done());
      strictEqual(pool.idleCount, pool.totalCount - 1);
      await rejects(async () => await task, CancelledError);
      strictEqual(await seen.running('stubborn'), 0);
      strictEqual(pool.idleCount, pool.totalCount);
    });
    await check('a second cancellation does not hand the client back too early', async () => {
      const task = createTask(() => withClient(pool, (client, wait) => wait(client.query('SELECT stubborn()'))));
      await until('the query runs', async () => (await seen.running('stubborn')) === 1);
      for (let again = 0; again < 5; again++) {
        task.cancel();
        await sleep(0.03);
      }
      strictEqual(pool.idleCount, pool.totalCount - 1);
      await rejects(async () => await task, CancelledError);
      strictEqual(await seen.running('stubborn'), 0);
      strictEqual(pool.idleCount, pool.totalCount);
    });
    await check('a transaction is rolled back when it is cancelled, late, or fails', async () => {
      await pool.query('CREATE TABLE accounts (cents int)');
      const slow = () =>
        withTransaction(pool, async (client, wait) => {
          await wait(client.query('INSERT INTO accounts VALUES (1)'));
          await wait(client.query('SELECT pg_sleep(60)'));
        });
      const task = createTask(slow);
      await until('the query runs', async () => (await seen.running('pg_sleep')) === 1);
      task.cancel();
      await rejects(async () => await task, CancelledError);
      await rejects(async () => await timeout(0.1, slow), TimeoutError);
      await rejects(
        withTransaction(pool, async (client, wait) => {
          await wait(client.query('INSERT INTO accounts VALUES (2)'));
          throw new RangeError('no such account');
        }),
        RangeError,
      );
      deepStrictEqual(await seen.ask('SELECT count(*)::int FROM accounts'), [0]);
      await withTransaction(pool, (client, wait) => wait(client.query('INSERT INTO accounts VALUES (3)')));
      deepStrictEqual(await seen.ask('SELECT cents FROM accounts'), [3]);
      strictEqual(await seen.open(), 0);
      strictEqual(pool.idleCount, pool.totalCount);
    });
    await check(
      'a COMMIT that has been sent is not cancelled, and its client is not given back before its end',
      async () => {
        await pool.query(`
        CREATE TABLE slow_commits (x int);
        CREATE FUNCTION slowly() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.4); RETURN NULL; END';
        CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON slow_commits DEFERRABLE INITIALLY DEFERRED
          FOR EACH ROW EXECUTE FUNCTION slowly()`);
        const task = createTask(() =>
          withTransaction(pool, (client, wait) => wait(client.query('INSERT INTO slow_commits VALUES (1)'))),
        );
        await until('it commits', async () => (await seen.running('COMMIT')) === 1);
        task.cancel();
        await sleep(0.1);
        strictEqual(pool.idleCount, pool.totalCount - 1);
        await Promise.allSettled([task]);
        deepStrictEqual(await seen.ask('SELECT x FROM slow_commits'), [1]);
        strictEqual(pool.idleCount, pool.totalCount);
        const late = timeout(0.2, () =>
          withTransaction(pool, async (client, wait) => {
            await wait(client.query('INSERT INTO slow_commits VALUES (2)'));
            return 'committed';
          }),
        );
        await rejects(async () => await late, { name: 'TimeoutError', late: 'committed' });
        deepStrictEqual(await seen.ask('SELECT x FROM slow_commits'), [1, 2]);
      },
    );
    await check('who gives up waiting for a client does not keep it', async () => {
      const holders = [1, 2].map(() =>
        createTask(() => withClient(pool, (client, wait) => wait(client.query('SELECT pg_sleep(0.6)')))),
      );
      await until('the pool is empty', () => pool.totalCount === 2 && pool.idleCount === 0);
      await rejects(async () => await timeout(0.05, () => withClient(pool, async () => 'never')), TimeoutError);
      await gather(holders);
      await until('the client has come back', () => pool.idleCount === 2 && pool.waitingCount === 0);
    });
    await check('a client whose query cannot be ended is closed', async () => {
      const broken = new pg.Pool({ host: '127.0.0.1', port: server.port, user: 'postgres', database: 'postgres' });
      broken.on('error', () => {}); // the server closes its connection
      const task = createTask(() => withClient(broken, (client, wait) => wait(client.query('SELECT pg_sleep(61)'))));
      await until('the query runs', async () => (await seen.running('pg_sleep(61)')) === 1);
      broken.options.port = 1; // nobody is there to be asked
      task.cancel();
      await rejects(async () => await task, CancelledError);
      strictEqual(broken.totalCount, 0);
      await broken.end();
      await seen.ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(61)'");
    });
    await check('500 cancellations at any moment leave no query, no transaction and no client behind', async () => {
      let committed = 0;
      const one = async (number: number) => {
        const task = createTask(() =>
          withTransaction(pool, async (client, wait) => {
            await wait(client.query('INSERT INTO accounts VALUES (4)'));
            await wait(client.query('SELECT pg_sleep(0.002)'));
          }),
        );
        await sleep(((number * 7) % 20) / 1_000);
        task.cancel();
        await Promise.allSettled([task]);
        if (!task.cancelled()) committed++;
      };
      for (let round = 0; round < 100; round++)
        await gather([0, 1, 2, 3, 4].map((lane) => () => one(round * 5 + lane)));
      const [rows] = await seen.ask('SELECT count(*)::int FROM accounts WHERE cents = 4');
      ok((rows as number) >= committed, `${rows} rows of ${committed} transactions that were not cancelled`);
      strictEqual(await seen.running('pg_sleep'), 0);
      strictEqual(await seen.open(), 0);
      await until('all clients are back', () => pool.idleCount === pool.totalCount && pool.waitingCount === 0);
    });
    await check('a generator coroutine does the same', async () => {
      const work = coroutine(function* () {
        return yield* coroutine(withClient<pg.QueryResult>)(pool, (client, wait) =>
          wait(client.query('SELECT pg_sleep(60)')),
        );
      });
      await rejects(async () => await timeout(0.1, work), TimeoutError);
      strictEqual(await seen.running('pg_sleep'), 0);
      strictEqual(pool.idleCount, pool.totalCount);
    });
  } finally {
    await pool.end();
  }
}
