// An orders service: Fastify, PostgreSQL, Redis. Each request is a task.
import http from 'node:http';
import { Readable } from 'node:stream';
import { CancelledError, TimeoutError } from 'asyncio-ts';
import { outgoing, taskListener } from 'asyncio-ts/http';
import Fastify from 'fastify';
import { Redis } from 'ioredis';
import { Database } from '../shared/database.ts';
import { drainAtSigterm } from '../shared/drain-at-sigterm.ts';
import { requestId, Shop, SoldOut } from '../shared/shop.ts';
import { status } from '../shared/status.ts';

const database = new Database(process.env['DATABASE_URL']!);
const cache = new Redis(process.env['REDIS_URL']!);
const shop = new Shop(database, cache);
const app = Fastify({
  serverFactory: (handler) =>
    http.createServer(taskListener(handler, { deadline: 5, header: 'x-request-timeout-ms', limit: 50, queue: 100 })),
});

app.addHook('onRequest', (request, _reply, done) => {
  requestId.set((request.headers['x-request-id'] as string | undefined) ?? '-'); // seen by this request alone
  done();
});

app.get<{ Params: { id: string } }>('/products/:id', async (request, reply) => {
  const product = await shop.product(Number(request.params.id));
  return product ?? reply.code(404).send('there is no such product');
});

app.post<{ Body: { product: number; quantity: number } }>('/orders', async (request, reply) => {
  reply.code(201);
  return await shop.order(request.body.product, request.body.quantity);
});

// When the client leaves, the query is cancelled in PostgreSQL.
app.get<{ Querystring: { seconds?: string } }>('/report', async (request) =>
  shop.report(Number(request.query.seconds ?? 1)),
);

app.get('/events', async (_request, reply) => {
  reply.type('text/event-stream');
  return Readable.from(shop.events(0.05));
});

// Asks another service, which gets what is left of this request's time.
app.get('/remote', async () => {
  const response = await fetch(process.env['REMOTE_URL']!, outgoing());
  return { remote: await response.json() };
});

app.get('/fails', () => {
  throw new Error('a bug');
});

app.get('/status', async () => status(database));

app.setErrorHandler((error, _request, reply) => {
  // The client of a cancelled request has left, or has got its answer.
  if (error instanceof CancelledError || reply.raw.headersSent) reply.hijack();
  else if (error instanceof TimeoutError) reply.code(504).send('it took too long');
  else if (error instanceof SoldOut) reply.code(409).send(error.message);
  else reply.code(500).send('something went wrong');
});

await shop.createTables();
console.log(`listening on ${await app.listen({ port: Number(process.env['PORT'] ?? 3000), host: '127.0.0.1' })}`);

drainAtSigterm(app.server, database, cache);
