// The recipe for pino: each line has the task and the request in which it was written, however many are under way.
import { deepStrictEqual, strictEqual } from 'node:assert/strict';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createTask, gather, sleep } from 'asyncio-ts';
import { taskListener } from 'asyncio-ts/http';
import { createLogger, requestId } from '../../../examples/recipes/pino/logger.ts';
import type { Checks } from '../../peers/lib/checks.ts';
import { runExample } from '../lib/examples.ts';
import { HttpServer } from '../lib/http.ts';

export default async function checkPino({ check }: Checks): Promise<void> {
  const lines: Record<string, unknown>[] = [];
  const logger = createLogger({ write: (line) => lines.push(JSON.parse(line) as Record<string, unknown>) });
  await check('the program of the page', () => runExample('pino'));
  await check('200 requests side by side: no line has the id of another request', async () => {
    lines.length = 0;
    const work = async (): Promise<void> => {
      await sleep(0.002);
      logger.info({ own: requestId.get() }, 'deep inside');
    };
    await using server = await HttpServer.of(
      taskListener(async (request: IncomingMessage, response: ServerResponse) => {
        requestId.set(String(request.headers['x-request-id']));
        await sleep(Math.random() * 0.005);
        logger.info({ own: request.headers['x-request-id'] }, 'begun');
        await createTask(work, { name: `work of ${request.headers['x-request-id']}` });
        logger.info({ own: request.headers['x-request-id'] }, 'over');
        response.end();
      }),
    );
    const ask = async (id: number): Promise<void> => {
      await (await fetch(`${server.url}/${id}`, { headers: { 'x-request-id': `id ${id}` } })).text();
    };
    await gather([...Array(200).keys()].map((id) => () => ask(id)));
    strictEqual(lines.length, 600);
    for (const line of lines) {
      strictEqual(line['requestId'], line['own']);
      const number = String(line['own']).slice(3);
      strictEqual(line['task'], line['msg'] === 'deep inside' ? `work of id ${number}` : `GET /${number}`);
    }
  });
  await check('a callback of a timer has the id of its request, but no task', async () => {
    lines.length = 0;
    await using server = await HttpServer.of(
      taskListener((request: IncomingMessage, response: ServerResponse) => {
        requestId.set(String(request.headers['x-request-id']));
        setTimeout(() => {
          logger.info('later');
          response.end();
        }, 5);
      }),
    );
    await (await fetch(server.url, { headers: { 'x-request-id': 'c3' } })).text();
    deepStrictEqual([lines[0]?.['task'], lines[0]?.['requestId'], lines[0]?.['msg']], [undefined, 'c3', 'later']);
  });
  await check('outside any task there is neither', async () => {
    lines.length = 0;
    await new Promise<void>((resolve) => {
      setTimeout(() => {
        logger.info('from a timer');
        resolve();
      }, 1);
    });
    deepStrictEqual(
      [lines[0]?.['task'], lines[0]?.['requestId'], lines[0]?.['msg']],
      [undefined, undefined, 'from a timer'],
    );
  });
}
