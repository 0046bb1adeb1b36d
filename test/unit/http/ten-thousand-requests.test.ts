import { sleep, timeout } from 'asyncio-ts';
import { type RequestLike, taskHandler } from 'asyncio-ts/http';
import { runVirtual } from 'asyncio-ts/testing';
import { expect, test } from 'vitest';

/** A test in simulated time that leaves no task and no timer behind. */
function served(main: () => Promise<void>): () => Promise<void> {
  return () => runVirtual(main, { failOnLeaks: true, failOnUnretrieved: true });
}

test(
  '10,000 requests with random clients, deadlines and failures leave nothing behind',
  served(async () => {
    let seed = 1;
    const random = (below: number): number => {
      seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff;
      return (seed >> 8) % below;
    };
    let open = 0;
    const handler = taskHandler(
      async (_request: RequestLike, kind: number) => {
        open++;
        try {
          await sleep(random(30) / 10);
          if (kind === 0) throw new Error('of the handler');
          await timeout(2, async () => sleep(random(30) / 10));
          return new Response('ok');
        } finally {
          open--;
        }
      },
      { deadline: 3, limit: 50, queue: 100, header: 'x-request-timeout-ms' },
    );
    const statuses = new Map<number | string, number>();
    const request = async (): Promise<void> => {
      const client = new AbortController();
      const kind = random(5);
      const allowed = String(random(5_000));
      const asked: RequestLike = {
        method: 'GET',
        url: '/',
        headers: { get: (name) => (name === 'x-request-timeout-ms' ? allowed : null) },
        signal: client.signal,
      };
      const answer = handler(asked, kind).then(
        ({ status }) => status,
        (error: Error) => error.message,
      );
      if (kind === 1) {
        await sleep(random(20) / 10);
        client.abort();
      }
      const status = await answer;
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    };
    for (let wave = 0; wave < 50; wave++) {
      await Promise.all(Array.from({ length: 200 }, request));
    }
    await sleep(0);
    expect(open).toBe(0);
    expect([...statuses.values()].reduce((sum, count) => sum + count)).toBe(10_000);
    expect([...statuses.keys()].sort()).toEqual([200, 499, 503, 504, 'of the handler']);
  }),
  30_000,
);
