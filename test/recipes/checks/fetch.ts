// The recipe for fetch and undici: what a deadline or a cancellation ends is ended at the server, and no connection stays behind.
import { deepStrictEqual, ok, rejects, strictEqual } from 'node:assert/strict';
import { CancelledError, createTask, gather, sleep, TimeoutError, timeout } from 'asyncio-ts';
import { taskListener } from 'asyncio-ts/http';
import { getJson, StatusError } from '../../../examples/recipes/fetch/get-json.ts';
import { agent, getJsonOf } from '../../../examples/recipes/fetch/with-pool.ts';
import type { Checks } from '../../peers/lib/checks.ts';
import { runExample } from '../lib/examples.ts';
import { HttpServer } from '../lib/http.ts';
import { until } from '../lib/until.ts';

export default async function checkFetch({ check }: Checks): Promise<void> {
  const seen = { abandoned: 0, atOnce: 0, most: 0, headers: [] as unknown[] };
  await using server = await HttpServer.of((request, response) => {
    seen.headers.push(request.headers['x-request-timeout-ms']);
    seen.most = Math.max(seen.most, ++seen.atOnce);
    response.on('close', () => {
      seen.atOnce--;
      if (!response.writableEnded) seen.abandoned++;
    });
    if (request.url === '/slow') return;
    if (request.url === '/half') response.write('{"price":');
    else if (request.url === '/missing') response.writeHead(404).end('x'.repeat(100_000));
    else setTimeout(() => response.end('{"price":42}'), 20);
  });
  const { url } = server;
  const ways = { fetch: (page: string) => getJson(url + page), undici: (page: string) => getJsonOf(url + page) };
  await check('the program of the page', () => runExample('fetch'));
  for (const [name, get] of Object.entries(ways)) {
    await check(`${name}: an answer, and a status that is none`, async () => {
      deepStrictEqual(await get('/price'), { price: 42 });
      await rejects(async () => await get('/missing'), /answered 404/);
      deepStrictEqual(await get('/price'), { price: 42 });
    });
    for (const page of ['/slow', '/half']) {
      await check(`${name}: ${page} is left at a deadline and at a cancellation, which the server sees`, async () => {
        seen.abandoned = 0;
        await rejects(async () => await timeout(0.5, () => get(page)), TimeoutError);
        const task = createTask(() => get(page));
        await until('the server is asked', () => seen.atOnce >= 1);
        await sleep(0.05);
        task.cancel();
        await rejects(async () => await task, CancelledError);
        await until('the server has noticed both', () => seen.abandoned === 2);
      });
    }
    await check(`${name}: 300 cancellations at any moment leave no request at the server`, async () => {
      const one = async (number: number): Promise<void> => {
        const task = createTask(() => get('/price'));
        await sleep((number % 30) / 1_000);
        task.cancel();
        await Promise.allSettled([task]);
      };
      for (let round = 0; round < 10; round++)
        await gather([...Array(30).keys()].map((lane) => () => one(round * 3 + lane)));
      await until('the server has nothing to do', () => seen.atOnce === 0);
      deepStrictEqual(await get('/price'), { price: 42 });
    });
  }
  await check('the error of a status tells it', async () => {
    const error = await getJson(`${url}/missing`).catch((reason: unknown) => reason);
    ok(error instanceof StatusError);
    strictEqual(error.status, 404);
  });
  await check('the pool of undici keeps its limit', async () => {
    seen.most = 0;
    await gather([...Array(100).keys()].map(() => () => getJsonOf(`${url}/price`)));
    strictEqual(seen.most, 10);
  });
  await check("what is left of a request's deadline travels on, by fetch and by undici", async () => {
    await using front = await HttpServer.of(
      taskListener(
        async (_request, response) => {
          await gather(getJson(`${url}/price`), getJsonOf(`${url}/price`));
          response.end();
        },
        { deadline: 5 },
      ),
    );
    seen.headers.length = 0;
    await (await fetch(front.url)).text();
    strictEqual(seen.headers.length, 2);
    for (const left of seen.headers) ok(Number(left) > 4_000 && Number(left) <= 5_000, String(left));
  });
  await agent.close();
}
