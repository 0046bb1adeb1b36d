import { getRunningLoop, sleep } from 'asyncio-ts';
import { runVirtual } from 'asyncio-ts/testing';
import { describe, expect, it } from 'vitest';
import { Grants } from '../../../src/nats/grants.ts';

/** The places of a worker, and what it has granted so far. */
function placesOf(count: number): { grants: Grants; granted: [string, number][] } {
  const granted: [string, number][] = [];
  const grants = new Grants(getRunningLoop(), count, (inbox, places) => granted.push([inbox, places]));
  return { grants, granted };
}

describe('the places of a worker', () => {
  it('are taken by whoever comes, until there is none', async () => {
    await runVirtual(async () => {
      const { grants, granted } = placesOf(2);
      expect([grants.take('a', false), grants.take('b', false), grants.take('c', false)]).toEqual([true, true, false]);
      expect([grants.free, granted]).toEqual([0, []]);
    });
  });

  it('are granted to the clients in turn, however many jobs one of them has', async () => {
    await runVirtual(async () => {
      const { grants, granted } = placesOf(1);
      grants.take('a', false);
      for (const client of ['a', 'a', 'a', 'b']) grants.take(client, false);
      for (let i = 0; i < 4; i++) {
        grants.giveBack();
        expect(grants.take(granted.at(-1)![0], true)).toBe(true);
      }
      expect(granted.map(([client]) => client)).toEqual(['a', 'b', 'a', 'b']);
    });
  });

  it('are shared by the clients that wait when several are free', async () => {
    await runVirtual(async () => {
      const { grants, granted } = placesOf(6);
      for (let i = 0; i < 6; i++) grants.take('x', false);
      for (const client of ['a', 'b']) grants.take(client, false);
      grants.giveBack();
      expect(granted).toEqual([['a', 1]]);
      for (let i = 0; i < 4; i++) grants.giveBack();
      expect(granted).toEqual([
        ['a', 1],
        ['b', 1],
      ]);
      // Three are free. Whoever uses a grant may have more jobs, and is granted its share of the others.
      grants.take('a', true);
      expect(granted.at(-1)).toEqual(['a', 3]);
      expect(grants.free).toBe(0);
    });
  });

  it('that a client has no use for go to the next one, and it is not asked again', async () => {
    await runVirtual(async () => {
      const { grants, granted } = placesOf(1);
      grants.take('x', false);
      for (const client of ['a', 'b']) grants.take(client, false);
      grants.giveBack();
      grants.unused('a', 1);
      expect(granted).toEqual([
        ['a', 1],
        ['b', 1],
      ]);
      grants.unused('b', 1);
      expect(grants.free).toBe(1);
      expect(granted).toHaveLength(2);
      grants.ask('a');
      expect(granted.at(-1)).toEqual(['a', 1]);
    });
  });

  it('that are granted to a client that has died are free again after a second', async () => {
    await runVirtual(async () => {
      const { grants, granted } = placesOf(1);
      grants.ask('dead');
      expect(grants.take('b', false)).toBe(false);
      await sleep(0.99);
      expect(granted).toEqual([['dead', 1]]);
      await sleep(0.02);
      expect(granted.at(-1)).toEqual(['b', 1]);
      // Too late, but the place was given away: the job goes back to its client.
      expect(grants.take('dead', true)).toBe(false);
    });
  });

  it('are none when the worker is about to end', async () => {
    await runVirtual(async () => {
      const { grants, granted } = placesOf(2);
      grants.take('a', false);
      grants.close();
      expect(grants.take('a', false)).toBe(false);
      grants.giveBack();
      grants.ask('b');
      await sleep(5);
      expect([grants.free, granted]).toEqual([0, []]);
    });
  });
});
