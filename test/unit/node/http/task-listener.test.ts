import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { allTasks, ContextVar, currentTask, Event, Future, sleep, timeout } from 'asyncio-ts';
import { drain, outgoing, type RequestOptions, taskListener } from 'asyncio-ts/http';
import { describe, expect, onTestFinished, test } from 'vitest';

type Listener = (request: http.IncomingMessage, response: http.ServerResponse) => unknown;

/** A server on a port of its own. What its listeners reject with is kept. */
async function listening(listener: Listener, options: RequestOptions = {}) {
  const rejected: unknown[] = [];
  const serve = taskListener(listener, options);
  const server = http.createServer((request, response) => {
    serve(request, response).catch((error: unknown) => rejected.push(error));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { server, base: `http://127.0.0.1:${port}`, rejected };
}

const names = () => [...allTasks()].map((task) => task.getName()).filter((name) => /^[A-Z]+ \//.test(name));

/** Waits until no request is under way. */
async function quiet(): Promise<void> {
  while (names().length > 0) await sleep(0.001);
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
      setTimeout(() => response.end(names().join()), 5);
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
  while (names().length < 1) await sleep(0.001);
  const second = fetch(`${base}/2`);
  while (names().length < 2) await sleep(0.001);
  const third = await fetch(`${base}/3`);
  expect([third.status, third.headers.get('retry-after')]).toEqual([503, '1']);
  go.set();
  expect([(await first).status, (await second).status]).toEqual([200, 200]);
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
    while (names().length < 2) await sleep(0.001);
    const drained = drain(server, 0.05);
    expect(drain(server, 5)).toBe(drained);
    go.set();
    const { finished, cut, stuck } = await drained;
    expect({ finished, stuck }).toEqual({ finished: 1, stuck: [] });
    expect(cut).toEqual([expect.stringMatching(/^GET \/slow \(0\.\d s\)$/)]);
    expect(await (await quick).text()).toBe('done');
    expect((await slow).status).toBe(503);
    expect(log).toEqual(['the server is shutting down, and GET /slow took longer than 0.05 s']);
    await expect(fetch(base)).rejects.toThrow('fetch failed');
  });

  test('answers new requests with 503 while it waits', async () => {
    const go = new Event();
    const { base, server } = await listening(async (_request, response) => {
      await go.wait();
      response.end('done');
    });
    const first = fetch(base);
    while (names().length < 1) await sleep(0.001);
    const other = await listening(async (_request, response) => response.end('never'));
    const drained = drain(server, 30);
    expect((await fetch(other.base)).status).toBe(503);
    go.set();
    expect((await first).status).toBe(200);
    expect(await drained).toEqual({ finished: 1, cut: [], stuck: [] });
    expect((await fetch(other.base)).status).toBe(200);
  });

  test('needs a server', () => {
    expect(() => drain({} as never, 5)).toThrow(
      'drain: a server of node:http, Bun.serve or Deno.serve is required, got',
    );
    expect(() => drain(null, Number.NaN)).toThrow('drain: seconds');
  });
});
