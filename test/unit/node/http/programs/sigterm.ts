/** A server as it is deployed: SIGTERM drains it and ends the process with exit code 0. */

import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { sleep } from 'asyncio-ts';
import { drain, taskListener } from 'asyncio-ts/http';

const server = http.createServer(
  taskListener(async (request, response) => {
    console.log(`${request.url} begins`);
    try {
      if (request.url === '/big') response.end(Buffer.alloc(30_000_000));
      else if (request.url === '/events') {
        for (;;) {
          response.write('data: '.repeat(10_000));
          await sleep(0.001);
        }
      } else if (request.url === '/idle') response.end('hello');
      else await sleep(3600);
    } finally {
      console.log(`${request.url} ends`);
    }
  }),
);
let isStopping = false;
process.on('SIGTERM', async () => {
  console.log('SIGTERM');
  if (isStopping) return;
  isStopping = true;
  const [first, second] = await Promise.all([drain(server, 0.05), drain(server, 30)]);
  console.log(first === second, first.finished, first.stuck);
  for (const name of first.cut) console.log(`cut: ${name.replace(/\(.*\)/, '')}`);
  process.exit(0);
});
server.listen(0, '127.0.0.1', () => console.log(`port ${(server.address() as AddressInfo).port}`));
