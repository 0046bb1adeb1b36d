import { run, TimeoutError, timeout, wrapPromise } from 'asyncio-ts';
import { MongoClient } from 'mongodb';
import { find, findOrHangUp } from './find.ts';

const client = new MongoClient(process.env['MONGODB_URL'] ?? 'mongodb://127.0.0.1', { serverApi: '1' });
const people = client.db('town').collection<{ name: string; slow?: boolean }>('people');

await run(async () => {
  const [ada] = await find(people, { name: 'Ada' }, 5);
  console.log(ada?.name); // Ada
  const briefly = timeout(0.1, () => find(people, { slow: true }, 5));
  console.log((await briefly.catch((error: unknown) => error)) instanceof TimeoutError); // true
  const long = timeout(0.1, () => findOrHangUp(people, { slow: true }));
  console.log((await long.catch((error: unknown) => error)) instanceof TimeoutError); // true
  await wrapPromise(client.close());
});
