import { createTask, getRunningLoop, sleep } from 'asyncio-ts';
import { runVirtual } from 'asyncio-ts/testing';
import { describe, expect, it } from 'vitest';
import { Census } from '../../../src/nats/census.ts';
import { Line } from '../../../src/nats/line.ts';
import type { Presence } from '../../../src/nats/notices.ts';
import { FakeNats } from '../../support/fake-nats.ts';

/** A worker that only answers, after some seconds, and the census of a client. */
function net() {
  const loop = getRunningLoop();
  const server = new FakeNats();
  const worker = server.connect();
  const state = { seconds: 0 };
  worker.subscribe('all', {
    callback: (_error, { reply }) => {
      const offer = { worker: 'w', module: null, names: [] };
      const presence: Presence = { id: 'w', offer, isTaking: true, lease: 2, now: 0, has: [] };
      loop.callLater(state.seconds, () => worker.publish(reply!, JSON.stringify(presence)));
    },
  });
  const connection = server.connect();
  const line = new Line(loop, connection, false);
  const census = new Census(loop, line, 'all', 'inbox');
  line.subscribe('inbox.>', (message) => census.receive(message));
  return { state, worker, connection, line, census };
}

describe('a census of workers', () => {
  it('reads the answers that came while its loop was blocked before it takes anybody for gone', () =>
    runVirtual(async () => {
      const { state, census } = net();
      await census.ask([]);
      await sleep(10); // as a loop that was blocked: nothing was asked in that time
      state.seconds = 0.51;
      const { from } = await census.ask([]);
      expect([...from.keys()]).toEqual(['w']);
      state.seconds = 1;
      await sleep(10);
      await census.ask([]);
      expect([...census.known.keys()]).toEqual(['w']);
    }));

  it('takes a worker for gone when two questions were not answered, and its lease is over', () =>
    runVirtual(async () => {
      const { state, census } = net();
      await census.ask([]);
      state.seconds = 600;
      await sleep(1.8);
      for (const known of [1, 0]) {
        await census.ask([]);
        expect(census.known.size).toBe(known);
      }
    }));

  it('believes no silence over a connection that was lost for a moment', () =>
    runVirtual(async () => {
      const { connection, census } = net();
      const asked = createTask(() => census.ask([]));
      await sleep(0.0001); // the question is on its way
      connection.disconnect();
      await sleep(0.01);
      connection.reconnect();
      await expect(asked).rejects.toThrow('the connection to NATS was lost while it was asked for workers');
    }));
});

describe('a line to NATS', () => {
  it('goes on hearing after a message that could not be dealt with', () =>
    runVirtual(async () => {
      const { worker, line } = net();
      const told: unknown[] = [];
      getRunningLoop().setExceptionHandler((_loop, { exception }) => told.push(exception));
      const heard: string[] = [];
      line.subscribe('news', (message) => {
        heard.push(message.string());
        if (heard.length === 1) throw new Error('unexpected');
      });
      worker.publish('news', 'a');
      worker.publish('news', 'b');
      await sleep(0.1);
      expect(heard).toEqual(['a', 'b']);
      expect(told).toEqual([new Error('unexpected')]);
    }));

  it('says what it has tried when the server stays away', () =>
    runVirtual(async () => {
      const { connection, line } = net();
      connection.disconnect();
      await expect(line.reach(3)).rejects.toThrow('NATS could not be reached for 3 s');
      expect(getRunningLoop().time()).toBeGreaterThanOrEqual(3);
      await connection.close();
      await expect(line.reach(3)).rejects.toThrow('the connection to NATS is closed');
    }));
});
