// An orders service: Hono on Node, PostgreSQL, Redis. Each request is a task.
import type { Server } from 'node:http';
import { serve } from '@hono/node-server';
import { CancelledError, rethrowIfCancelled, TimeoutError } from 'asyncio-ts';
import { outgoing, taskHandler } from 'asyncio-ts/http';
import { Hono } from 'hono';
import { HTTPException } from 'hono/http-exception';
import { streamSSE } from 'hono/streaming';
import { Redis } from 'ioredis';
import { Database } from '../shared/database.ts';
import { drainAtSigterm } from '../shared/drain-at-sigterm.ts';
import { requestId, Shop, SoldOut } from '../shared/shop.ts';
import { status } from '../shared/status.ts';

const database = new Database(process.env['DATABASE_URL']!);
const cache = new Redis(process.env['REDIS_URL']!);
const shop = new Shop(database, cache);
const app = new Hono();

app.use(async (c, next) => {
  requestId.set(c.req.header('x-request-id') ?? '-'); // seen by this request alone
  await next();
});

app.get('/products/:id', async (c) => {
  const product = await shop.product(Number(c.req.param('id')));
  if (product === null) throw new HTTPException(404, { message: 'there is no such product' });
  return c.json(product);
});

app.post('/orders', async (c) => {
  const { product, quantity } = await c.req.json<{ product: number; quantity: number }>();
  return c.json(await shop.order(product, quantity), 201);
});

// When the client leaves, the query is cancelled in PostgreSQL.
app.get('/report', async (c) => c.json(await shop.report(Number(c.req.query('seconds') ?? 1))));

app.get('/events', (c) =>
  streamSSE(
    c,
    async (stream) => {
      for await (const event of shop.events(0.05)) await stream.write(event);
    },
    async (error) => {
      if (!(error instanceof CancelledError)) console.error(error); // the client has left: nothing to tell
    },
  ),
);

// Asks another service, which gets what is left of this request's time.
app.get('/remote', async (c) => {
  const response = await fetch(process.env['REMOTE_URL']!, outgoing());
  return c.json({ remote: await response.json() });
});

app.get('/fails', () => {
  throw new Error('a bug');
});

app.get('/status', (c) => c.json(status(database)));

app.onError((error, c) => {
  // To answer a cancelled request would hide the cancellation from its task.
  rethrowIfCancelled(error);
  if (error instanceof TimeoutError) return c.text('it took too long', 504);
  if (error instanceof SoldOut) return c.text(error.message, 409);
  if (error instanceof HTTPException) return error.getResponse();
  return c.text('something went wrong', 500);
});

await shop.createTables();
const fetchTask = taskHandler(app.fetch, {
  deadline: 5,
  header: 'x-request-timeout-ms',
  limit: 50,
  queue: 100,
});
const server = serve({ fetch: fetchTask, port: Number(process.env['PORT'] ?? 3000), hostname: '127.0.0.1' }, (at) =>
  console.log(`listening on http://127.0.0.1:${at.port}`),
) as Server;

drainAtSigterm(server, database, cache);
