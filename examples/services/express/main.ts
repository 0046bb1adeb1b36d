// An orders service: Express, PostgreSQL, Redis. Each request is a task.
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { CancelledError, TimeoutError } from 'asyncio-ts';
import { outgoing, taskListener } from 'asyncio-ts/http';
import express, { type ErrorRequestHandler } from 'express';
import { Redis } from 'ioredis';
import { Database } from '../shared/database.ts';
import { drainAtSigterm } from '../shared/drain-at-sigterm.ts';
import { requestId, Shop, SoldOut } from '../shared/shop.ts';
import { status } from '../shared/status.ts';

const database = new Database(process.env['DATABASE_URL']!);
const cache = new Redis(process.env['REDIS_URL']!);
const shop = new Shop(database, cache);
const app = express();

app.use((request, _response, next) => {
  requestId.set(request.get('x-request-id') ?? '-'); // seen by this request alone
  next();
});
app.use(express.json());

app.get('/products/:id', async (request, response) => {
  const product = await shop.product(Number(request.params.id));
  if (product === null) response.status(404).send('there is no such product');
  else response.json(product);
});

app.post('/orders', async (request, response) => {
  const { product, quantity } = request.body as { product: number; quantity: number };
  response.status(201).json(await shop.order(product, quantity));
});

// When the client leaves, the query is cancelled in PostgreSQL.
app.get('/report', async (request, response) => {
  response.json(await shop.report(Number(request.query['seconds'] ?? 1)));
});

app.get('/events', async (_request, response) => {
  response.type('text/event-stream');
  for await (const event of shop.events(0.05)) response.write(event);
});

// Asks another service, which gets what is left of this request's time.
app.get('/remote', async (_request, response) => {
  const remote = await fetch(process.env['REMOTE_URL']!, outgoing());
  response.json({ remote: await remote.json() });
});

app.get('/fails', () => {
  throw new Error('a bug');
});

app.get('/status', (_request, response) => {
  response.json(status(database));
});

// Express tells an error handler by its four parameters.
const onError: ErrorRequestHandler = (error: unknown, _request, response, _next) => {
  // The client of a cancelled request has left, or has got its answer.
  if (error instanceof CancelledError || response.headersSent) return;
  if (error instanceof TimeoutError) response.status(504).send('it took too long');
  else if (error instanceof SoldOut) response.status(409).send(error.message);
  else response.status(500).send('something went wrong');
};
app.use(onError);

await shop.createTables();
const server = http.createServer(
  taskListener(app, { deadline: 5, header: 'x-request-timeout-ms', limit: 50, queue: 100 }),
);
server.listen(Number(process.env['PORT'] ?? 3000), '127.0.0.1', () => {
  console.log(`listening on http://127.0.0.1:${(server.address() as AddressInfo).port}`);
});

drainAtSigterm(server, database, cache);
