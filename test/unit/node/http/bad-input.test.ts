import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { allTasks, Event, getEventLoop, sleep } from 'asyncio-ts';
import { type RequestOptions, taskListener } from 'asyncio-ts/http';
import { expect, onTestFinished, test } from 'vitest';
import { type RequestTask, requestsUnderWay, servedRequest } from '../../../../src/http/request-tasks.ts';
import { muteLog } from '../../../support/loops.ts';

const rejected: unknown[] = [];

async function listening(
  listener: (request: http.IncomingMessage, response: http.ServerResponse) => unknown,
  options: RequestOptions = {},
): Promise<string> {
  const serve = taskListener(listener, options);
  rejected.length = 0;
  const server = http.createServer((request, response) => {
    serve(request, response).catch((error: unknown) => rejected.push(error));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function quiet(): Promise<void> {
  const isRequest = (name: string): boolean => /^[A-Z]+ \//.test(name);
  while ([...allTasks()].some((task) => isRequest(task.getName()))) await sleep(0.001);
}

test('a listener that answers twice has its first answer sent, and rejects', async () => {
  const base = await listening(async (_request, response) => {
    response.writeHead(200);
    response.end('first');
    response.writeHead(500);
    response.end('second');
  });
  const answer = await fetch(base);
  expect([answer.status, await answer.text()]).toEqual([200, 'first']);
  await quiet();
  expect(rejected).toMatchObject([{ code: 'ERR_HTTP_HEADERS_SENT' }]);
});

test('a listener that returns and never answers is answered for at its deadline', async () => {
  const base = await listening(() => {}, { deadline: 0.02 });
  expect((await fetch(base)).status).toBe(504);
  await quiet();
  expect(rejected).toEqual([]);
});

test('a listener that answers after its client has gone leaves nothing behind', async () => {
  const begun = new Event();
  const cancelled: string[] = [];
  const base = await listening(async (_request, response) => {
    try {
      begun.set();
      await sleep(60);
    } catch (error) {
      cancelled.push((error as Error).message);
    }
    response.end('nobody reads this');
  });
  const client = new AbortController();
  const answer = fetch(`${base}/gone`, { signal: client.signal }).catch((error: Error) => error.name);
  await begun.wait();
  client.abort();
  expect(await answer).toBe('AbortError');
  await quiet();
  expect({ cancelled, rejected }).toEqual({ cancelled: ['the client of GET /gone has left'], rejected: [] });
});

test('a listener that swallows the cancellation at its deadline is reported in debug mode, and the client gets 504', async () => {
  const warn = muteLog('warn');
  const loop = getEventLoop();
  loop.setDebug(true);
  const base = await listening(
    async (_request, response) => {
      await sleep(60).catch(() => {});
      if (!response.headersSent) response.end('as if nothing had happened');
    },
    { deadline: 0.02 },
  );
  const answer = await fetch(`${base}/swallows`);
  expect([answer.status, await answer.text()]).toEqual([504, 'the deadline of the request has passed\n']);
  await quiet();
  loop.setDebug(false);
  expect(warn.mock.calls.map(([line]) => String(line))).toContainEqual(
    expect.stringMatching(/^GET \/swallows was cancelled at its deadline and gave an answer all the same/),
  );
});

test('a nonsense deadline of the client is ignored', async () => {
  const base = await listening(
    async (_request, response) => {
      await sleep(0.02);
      response.end('served');
    },
    { header: ['x-request-timeout-ms', 'grpc-timeout'] },
  );
  for (const value of ['-1', '1e-9', '0x1', 'soon', '', '99999999999999999999']) {
    const answer = await fetch(base, { headers: { 'x-request-timeout-ms': value, 'grpc-timeout': value } });
    expect([value, await answer.text()]).toEqual([value, 'served']);
  }
});

test('a request that is over refers to no other one', async () => {
  const seen: RequestTask[] = [];
  const base = await listening(async (_request, response) => {
    seen.push(servedRequest.get()!);
    await sleep(0.01);
    response.end('served');
  });
  await Promise.all(Array.from({ length: 4 }, async () => (await fetch(base)).text()));
  await quiet();
  expect(requestsUnderWay()).toEqual([]);
  expect(seen.map(({ previous, next }) => [previous, next])).toEqual(Array(4).fill([null, null]));
});

test('a listener inside `createServer` has the types of Node', async () => {
  const server = http.createServer(
    taskListener(async (request, response) => {
      response.writeHead(201, { 'x-method': request.method ?? '' });
      response.end();
    }),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const answer = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  expect([answer.status, answer.headers.get('x-method')]).toEqual([201, 'GET']);
  // A variable gives them too.
  const listener: http.RequestListener = taskListener((_request, response) => response.writeHead(200).end());
  expect(listener).toBeTypeOf('function');
});
