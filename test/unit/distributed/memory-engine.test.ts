import { sleep } from 'asyncio-ts';
import {
  type ClientEvents,
  type ClientLink,
  type Delivery,
  MemoryEngine,
  type Performed,
  type WorkerLink,
} from 'asyncio-ts/distributed';
import { runVirtual } from 'asyncio-ts/testing';
import { describe, expect, it } from 'vitest';

/** What a worker has in its hands, and does not end by itself. */
interface Given {
  readonly id: string;
  finish(performed: Performed): void;
}

const events: ClientEvents = { started() {}, settled() {}, refused() {}, progress() {}, changed() {} };

/** A worker with one place. */
async function opened(engine: MemoryEngine, name: string): Promise<{ link: WorkerLink; given: Given[] }> {
  const given: Given[] = [];
  const link = await engine.openWorker('q', {
    offer: { worker: name, module: null, names: ['f'] },
    concurrency: 1,
    lease: 60,
    perform: ({ id }: Delivery) => new Promise((finish) => given.push({ id, finish })),
    cancel() {},
  });
  return { link, given };
}

const send = (client: ClientLink, id: string): Promise<void> =>
  client.send({ id, text: '', name: 'f', attempts: 1, sharer: null });

describe('a MemoryEngine', () => {
  it('that keeps nothing does not start a job that it has refused, when it is sent again because the answer was lost', () =>
    runVirtual(async () => {
      const engine = new MemoryEngine({ durable: false });
      const client = await engine.openClient('q', events);
      const first = await opened(engine, 'first');
      await send(client, 'runs');
      await send(client, 'waits');
      await first.link.pause();
      const second = await opened(engine, 'second');
      await expect(send(client, 'waits')).rejects.toMatchObject({ name: 'NotServed', code: 'NO_WORKERS' });
      await sleep(1);
      expect(second.given).toEqual([]);
      await client.forget(['waits']);
      await send(client, 'waits');
      await sleep(1);
      expect(second.given.map(({ id }) => id)).toEqual(['waits']);
    }));

  it('that has lost its jobs gives none of them to another worker, not even one that a worker gives back', () =>
    runVirtual(async () => {
      const engine = new MemoryEngine();
      const client = await engine.openClient('q', events);
      const first = await opened(engine, 'first');
      await send(client, 'a');
      await sleep(1);
      engine.lose();
      await first.link.pause();
      const second = await opened(engine, 'second');
      first.given[0]!.finish({ abandoned: true, isStarted: false });
      await sleep(1);
      expect(second.given).toEqual([]);
      expect(await client.backlog()).toBe(0);
      expect(await client.lookUp(['a'])).toEqual(new Map());
    }));
});
