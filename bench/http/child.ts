import http, { type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { serve } from '@hono/node-server';
import { allTasks, CancelledError, rethrowIfCancelled, sleep } from 'asyncio-ts';
import { type RequestOptions, taskHandler, taskListener } from 'asyncio-ts/http';
import express, { type ErrorRequestHandler } from 'express';
import Fastify from 'fastify';
import { Hono } from 'hono';
import { type Framework, type Mode, VISITED } from './contenders.ts';

/**
 * One server of the HTTP benchmark: `node --expose-gc child.ts FRAMEWORK MODE`. Each answers `GET /` with a short text; in the mode `visited` also
 * `/slow` after some milliseconds, `/never` not at all, and `/fails` with an error.
 *
 * It says `{"port": …}` when it is ready, then answers each line on its standard input with one on its output, and ends with the input.
 *
 * | line     | answer                                                                   |
 * |----------|--------------------------------------------------------------------------|
 * | `cpu`    | `{"cpu": …}`: the nanoseconds of processor time that it has taken so far |
 * | `memory` | `{"rss": …, "heap": …}`: bytes after full collections                     |
 * | `busy`   | `{"tasks": …, "sockets": …, "timers": …}`: how many there are              |
 */

const OPTIONS: Readonly<Record<Exclude<Mode, 'bare'>, RequestOptions>> = {
  tasks: {},
  limits: { deadline: 30, limit: 200, queue: 500 },
  visited: { deadline: 30, limit: 200, queue: 500, header: 'x-request-timeout-ms' },
};

const [framework, mode] = process.argv.slice(2) as [Framework, Mode];

/** The routes that only visitors use. */
const WORK: Readonly<Record<string, () => Promise<string>>> = {
  '/slow': async () => {
    await sleep(0.005);
    return 'hello';
  },
  '/never': async () => {
    await sleep(3_600);
    return 'hello';
  },
  '/fails': async () => {
    await sleep(0);
    throw new Error('of the handler');
  },
};
const work = Object.entries(mode === VISITED ? WORK : {});

type Listener = (request: http.IncomingMessage, response: http.ServerResponse) => unknown;

const wrapped = (listener: Listener): http.RequestListener =>
  mode === 'bare' ? (listener as http.RequestListener) : taskListener(listener, OPTIONS[mode]);

const hello = async (_request: http.IncomingMessage, response: http.ServerResponse): Promise<void> => {
  response.setHeader('content-type', 'text/plain');
  response.end('hello');
};

const helloOrWork = async (request: http.IncomingMessage, response: http.ServerResponse): Promise<void> => {
  try {
    const text = await WORK[request.url!]?.();
    response.setHeader('content-type', 'text/plain');
    response.end(text ?? 'hello');
  } catch (error) {
    rethrowIfCancelled(error);
    response.writeHead(500).end();
  }
};

const SERVERS: Readonly<Record<Framework, () => Promise<Server>>> = {
  'node:http': async () => http.createServer(wrapped(mode === VISITED ? helloOrWork : hello)).listen(0, '127.0.0.1'),
  hono: async () => {
    const app = new Hono();
    app.get('/', (c) => c.text('hello'));
    for (const [path, text] of work) app.get(path, async (c) => c.text(await text()));
    app.onError((error, c) => {
      rethrowIfCancelled(error);
      return c.text('failed', 500);
    });
    const fetch = mode === 'bare' ? app.fetch : taskHandler(app.fetch, OPTIONS[mode]);
    return serve({ fetch, port: 0, hostname: '127.0.0.1' }) as Server;
  },
  express: async () => {
    const app = express();
    app.get('/', (_request, response) => {
      response.type('text').send('hello');
    });
    for (const [path, text] of work) {
      app.get(path, async (_request, response) => {
        response.type('text').send(await text());
      });
    }
    const onError: ErrorRequestHandler = (error, _request, response, _next) => {
      if (!(error instanceof CancelledError) && !response.headersSent) response.status(500).send('failed');
    };
    app.use(onError);
    return http.createServer(wrapped(app)).listen(0, '127.0.0.1');
  },
  fastify: async () => {
    const app = Fastify({ serverFactory: (handler) => http.createServer(wrapped(handler)) });
    app.get('/', async () => 'hello');
    for (const [path, text] of work) app.get(path, text);
    app.setErrorHandler((error, _request, reply) => {
      if (error instanceof CancelledError || reply.raw.headersSent) return reply.hijack();
      return reply.code(500).send('failed');
    });
    await app.listen({ port: 0, host: '127.0.0.1' });
    return app.server;
  },
};

function answer(line: string): object {
  if (line === 'cpu') {
    const { user, system } = process.cpuUsage();
    return { cpu: (user + system) * 1e3 };
  }
  if (line === 'busy') {
    const resources = process.getActiveResourcesInfo();
    const count = (kind: string): number => resources.filter((resource) => resource === kind).length;
    return { tasks: allTasks().size, sockets: count('TCPSocketWrap'), timers: count('Timeout') };
  }
  globalThis.gc?.();
  globalThis.gc?.();
  const { rss, heapUsed } = process.memoryUsage();
  return { rss, heap: heapUsed };
}

const server = await SERVERS[framework]();
server.keepAliveTimeout = 0; // while another server has its turn
if (!server.listening) await new Promise((resolve) => server.once('listening', resolve));
console.log(JSON.stringify({ port: (server.address() as AddressInfo).port }));
const lines = createInterface({ input: process.stdin });
lines.on('line', (line) => console.log(JSON.stringify(answer(line))));
lines.on('close', () => process.exit());
