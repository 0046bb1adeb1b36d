import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { once, produce, run, sleep } from 'asyncio-ts';
import { drain, taskListener } from 'asyncio-ts/http';
import { receiveEvents, type ServerEvent, sendEvents } from './events.ts';

/** The time, every 20 ms, for ever. */
const ticks = () =>
  produce<ServerEvent>(async (put) => {
    try {
      for (let number = 1; ; number++) {
        await put({ event: 'tick', data: String(number) });
        await sleep(0.02);
      }
    } finally {
      console.log('nobody listens any more'); // nobody listens any more
    }
  });

const server = http.createServer(
  taskListener((_request: IncomingMessage, response: ServerResponse) => sendEvents(response, ticks()), {
    deadline: 30, // for the beginning: once the response has begun, it lasts as long as its client
  }),
);
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const { port } = server.address() as AddressInfo;

await run(async () => {
  for await (const { event, data } of receiveEvents(`http://127.0.0.1:${port}/ticks`)) {
    if (data === '3') {
      console.log(event, data); // tick 3
      break; // closes the connection, which cancels the request's task
    }
  }
});
await drain(server, 1);
