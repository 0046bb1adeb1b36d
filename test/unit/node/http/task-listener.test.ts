import { once } from 'node:events';
import http2 from 'node:http2';
import type { AddressInfo } from 'node:net';
import { ContextVar, currentTask, Event, Future, getEventLoop, sleep, timeout } from 'asyncio-ts';
import { drain, outgoing, taskListener } from 'asyncio-ts/http';
import { describe, expect, onTestFinished, test } from 'vitest';
import { listening, quiet, rawClient, readToEnd, requestNames } from '../../../support/http-servers.ts';

const pipelined = (...paths: string[]) => paths.map((path) => `GET ${path} HTTP/1.1\r\nhost: x\r\n\r\n`).join('');

/** What is reported to the loop until the test ends. */
function reports(): string[] {
  const messages: string[] = [];
  const loop = getEventLoop();
  const before = loop.getExceptionHandler();
  loop.setExceptionHandler((_loop, { message }) => messages.push(String(message)));
  onTestFinished(() => loop.setExceptionHandler(before));
  return messages;
}

describe('a request of node:http', () => {
  test('is a task of its own, with context variables of its own, until its response is closed', async () => {
    const user = new ContextVar('user', { default: 'nobody' });
    const { base } = await listening(async (request, response) => {
      const before = user.get();
      user.set(request.url!);
      await sleep(0.01);
      response.end(`${currentTask()!.getName()} ${before} ${user.get()}`);
    });
    const texts = await Promise.all(['/a?x=1', '/b'].map(async (path) => (await fetch(base + path)).text()));
    expect(texts).toEqual(['GET /a nobody /a?x=1', 'GET /b nobody /b']);
    await quiet();
  });

  test('may be answered by callbacks after the listener has returned, and by a generator function', async () => {
    const { base } = await listening((_request, response) => {
      setTimeout(() => response.end(requestNames().join()), 5);
    });
    expect(await (await fetch(`${base}/later`)).text()).toBe('GET /later');
    const other = await listening(function* (_request, response) {
      yield* sleep(0.001);
      response.end('from a generator');
    });
    expect(await (await fetch(other.base)).text()).toBe('from a generator');
  });

  test('whose body was read is not taken for one whose client has left', async () => {
    const { base } = await listening(async (request, response) => {
      let body = '';
      for await (const chunk of request) body += chunk;
      await sleep(0.02); // the close of the request comes here
      response.end(body);
    });
    expect(await (await fetch(base, { method: 'POST', body: 'all of it' })).text()).toBe('all of it');
  });

  test('is cancelled when its client leaves, and cleans up', async () => {
    const begun = new Event();
    const ended = new Future<string>();
    const { base } = await listening(async (_request, _response) => {
      try {
        begun.set();
        await sleep(60);
      } catch (error) {
        ended.setResult((error as Error).message);
        throw error;
      }
    });
    const client = new AbortController();
    const answer = fetch(`${base}/slow`, { signal: client.signal }).catch((error: Error) => error.name);
    await begun.wait();
    client.abort();
    expect(await answer).toBe('AbortError');
    expect(await ended).toBe('the client of GET /slow has left');
    await quiet();
  });

  test('whose client leaves has status 499 for the access log, unless another one was sent', async () => {
    const logged: unknown[] = [];
    const { base } = await listening(async (request, response) => {
      response.on('close', () => logged.push([request.url, response.statusCode])); // as access logs do
      if (request.url === '/begun') response.writeHead(201).write('first part');
      else if (request.url === '/answered') return void response.end('all of it');
      await sleep(60);
    });
    await (await fetch(`${base}/answered`)).text();
    const begun = await fetch(`${base}/begun`);
    await begun.body!.cancel();
    await quiet();
    const client = new AbortController();
    const left = fetch(`${base}/left`, { signal: client.signal }).catch((error: Error) => error.name);
    while (requestNames().length === 0) await sleep(0.001);
    client.abort();
    expect(await left).toBe('AbortError');
    await quiet();
    expect(logged).toEqual([
      ['/answered', 200],
      ['/begun', 201],
      ['/left', 499],
    ]);
  });

  test('whose client leaves while the response is under way is cancelled, too', async () => {
    const ended = new Future<string>();
    const { base } = await listening(async (_request, response) => {
      try {
        response.write('first part');
        await sleep(60);
      } finally {
        ended.setResult('cleaned up');
      }
    });
    const response = await fetch(base);
    await response.body!.cancel();
    expect(await ended).toBe('cleaned up');
  });

  test('that was pipelined is cancelled when its client leaves, whether its turn has come or not', async () => {
    const ended: string[] = [];
    const { port } = await listening(async (request, response) => {
      try {
        if (request.url !== '/2') await sleep(60);
        response.end();
      } finally {
        ended.push(request.url!);
      }
    });
    const paths = Array.from({ length: 20 }, (_, i) => `/${i + 1}`);
    const client = rawClient(port, pipelined(...paths));
    while (requestNames().length < 20) await sleep(0.001);
    client.destroy();
    await quiet();
    expect(ended.sort()).toEqual([...paths].sort());
  });

  test('has the path of its URL in its name, also when a query holds another URL', async () => {
    const { base } = await listening(async (_request, response) => response.end(currentTask()!.getName()));
    expect(await (await fetch(`${base}/login?next=http://x/y`)).text()).toBe('GET /login');
  });

  test('that fails rejects, and one that times out is answered with 504', async () => {
    const { base, rejected } = await listening(async (request, response) => {
      if (request.url === '/late') await timeout(0.001, () => sleep(60));
      response.statusCode = 500;
      response.end();
      throw new RangeError('of the listener');
    });
    expect((await fetch(`${base}/late`)).status).toBe(504);
    expect((await fetch(`${base}/fails`)).status).toBe(500);
    await quiet();
    expect(rejected).toEqual([new RangeError('of the listener')]);
  });
});

describe('a deadline of node:http', () => {
  test('answers with 504, and the header of the client may shorten it', async () => {
    const ended = new Future<string>();
    const { base } = await listening(
      async () => {
        try {
          await sleep(60);
        } catch (error) {
          ended.setResult((error as Error).message);
          throw error;
        }
      },
      { deadline: 30, header: 'x-request-timeout-ms' },
    );
    const response = await fetch(base, { headers: { 'x-request-timeout-ms': '5' } });
    expect(response.status).toBe(504);
    expect(await ended).toBe('the deadline of GET / has passed: its response had to begin within 0.005 s');
  });

  test('drops what the listener answers afterwards, and reports its error instead of rejecting', async () => {
    const messages = reports();
    const answered = new Future<void>();
    const { base, rejected } = await listening(
      async (_request, response) => {
        await new Promise((resolve) => response.once('close', resolve)); // a promise that cannot be cancelled
        answered.setResult();
        response.writeHead(200, { 'x-late': 'yes' });
        throw new Error('of the listener');
      },
      { deadline: 0.005 },
    );
    expect((await fetch(`${base}/late`)).status).toBe(504);
    await answered;
    await quiet();
    expect(rejected).toEqual([]);
    expect(messages).toEqual(['GET /late failed after it was cancelled']);
  });

  test('ends a listener that reads a body of which the rest never comes, when the client leaves', async () => {
    const messages = reports();
    const { port } = await listening(
      async (request) => {
        for await (const _ of request);
      },
      { deadline: 0.005 },
    );
    const client = rawClient(port, 'POST /upload HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\n\r\nabc');
    const [head] = (await once(client.resume(), 'data')) as [Buffer];
    expect(head.toString()).toMatch(/^HTTP\/1\.1 504 /);
    expect(requestNames()).toEqual(['POST /upload']);
    client.destroy();
    await quiet();
    expect(messages).toEqual(['POST /upload failed after it was cancelled']);
  });

  test('is kept by a response that has begun', async () => {
    const { base } = await listening(
      async (_request, response) => {
        response.write('a');
        await sleep(0.05);
        response.end('b');
      },
      { deadline: 0.02 },
    );
    expect(await (await fetch(base)).text()).toBe('ab');
  });

  test('travels on, with the signal of the running scope', async () => {
    const { base } = await listening(
      async (_request, response) => {
        const { signal, headers } = outgoing({ headers: { accept: 'text/plain' } });
        response.end(JSON.stringify([signal instanceof AbortSignal, headers]));
      },
      { deadline: 30, header: 'x-request-timeout-ms' },
    );
    const [hasSignal, headers] = (await (await fetch(base)).json()) as [boolean, Record<string, string>];
    expect(hasSignal).toBe(true);
    expect(headers).toEqual({
      accept: 'text/plain',
      'x-request-timeout-ms': expect.stringMatching(/^2\d{4}$|^30000$/),
    });
  });

  test('travels on once, whatever the headers of the program are called, and with a signal in any case', async () => {
    const { base } = await listening(
      async (_request, response) => {
        const { signal, headers } = outgoing({
          signal: undefined as AbortSignal | undefined,
          headers: [
            ['X-Request-Timeout-Ms', '1'],
            ['accept', 'text/plain'],
            ['accept', 'text/html'],
          ],
        });
        response.end(JSON.stringify([signal instanceof AbortSignal, Object.entries(headers)]));
      },
      { deadline: 30 },
    );
    expect(await (await fetch(base)).json()).toEqual([
      true,
      [
        ['accept', 'text/plain, text/html'],
        ['x-request-timeout-ms', expect.stringMatching(/^2\d{4}$|^30000$/)],
      ],
    ]);
  });

  test('does not travel on outside a request', () => {
    expect(outgoing({ method: 'POST', headers: new Headers({ accept: 'text/plain' }) })).toEqual({
      method: 'POST',
      headers: { accept: 'text/plain' },
    });
    expect(outgoing()).toEqual({ headers: {} });
  });
});

test('beyond the limit and the queue node:http answers with 503', async () => {
  const go = new Event();
  const { base } = await listening(
    async (_request, response) => {
      await go.wait();
      response.end('served');
    },
    { limit: 1, queue: 1 },
  );
  const first = fetch(`${base}/1`);
  while (requestNames().length < 1) await sleep(0.001);
  const second = fetch(`${base}/2`);
  while (requestNames().length < 2) await sleep(0.001);
  const third = await fetch(`${base}/3`);
  expect([third.status, third.headers.get('retry-after')]).toEqual([503, '1']);
  go.set();
  expect([(await first).status, (await second).status]).toEqual([200, 200]);
});

test('beyond the limit HTTP/2 is answered with 503, without a header that it does not allow', async () => {
  const warnings: string[] = [];
  const note = ({ message }: Error) => warnings.push(message);
  process.on('warning', note);
  const go = new Event();
  const serve = taskListener(
    async (_request: http2.Http2ServerRequest, response: http2.Http2ServerResponse) => {
      await go.wait();
      response.end();
    },
    { limit: 1 },
  );
  const server = http2.createServer((request, response) => void serve(request, response));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const client = http2.connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`);
  onTestFinished(() => {
    process.off('warning', note);
    client.destroy();
    server.close();
  });
  const statusOf = async (stream: http2.ClientHttp2Stream) => {
    const [headers] = (await once(stream, 'response')) as [http2.IncomingHttpHeaders];
    return (headers as Record<string, unknown>)[':status'];
  };
  const first = statusOf(client.request({ ':path': '/1' }));
  while (requestNames().length < 1) await sleep(0.001);
  expect(await statusOf(client.request({ ':path': '/2' }))).toBe(503);
  go.set();
  expect(await first).toBe(200);
  expect(warnings).toEqual([]);
});

describe('drain', () => {
  test('waits for requests, and cancels those that take longer, by name', async () => {
    const log: string[] = [];
    const go = new Event();
    const { base, server } = await listening(async (request, response) => {
      try {
        if (request.url === '/slow') await sleep(60);
        else await go.wait();
        response.end('done');
      } catch (error) {
        log.push((error as Error).message);
        throw error;
      }
    });
    const quick = fetch(`${base}/quick`);
    const slow = fetch(`${base}/slow`);
    while (requestNames().length < 2) await sleep(0.001);
    const drained = drain(server, 0.05);
    expect(drain(server, 5)).toBe(drained);
    go.set();
    const { finished, cut, stuck } = await drained;
    expect({ finished, stuck }).toEqual({ finished: 1, stuck: [] });
    expect(cut).toEqual([expect.stringMatching(/^GET \/slow \(0\.\d s\)$/)]);
    expect(await (await quick).text()).toBe('done');
    expect((await slow).status).toBe(503);
    expect(log).toEqual(['the server is shutting down, and GET /slow took longer than 0.04 s']);
    await expect(fetch(base)).rejects.toThrow('fetch failed');
  });

  test('answers new requests with 503 while it waits', async () => {
    const go = new Event();
    const { base, server } = await listening(async (_request, response) => {
      await go.wait();
      response.end('done');
    });
    const first = fetch(base);
    while (requestNames().length < 1) await sleep(0.001);
    const other = await listening(async (_request, response) => response.end('never'));
    const drained = drain(server, 30);
    expect((await fetch(other.base)).status).toBe(503);
    go.set();
    expect((await first).status).toBe(200);
    expect(await drained).toEqual({ finished: 1, cut: [], stuck: [] });
    expect((await fetch(other.base)).status).toBe(200);
  });

  test('lets a slow client read a response to its end', async () => {
    const size = 30_000_000;
    const { server, port } = await listening(async (_request, response) => response.end(Buffer.alloc(size)));
    const client = rawClient(port, pipelined('/big'));
    while (requestNames().length < 1) await sleep(0.001);
    const drained = drain(server, 30);
    const read = readToEnd(client);
    expect(await drained).toEqual({ finished: 1, cut: [], stuck: [] });
    expect(await read).toBeGreaterThan(size);
  });

  test('cuts a client that never reads, and tells so', async () => {
    const { server, port } = await listening(async (_request, response) => response.end(Buffer.alloc(30_000_000)));
    rawClient(port, pipelined('/big'));
    while (requestNames().length < 1) await sleep(0.001);
    const { finished, cut } = await drain(server, 0.02);
    expect([finished, cut]).toEqual([0, [expect.stringMatching(/^GET \/big \(0\.\d s\)$/)]]);
  });

  test('that was cancelled can be called again', async () => {
    let whenClosed = (): void => {};
    const server = {
      close(callback: () => void) {
        whenClosed = callback;
      },
    };
    await expect(timeout(0.005, () => drain(server, 60))).rejects.toThrow('timed out');
    whenClosed();
    const again = drain(server, 60);
    whenClosed();
    expect(await again).toEqual({ finished: 0, cut: [], stuck: [] });
  });

  test('does not wait longer than it was told for connections that the server cannot cut off', async () => {
    const log: unknown[] = [];
    const bun = {
      stop(closeActive?: boolean) {
        log.push(closeActive);
        return closeActive ? Promise.resolve() : new Promise(() => {});
      },
    };
    const deno = { shutdown: () => new Promise(() => {}) };
    const none = { finished: 0, cut: [], stuck: [] };
    expect(await drain(deno, 0.005)).toEqual(none);
    expect(await drain(bun, 0.005)).toEqual(none);
    expect(log).toEqual([false, true]);
  });

  test('needs a server', () => {
    expect(() => drain({} as never, 5)).toThrow(
      'drain: a server of node:http, Bun.serve or Deno.serve is required, got',
    );
    expect(() => drain(null, Number.NaN)).toThrow('drain: seconds');
  });
});
