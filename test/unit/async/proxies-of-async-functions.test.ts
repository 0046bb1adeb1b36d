import { createTask, sleep, timeout } from 'asyncio-ts';
import { describe, expect, test } from 'vitest';
import { simulated } from '../../support/simulated-runtime.ts';

/** A proxy of an async function looks like one, and may return anything. */

const proxyOf = (apply: () => unknown): (() => Promise<never>) =>
  new Proxy(async () => undefined as never, { apply }) as () => Promise<never>;

const uses: Record<string, (fn: () => Promise<never>) => PromiseLike<unknown>> = {
  'made a task': (fn) => createTask(fn),
  'given to a timeout': (fn) => timeout(5, fn),
};

describe('a proxy of an async function', () => {
  for (const [name, use] of Object.entries(uses)) {
    test(
      `${name}, gives what its function gives, be it a promise or another thenable`,
      simulated(async () => {
        const thenable = { then: (resolve: (value: string) => void) => resolve('of a thenable') };
        const all = [proxyOf(async () => await sleep(1, 'of a promise')), proxyOf(() => thenable)];
        expect([await use(all[0]!), await use(all[1]!)]).toEqual(['of a promise', 'of a thenable']);
      }),
    );

    test(
      `${name}, fails with what it throws, and with a TypeError where it returns no coroutine`,
      simulated(async () => {
        const throwing = proxyOf(() => {
          throw new RangeError('of the trap');
        });
        await expect(use(throwing)).rejects.toThrow(RangeError);
        for (const value of [undefined, null, 5, 'text', {}])
          await expect(use(proxyOf(() => value))).rejects.toMatchObject({ code: 'NOT_A_COROUTINE' });
        expect(await sleep(1, 'went on')).toBe('went on');
      }),
    );
  }
});
