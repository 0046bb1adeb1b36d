import http from 'node:http';
import { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { Event, getEventLoop, sleep, timeout } from 'asyncio-ts';
import { taskListener } from 'asyncio-ts/http';
import { expect, test } from 'vitest';
import { type RequestTask, requestsUnderWay, servedRequest } from '../../../../src/http/request-tasks.ts';
import { listening, listeningOn, quiet, rawClient } from '../../../support/http-servers.ts';
import { muteLog } from '../../../support/loops.ts';

test('a listener that answers twice has its first answer sent, and rejects', async () => {
  const { base, rejected } = await listening(async (_request, response) => {
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
  const { base, rejected } = await listening(() => {}, { deadline: 0.02 });
  expect((await fetch(base)).status).toBe(504);
  await quiet();
  expect(rejected).toEqual([]);
});

const LATE_ANSWERS: Readonly<Record<string, (response: http.ServerResponse) => unknown>> = {
  'response.end(text)': (response) => response.end('late'),
  'response.write(text)': (response) => new Promise((resolve) => response.write('late', resolve)),
  'a stream': (response) => pipeline(Readable.from(['a', 'b']), response),
  'response.writeHead(200)': (response) => response.writeHead(200, { 'x-late': 'yes' }).end('late'),
  'response.setHeader(…)': (response) => response.setHeader('x-late', 'yes').setHeaders(new Map([['a', 'b']])),
};

test.each(Object.entries(LATE_ANSWERS))(
  'a listener that answers by %s after its deadline harms nobody, also while the 504 waits behind a pipelined response',
  async (_name, answerLate) => {
    const isAnswered = new Event();
    const { port, rejected } = await listening(
      async (request, response) => {
        if (request.url === '/first') {
          response.write('first ');
          await isAnswered.wait();
          response.end('is done');
          return;
        }
        const { promise, resolve } = Promise.withResolvers<void>();
        setTimeout(resolve, 30); // cannot be cancelled
        await promise;
        await answerLate(response);
        isAnswered.set();
      },
      { header: 'x-request-timeout-ms' },
    );
    const client = rawClient(
      port,
      'GET /first HTTP/1.1\r\nhost: x\r\n\r\nGET /second HTTP/1.1\r\nhost: x\r\nx-request-timeout-ms: 1\r\n\r\n',
    );
    let received = '';
    for await (const chunk of client.setEncoding('utf8')) {
      received += chunk;
      if (received.includes('has passed\n')) break;
    }
    await quiet();
    expect(received).toMatch(/^HTTP\/1\.1 200 .*first .*is done.*HTTP\/1\.1 504 /s);
    expect(received).not.toMatch(/late/);
    expect(rejected).toEqual([]);
  },
);

test('a listener that answers from a callback after its deadline does not end the process, and is reported in debug mode', async () => {
  const warn = muteLog('warn');
  const loop = getEventLoop();
  loop.setDebug(true);
  const answered = new Event();
  const { base } = await listening(
    (_request, response) => {
      response.once('close', () => {
        response.writeHead(200);
        response.end('late', () => answered.set());
      });
    },
    { deadline: 0.005 },
  );
  expect((await fetch(`${base}/callback`)).status).toBe(504);
  await answered.wait();
  await quiet();
  loop.setDebug(false);
  const told = warn.mock.calls
    .flat()
    .filter((line) => String(line).startsWith('GET /callback was cancelled at its deadline'));
  expect(told).toHaveLength(1);
});

test.each([
  ['its deadline', { deadline: 0.005 }, () => sleep(60)],
  ['a TimeoutError', {}, () => timeout(0.005, async () => sleep(60))],
])('a 504 after %s has nothing of what the listener has set for its own body', async (_name, options, work) => {
  const { base } = await listening(async (_request, response) => {
    response.statusMessage = 'All is well';
    response.setHeaders(
      new Map([
        ['content-length', '5000'],
        ['content-encoding', 'gzip'],
        ['cache-control', 'public, max-age=3600'],
        ['etag', '"1"'],
        ['transfer-encoding', 'chunked'],
        ['access-control-allow-origin', '*'],
      ]),
    );
    await work();
  }, options);
  const response = await fetch(base);
  const body = await response.text();
  expect([response.status, response.statusText]).toEqual([504, 'Gateway Timeout']);
  expect(response.headers.get('content-length')).toBe(String(body.length));
  const kept = [...response.headers.keys()].filter((name) => !['connection', 'date', 'keep-alive'].includes(name));
  expect(kept).toEqual(['access-control-allow-origin', 'content-length', 'content-type']);
  await quiet();
});

test('a middleware that sends the end of a response later sends the 504 as well', async () => {
  const { base } = await listening(
    async (_request, response) => {
      const end = response.end.bind(response);
      response.end = ((chunk: Uint8Array) => {
        setTimeout(() => {
          response.writeHead(response.statusCode);
          end(chunk);
        }, 1);
        return response;
      }) as typeof response.end;
      await sleep(60);
    },
    { deadline: 0.005 },
  );
  const response = await fetch(base);
  expect([response.status, await response.text()]).toEqual([504, 'the deadline of the request has passed\n']);
  await quiet();
});

test('a listener that returns at once, as those of frameworks do, awaits in one place only', async () => {
  const warn = muteLog('warn');
  const loop = getEventLoop();
  loop.setDebug(true);
  const { base } = await listening((request, response) => {
    const handle = async (): Promise<void> => {
      await text(request); // of Node, not of this library
      await sleep(0.001);
      response.end('done');
    };
    void handle();
  });
  const init = { method: 'POST', body: 'x' };
  expect(await (await fetch(base, init)).text()).toBe('done');
  await quiet();
  loop.setDebug(false);
  expect(warn.mock.calls.flat().filter((line) => String(line).includes('two places at once'))).toEqual([]);
});

test('a listener that answers after its client has gone leaves nothing behind', async () => {
  const begun = new Event();
  const cancelled: string[] = [];
  const { base, rejected } = await listening(async (_request, response) => {
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
  const { base } = await listening(
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
    expect.stringMatching(/^GET \/swallows was cancelled at its deadline and went on all the same/),
  );
});

test('a nonsense deadline of the client is ignored', async () => {
  const { base } = await listening(
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
  const { base } = await listening(async (_request, response) => {
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
  const { base } = await listeningOn(server);
  const answer = await fetch(base);
  expect([answer.status, answer.headers.get('x-method')]).toEqual([201, 'GET']);
  // A variable gives them too.
  const listener: http.RequestListener = taskListener((_request, response) => response.writeHead(200).end());
  const alone = taskListener<http.RequestListener>((_request, response) => response.writeHead(200).end());
  http.createServer(alone);
  expect([listener, alone].map((one) => typeof one)).toEqual(['function', 'function']);
});
