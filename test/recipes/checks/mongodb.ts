// The recipe for mongodb: what the driver does to its connections when a wait is given up. Debian has no MongoDB, so this is the driver
// against a server of the tests' own, which cannot show what a MongoDB does with a query whose connection was closed.
import { ok, rejects, strictEqual } from 'node:assert/strict';
import { CancelledError, createTask, gather, sleep } from 'asyncio-ts';
import { MongoClient } from 'mongodb';
import { find, findOrHangUp } from '../../../examples/recipes/mongodb/find.ts';
import type { Checks } from '../../peers/lib/checks.ts';
import { runExample } from '../lib/examples.ts';
import { FakeMongodb } from '../lib/fake-mongodb.ts';
import { until } from '../lib/until.ts';

export default async function checkMongodb(checks: Checks): Promise<void> {
  const { check } = checks;
  checks.skip(
    'no MongoDB: Debian has no package of it. The driver is checked against a server of its own protocol, nothing more',
  );
  await check('the program of the page, against the fake server', async () => {
    await using server = await FakeMongodb.start();
    await runExample('mongodb', { MONGODB_URL: server.url });
  });
  await check('with wrapPromise the driver keeps its connection: 20 cancellations cost none', async () => {
    await using server = await FakeMongodb.start();
    await using client = new MongoClient(server.url, { serverApi: '1', maxPoolSize: 5 });
    const people = client.db('town').collection<{ slow?: boolean }>('people');
    for (let round = 0; round < 20; round++) {
      const task = createTask(() => find(people, { slow: true }, 5));
      await until('it was asked', () => server.waiting === 1);
      task.cancel();
      await rejects(async () => await task, CancelledError);
      server.answer();
      await until('it has answered', () => server.waiting === 0);
    }
    strictEqual((await find(people, {}, 5)).length, 1);
    ok(server.used.size <= 2, `${server.used.size} connections were made`);
  });
  await check('with wrapPromise no further batch is asked for, and the cursor is closed in the server', async () => {
    await using server = await FakeMongodb.start();
    await using client = new MongoClient(server.url, { serverApi: '1' });
    const people = client.db('town').collection<{ many?: boolean }>('people');
    const task = createTask(() => find(people, { many: true }, 5));
    await until('the second batch was asked for', () => server.waiting === 1);
    task.cancel();
    await rejects(async () => await task, CancelledError);
    server.answer();
    await until('the cursor is closed', () => server.commands.includes('killCursors'));
    strictEqual(server.commands.join(), 'getMore,killCursors');
  });
  await check('with the signal each cancellation costs one: 20 close 20 connections', async () => {
    await using server = await FakeMongodb.start();
    await using client = new MongoClient(server.url, { serverApi: '1', maxPoolSize: 5 });
    const people = client.db('town').collection<{ slow?: boolean }>('people');
    for (let round = 0; round < 20; round++) {
      const task = createTask(() => findOrHangUp(people, { slow: true }));
      await until('it was asked', () => server.waiting === 1);
      task.cancel();
      await rejects(async () => await task, CancelledError);
      await until('the connection is closed', () => server.waiting === 0);
    }
    strictEqual(server.used.size, 20);
    strictEqual((await findOrHangUp(people, {})).length, 1);
    strictEqual(server.used.size, 21);
  });
  await check('100 cancellations at any moment leave a pool that works', async () => {
    await using server = await FakeMongodb.start();
    await using client = new MongoClient(server.url, { serverApi: '1', maxPoolSize: 5 });
    const people = client.db('town').collection<{ slow?: boolean }>('people');
    const one = async (number: number): Promise<void> => {
      const task = createTask(() => (number % 2 === 0 ? find(people, {}, 5) : findOrHangUp(people, {})));
      await sleep((number % 10) / 1_000);
      task.cancel();
      await Promise.allSettled([task]);
    };
    for (let round = 0; round < 5; round++) await gather([...Array(20).keys()].map((lane) => () => one(round + lane)));
    const all = await gather([...Array(10).keys()].map(() => () => find(people, {}, 5)));
    strictEqual(all.length, 10);
  });
}
