import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createTask, once, run, sleep, TimeoutError, timeout, wrapPromise } from 'asyncio-ts';
import { getJson } from './get-json.ts';
import { agent, getJsonOf } from './with-pool.ts';

const server = createServer((request, response) => {
  request.on('error', () => {});
  if (request.url === '/slow')
    response.on('close', () => console.log('the client has left')); // the client has left
  else response.end('{"price":42}');
}).listen(0, '127.0.0.1');
await once(server, 'listening');
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

await run(async () => {
  console.log(await getJson(`${url}/price`)); // { price: 42 }
  console.log(await getJsonOf(`${url}/price`)); // { price: 42 }
  try {
    await timeout(0.1, () => getJson(`${url}/slow`));
  } catch (error) {
    console.log(error instanceof TimeoutError); // true
  }
  const task = createTask(() => getJsonOf(`${url}/price`));
  await sleep(0);
  task.cancel();
  await Promise.allSettled([task]);
  console.log(task.cancelled()); // true
  await wrapPromise(agent.close());
});
server.closeAllConnections();
server.close();
