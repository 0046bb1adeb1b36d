import { randomUUID } from 'node:crypto';
import http, { type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createTask, once, sleep } from 'asyncio-ts';
import { drain, taskListener } from 'asyncio-ts/http';
import { createLogger, requestId } from './logger.ts';

const lines: string[] = [];
const logger = createLogger({ write: (line) => lines.push(line) }); // without an argument it writes to the standard output

async function readPrice(): Promise<number> {
  await sleep(0.01);
  logger.info('the price was read');
  return 42;
}

const server = http.createServer(
  taskListener(async (request: IncomingMessage, response: ServerResponse) => {
    requestId.set(String(request.headers['x-request-id'] ?? randomUUID())); // this request's alone: it is a task
    logger.info('begun');
    const price = createTask(readPrice, { name: 'price' }); // has the id too
    response.end(String(await price));
  }),
);
server.listen(0, '127.0.0.1');
await once(server, 'listening');
const { port } = server.address() as AddressInfo;

const ask = (id: string) => fetch(`http://127.0.0.1:${port}/price`, { headers: { 'x-request-id': id } });
await (await ask('a1')).text();
await (await ask('b2')).text();
await drain(server, 1);

const told = lines.map((line) => JSON.parse(line) as Record<string, string>);
console.log(told.map(({ task, requestId: id }) => `${task} ${id}`)); // [ 'GET /price a1', 'price a1', 'GET /price b2', 'price b2' ]
