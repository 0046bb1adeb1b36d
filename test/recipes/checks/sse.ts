// The recipe for server-sent events: they end with their request's task, on both sides.
import { deepStrictEqual, ok, rejects, strictEqual } from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { CancelledError, createTask, gather, produce, sleep, TimeoutError, timeout } from 'asyncio-ts';
import { drain, taskListener } from 'asyncio-ts/http';
import {
  receiveEvents,
  type ServerEvent,
  sendEvents,
  written,
} from '../../../examples/recipes/server-sent-events/events.ts';
import type { Checks } from '../../peers/lib/checks.ts';
import { runExample } from '../lib/examples.ts';
import { HttpServer } from '../lib/http.ts';
import { until } from '../lib/until.ts';

export default async function checkSse({ check }: Checks): Promise<void> {
  const seen = { open: 0, sent: 0 };
  /** Events until the client leaves. */
  const endless = (size: number, pause: number) =>
    produce<ServerEvent>(async (put) => {
      seen.open++;
      try {
        for (let number = 0; ; number++) {
          await put({ data: `${number}${'x'.repeat(size)}` });
          seen.sent += size;
          await sleep(pause);
        }
      } finally {
        await sleep(0.01);
        seen.open--;
      }
    });
  const given: ServerEvent[] = [
    { data: 'one' },
    { event: 'greeting', id: '7', data: 'two lines\nof text: yes' },
    { data: 'Straße\n' },
    { data: '' },
  ];
  const listener = taskListener(
    async (request: IncomingMessage, response: ServerResponse) => {
      if (request.url === '/given')
        await sendEvents(
          response,
          produce<ServerEvent>(async (put) => void (await putAll(put))),
        );
      else if (request.url === '/much') await sendEvents(response, endless(100_000, 0));
      else await sendEvents(response, endless(1, 0.005));
    },
    { deadline: 0.5 },
  );
  const putAll = async (put: (event: ServerEvent) => PromiseLike<void>): Promise<void> => {
    for (const event of given) await put(event);
  };
  await using server = await HttpServer.of(listener);
  const { url } = server;
  await check('the program of the page', () => runExample('server-sent-events'));
  await check('events of all kinds arrive as they were sent', async () => {
    const got: ServerEvent[] = [];
    for await (const event of receiveEvents(`${url}/given`)) got.push(event);
    deepStrictEqual(got, given);
  });
  await check('a client that leaves, is cancelled, or is late ends the task of the request', async () => {
    let got = 0;
    for await (const _ of receiveEvents(`${url}/endless`)) if (++got === 3) break;
    await until('the server has cleaned up', () => seen.open === 0);
    const listen = async (): Promise<void> => {
      for await (const _ of receiveEvents(`${url}/endless`)) got++;
    };
    const task = createTask(listen);
    await until('events come', () => got > 10);
    strictEqual(seen.open, 1);
    task.cancel();
    await rejects(async () => await task, CancelledError);
    await rejects(async () => await timeout(0.8, listen), TimeoutError); // longer than the deadline of the request
    await until('the server has cleaned up', () => seen.open === 0);
  });
  await check('a client that does not read makes the server wait', async () => {
    seen.sent = 0;
    const response = await fetch(`${url}/much`);
    let before = -1;
    await until('the server waits', async () => {
      const isSame = seen.sent === before;
      before = seen.sent;
      await sleep(0.1);
      return isSame;
    });
    ok(seen.sent < 50_000_000, `${seen.sent} bytes were sent to nobody`);
    await response.body?.cancel();
    await until('the server has cleaned up', () => seen.open === 0);
  });
  await check('a source that fails is an error for the client, and for whoever called', async () => {
    const errors: unknown[] = [];
    await using failing = await HttpServer.of(
      taskListener(async (_request: IncomingMessage, response: ServerResponse) => {
        const one = produce<ServerEvent>(async (put) => {
          await put({ data: 'one' });
          await sleep(0.05);
          throw new RangeError('the source is dry');
        });
        await sendEvents(response, one).catch((error: unknown) => errors.push(error));
      }),
    );
    const got: string[] = [];
    await rejects(async () => {
      for await (const { data } of receiveEvents(failing.url)) got.push(data);
    });
    deepStrictEqual([got, errors.map(String)], [['one'], ['RangeError: the source is dry']]);
  });
  await check('100 clients that leave at any moment leave no task', async () => {
    const one = async (number: number): Promise<void> => {
      const task = createTask(async () => {
        for await (const _ of receiveEvents(`${url}/endless`)) void _;
      });
      await sleep((number % 20) / 1_000);
      task.cancel();
      await Promise.allSettled([task]);
    };
    await gather([...Array(100).keys()].map((number) => () => one(number)));
    await until('the server has cleaned up', () => seen.open === 0);
  });
  await check('drain ends what would never end', async () => {
    const received = createTask(async () => {
      for await (const _ of receiveEvents(`${url}/endless`)) void _;
    });
    await until('it is open', () => seen.open === 1);
    const { cut } = await drain(server.server, 0.1);
    strictEqual(cut.length, 1);
    strictEqual(seen.open, 0);
    await Promise.allSettled([received]);
  });
  await check('what is written is what browsers read', async () => {
    strictEqual(written({ event: 'a', id: '1', data: 'b\nc' }), 'event: a\nid: 1\ndata: b\ndata: c\n\n');
  });
}
