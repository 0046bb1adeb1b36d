import http, { type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createInterface } from 'node:readline';
import { serve } from '@hono/node-server';
import { type RequestOptions, taskHandler, taskListener } from 'asyncio-ts/http';
import express from 'express';
import Fastify from 'fastify';
import { Hono } from 'hono';
import type { Framework, Mode } from './contenders.ts';

/**
 * One server of the HTTP benchmark: `node --expose-gc child.ts FRAMEWORK MODE`. Each answers `GET /` with a short text.
 *
 * It says `{"port": …}` when it is ready, then answers each line on its standard input with one on its output, and ends with the input.
 *
 * | line     | answer                                                                   |
 * |----------|--------------------------------------------------------------------------|
 * | `cpu`    | `{"cpu": …}`: the nanoseconds of processor time that it has taken so far |
 * | `memory` | `{"rss": …, "heap": …}`: bytes after full collections                     |
 */

const OPTIONS: Readonly<Record<Exclude<Mode, 'bare'>, RequestOptions>> = {
  tasks: {},
  limits: { deadline: 30, limit: 200, queue: 500 },
};

const [framework, mode] = process.argv.slice(2) as [Framework, Mode];

type Listener = (request: http.IncomingMessage, response: http.ServerResponse) => unknown;

const wrapped = (listener: Listener): http.RequestListener =>
  mode === 'bare' ? (listener as http.RequestListener) : taskListener(listener, OPTIONS[mode]);

const SERVERS: Readonly<Record<Framework, () => Promise<Server>>> = {
  'node:http': async () =>
    http
      .createServer(
        wrapped(async (_request, response) => {
          response.setHeader('content-type', 'text/plain');
          response.end('hello');
        }),
      )
      .listen(0, '127.0.0.1'),
  hono: async () => {
    const app = new Hono();
    app.get('/', (c) => c.text('hello'));
    const fetch = mode === 'bare' ? app.fetch : taskHandler(app.fetch, OPTIONS[mode]);
    return serve({ fetch, port: 0, hostname: '127.0.0.1' }) as Server;
  },
  express: async () => {
    const app = express();
    app.get('/', (_request, response) => {
      response.type('text').send('hello');
    });
    return http.createServer(wrapped(app)).listen(0, '127.0.0.1');
  },
  fastify: async () => {
    const app = Fastify({ serverFactory: (handler) => http.createServer(wrapped(handler)) });
    app.get('/', async () => 'hello');
    await app.listen({ port: 0, host: '127.0.0.1' });
    return app.server;
  },
};

function answer(line: string): object {
  if (line === 'cpu') {
    const { user, system } = process.cpuUsage();
    return { cpu: (user + system) * 1e3 };
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
