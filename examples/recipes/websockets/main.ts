import type { AddressInfo } from 'node:net';
import { once, run, sleep, TimeoutError, timeout } from 'asyncio-ts';
import { WebSocketServer } from 'ws';
import { closeSockets, send, serveSockets, withSocket } from './sockets.ts';

const server = new WebSocketServer({ port: 0, host: '127.0.0.1' });
await once(server, 'listening');
const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}/chat`;

const tasks = serveSockets(server, async (socket, messages) => {
  try {
    for await (const { data } of messages) await send(socket, `you said ${data}`);
  } finally {
    console.log('the task has ended'); // the task has ended
  }
});

await run(async () => {
  await withSocket(url, async (socket, messages) => {
    await send(socket, 'hello');
    for await (const { data } of messages) {
      console.log(data); // you said hello
      break;
    }
  });
  await sleep(0.1); // until the server has noticed

  const silent = new WebSocketServer({ port: 0, host: '127.0.0.1' });
  await once(silent, 'listening');
  const { port } = silent.address() as AddressInfo;
  try {
    await timeout(0.1, () => withSocket(`ws://127.0.0.1:${port}`, (_socket, messages) => messages.next()));
  } catch (error) {
    console.log(error instanceof TimeoutError); // true
  }
  silent.close();
  await closeSockets(server, tasks, 5);
});
