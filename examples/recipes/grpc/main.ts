import { promisify } from 'node:util';
import { credentials, Server, ServerCredentials } from '@grpc/grpc-js';
import { createTask, run, sleep, TimeoutError, timeout } from 'asyncio-ts';
import { answer, call } from './calls.ts';
import { PricesClient, prices } from './prices.ts';

const ended: string[] = [];
const server = new Server();
server.addService(prices, {
  price: answer(async ({ name }: { name: string }) => {
    try {
      if (name === 'slow') await sleep(60);
    } finally {
      ended.push(name);
    }
    return { cents: 4_200 };
  }),
});
const bind = promisify(server.bindAsync.bind(server));
const port = await bind('127.0.0.1:0', ServerCredentials.createInsecure());
const client = new PricesClient(`127.0.0.1:${port}`, credentials.createInsecure());

await run(async () => {
  console.log(await call(client, prices.price, { name: 'tea' }, 5)); // { cents: 4200 }

  // The deadline of the call: both sides know it.
  const late = await call(client, prices.price, { name: 'slow' }, 0.5).catch((error: unknown) => error);
  console.log(late instanceof TimeoutError); // true

  // A deadline around it, and a cancellation: the server is told.
  const around = timeout(0.5, () => call(client, prices.price, { name: 'slow' }));
  console.log((await around.catch((error: unknown) => error)) instanceof TimeoutError); // true
  const task = createTask(() => call(client, prices.price, { name: 'slow' }));
  await sleep(0.5);
  task.cancel();
  await Promise.allSettled([task]);
  await sleep(0.1);
  console.log(task.cancelled(), ended); // true [ 'tea', 'slow', 'slow', 'slow' ]
});
client.close();
server.forceShutdown();
