import http, { type Server } from 'node:http';
import { serve } from '@hono/node-server';
import {
  allTasks,
  CancelledError,
  ContextVar,
  currentSignal,
  currentTask,
  Event,
  getEventLoop,
  rethrowIfCancelled,
  sleep,
  TimeoutError,
  timeout,
} from 'asyncio-ts';
import { drain, type RequestOptions, taskHandler, taskListener } from 'asyncio-ts/http';
import express, { type Request as ExpressRequest, type Response as ExpressResponse, type NextFunction } from 'express';
import Fastify from 'fastify';
import { type Context, Hono } from 'hono';
import { describe, expect, test } from 'vitest';
import { listeningOn, quiet, rawClient, readToEnd, requestNames } from '../../../support/http-servers.ts';
import { muteLog } from '../../../support/loops.ts';

const user = new ContextVar('user', { default: 'nobody' });

/** What the routes of each framework do. */
interface Log {
  readonly begun: Event;
  readonly ended: string[];
}

async function slowly(log: Log): Promise<string> {
  try {
    log.begun.set();
    await sleep(60);
    return 'never';
  } catch (error) {
    log.ended.push((error as Error).message);
    throw error;
  }
}

const whoami = async (): Promise<string> => {
  await sleep(0.005);
  return `${currentTask()!.getName()} ${user.get()}`;
};

/** The same routes in three frameworks. */
const FRAMEWORKS: Readonly<Record<string, (log: Log, options: RequestOptions) => Promise<Server>>> = {
  async Hono(log, options) {
    const app = new Hono();
    app.use(async (c, next) => {
      user.set(c.req.query('user') ?? '-');
      await next();
    });
    app.get('/whoami', async (c) => c.text(await whoami()));
    app.get('/slow', async (c) => c.text(await slowly(log)));
    app.post('/upload', async (c) => c.text(await c.req.text()));
    app.onError((error, c) => {
      rethrowIfCancelled(error);
      return c.text('failed', 500);
    });
    return serve({ fetch: taskHandler(app.fetch, options), port: 0, hostname: '127.0.0.1' }) as Server;
  },
  async Express(log, options) {
    const app = express();
    app.use((request, _response, next) => {
      user.set(String(request.query['user'] ?? '-'));
      next();
    });
    app.get('/whoami', async (_request, response) => {
      response.send(await whoami());
    });
    app.get('/slow', async (_request, response) => {
      response.send(await slowly(log));
    });
    app.post('/upload', express.text(), (request, response) => {
      response.send(request.body);
    });
    app.use((error: unknown, _request: ExpressRequest, response: ExpressResponse, _next: NextFunction) => {
      if (!(error instanceof CancelledError) && !response.headersSent) response.status(500).send('failed');
    });
    return http.createServer(taskListener(app, options)).listen(0, '127.0.0.1');
  },
  async Fastify(log, options) {
    const app = Fastify({ serverFactory: (handler) => http.createServer(taskListener(handler, options)) });
    app.addHook('onRequest', (request, _reply, done) => {
      user.set((request.query as { user?: string }).user ?? '-');
      done();
    });
    app.get('/whoami', async () => whoami());
    app.get('/slow', async () => slowly(log));
    app.post('/upload', async (request) => request.body);
    await app.listen({ port: 0, host: '127.0.0.1' });
    return app.server;
  },
};

async function started(framework: string, options: RequestOptions = {}) {
  const log: Log = { begun: new Event(), ended: [] };
  const server = await FRAMEWORKS[framework]!(log, options);
  return { log, server, ...(await listeningOn(server)) };
}

describe.each(Object.keys(FRAMEWORKS))('a request of %s', (framework) => {
  test('is a task with context variables of its own, also after an await of the framework', async () => {
    const { base } = await started(framework);
    const texts = await Promise.all(
      ['ada', 'bob'].map(async (name) => (await fetch(`${base}/whoami?user=${name}`)).text()),
    );
    expect(texts).toEqual(['GET /whoami ada', 'GET /whoami bob']);
    await quiet();
  });

  test('is cancelled when its client leaves', async () => {
    const { base, log } = await started(framework);
    const client = new AbortController();
    const answer = fetch(`${base}/slow`, { signal: client.signal }).catch((error: Error) => error.name);
    await log.begun.wait();
    client.abort();
    expect(await answer).toBe('AbortError');
    await quiet();
    expect(log.ended).toEqual(['the client of GET /slow has left']);
  });

  test('is answered with 504 at its deadline, and its connection goes on', async () => {
    const { base, log } = await started(framework, { header: 'x-request-timeout-ms' });
    // Only this request has one: the second may take its time on a busy machine.
    expect((await fetch(`${base}/slow`, { headers: { 'x-request-timeout-ms': '20' } })).status).toBe(504);
    expect((await fetch(`${base}/whoami`)).status).toBe(200);
    await quiet();
    expect(log.ended).toEqual(['the deadline of GET /slow has passed: its response had to begin within 0.02 s']);
  });

  test('that waits for the rest of an upload does not keep a server longer than `drain` was told', async () => {
    const { server, port } = await started(framework);
    const upload = 'POST /upload HTTP/1.1\r\nhost: x\r\ncontent-type: text/plain\r\ncontent-length: 9\r\n\r\nabc';
    rawClient(port, upload).resume();
    while (!requestNames().includes('POST /upload')) await sleep(0.001);
    const loop = getEventLoop();
    const began = loop.time();
    const { cut, stuck } = await drain(server, 0.5);
    expect(loop.time() - began).toBeLessThan(2); // not the five seconds that clean-up may take at most
    expect({ cut, stuck }).toEqual({ cut: [expect.stringMatching(/^POST \/upload \(0\.\d s\)$/)], stuck: [] });
    await quiet();
  });
});

describe('a request of Fastify that catches the cancellation at its deadline', () => {
  /** What debug mode says of a handler that has this in its `catch`. */
  async function reportsOf(inCatch: (error: unknown) => void): Promise<string[]> {
    const warn = muteLog('warn');
    const loop = getEventLoop();
    loop.setDebug(true);
    try {
      const ended = new Event();
      const app = Fastify({
        serverFactory: (handler) => http.createServer(taskListener(handler, { deadline: 0.02 })),
      });
      app.get('/slow', async () => {
        try {
          await sleep(60);
        } catch (error) {
          ended.set();
          inCatch(error);
        }
        return 'as if nothing had happened';
      });
      await app.listen({ port: 0, host: '127.0.0.1' });
      const { base } = await listeningOn(app.server);
      const response = await fetch(`${base}/slow`);
      expect([response.status, await response.text()]).toEqual([504, 'the deadline of the request has passed\n']);
      await ended.wait();
      await quiet();
      await sleep(0); // Fastify is told some microtasks after the end of its handler
    } finally {
      loop.setDebug(false);
    }
    return warn.mock.calls.map(([line]) => String(line)).filter((line) => line.includes('deadline'));
  }

  test('and returns something is reported in debug mode, and the client gets 504', async () => {
    expect(await reportsOf(() => {})).toEqual([
      expect.stringMatching(/^GET \/slow was cancelled at its deadline and went on all the same.*rethrowIfCancelled/),
    ]);
  });

  test('and lets it pass is not reported', async () => {
    expect(await reportsOf(rethrowIfCancelled)).toEqual([]);
  });
});

describe('a request of Hono on Node', () => {
  /** A server with one handler. */
  async function served(handler: (request: Request) => Response | Promise<Response>, options: RequestOptions = {}) {
    const server = serve({ fetch: taskHandler(handler, options), port: 0, hostname: '127.0.0.1' }) as Server;
    return { server, ...(await listeningOn(server)) };
  }

  test('may have a deadline as a middleware, which is 504 if `onError` lets the cancellation pass, and 500 if it does not', async () => {
    const ended: string[] = [];
    const app = (onError: (error: Error, c: Context) => Response) =>
      new Hono()
        .use('/report', async (_c, next) => timeout(0.01, next))
        .get('/report', async (c) => {
          try {
            await sleep(60);
          } finally {
            ended.push('cleaned up');
          }
          return c.text('never');
        })
        .get('/other', (c) => c.text('served'))
        .onError(onError);
    const passing = await served(
      app((error, c) => {
        rethrowIfCancelled(error);
        return c.text(error.message, error instanceof TimeoutError ? 504 : 500);
      }).fetch,
    );
    const swallowing = await served(app((_error, c) => c.text('failed', 500)).fetch);
    const answers = [];
    for (const { base } of [passing, swallowing]) {
      const response = await fetch(`${base}/report`);
      answers.push([response.status, await response.text()]);
    }
    expect(answers).toEqual([
      [504, 'timed out after 0.01 s'],
      [500, 'failed'],
    ]);
    expect(ended).toEqual(['cleaned up', 'cleaned up']);
    expect((await fetch(`${passing.base}/other`)).status).toBe(200);
    await quiet();
  });

  test('makes no signal that nobody asks for', async () => {
    const signals: unknown[] = [];
    const outgoing = { on() {}, writableEnded: false };
    const request = {
      method: 'GET',
      url: 'http://localhost/a',
      headers: new Headers(),
      get signal(): never {
        signals.push('asked for');
        throw new Error('not reached');
      },
    };
    const handler = taskHandler((_request: typeof request, _env: object) => new Response('hello'));
    expect(await (await handler(request, { outgoing })).text()).toBe('hello');
    expect(signals).toEqual([]);
    for (const task of allTasks()) if (task.getName() === 'GET /a') task.cancel();
    outgoing.writableEnded = true;
    await quiet();
  });

  test('lasts until its response was sent, so that `drain` lets a slow client read it to the end', async () => {
    const size = 30_000_000;
    const { server, port } = await served(() => new Response(new Uint8Array(size)));
    const client = rawClient(port, 'GET /big HTTP/1.1\r\nhost: x\r\n\r\n');
    while (requestNames().length === 0) await sleep(0.001);
    const drained = drain(server, 30);
    const read = readToEnd(client);
    expect(await drained).toEqual({ finished: 1, cut: [], stuck: [] });
    expect(await read).toBeGreaterThan(size);
  });

  test('whose client has left is not reported when its deadline passes, though its handler goes on', async () => {
    const warn = muteLog('warn');
    const loop = getEventLoop();
    loop.setDebug(true);
    try {
      const [begun, left, ended, goOn] = [new Event(), new Event(), new Event(), Promise.withResolvers<void>()];
      const { base } = await served(
        async () => {
          const signal = currentSignal();
          signal.addEventListener('abort', () => left.set());
          begun.set();
          try {
            await goOn.promise;
          } finally {
            ended.set();
          }
          return new Response('nobody reads this');
        },
        { deadline: 0.3 },
      );
      const client = new AbortController();
      const answer = fetch(base, { signal: client.signal }).catch((error: Error) => error.name);
      await begun.wait();
      client.abort();
      expect(await answer).toBe('AbortError');
      await left.wait(); // long before the deadline
      await sleep(0.31); // the deadline passes
      goOn.resolve();
      await ended.wait();
      await quiet();
    } finally {
      loop.setDebug(false);
    }
    expect(warn.mock.calls.flat().join()).not.toContain('deadline');
  });

  test('that streams has its body ended when its task is cancelled, and when its client leaves', async () => {
    const ended: string[] = [];
    const { server, base } = await served(
      (request) =>
        new Response(
          new ReadableStream({
            pull: (controller) => controller.enqueue(new TextEncoder().encode('more')),
            cancel: () => void ended.push(new URL(request.url).pathname),
          }),
        ),
    );
    const left = await fetch(`${base}/left`);
    await left.body!.cancel();
    await quiet();
    const cut = await fetch(`${base}/cut`);
    expect((await drain(server, 0.02)).cut).toEqual([expect.stringMatching(/^GET \/cut /)]);
    await expect(cut.text()).rejects.toThrow('terminated');
    while (ended.length < 2) await sleep(0.001);
    expect(ended).toEqual(['/left', '/cut']);
  });
});
