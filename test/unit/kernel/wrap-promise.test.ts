import { CancelledError, wrapPromise } from 'asyncio-ts';
import { describe, expect, test } from 'vitest';
import { manualLoop, virtualLoop } from '../../support/loops.ts';
import { describeBoth } from '../../support/spellings.ts';

describeBoth('wrapPromise', (s) => {
  test('gives the outcome of a promise', async () => {
    const { loop } = virtualLoop();
    const error = new Error('no');
    const main = s.fn(function* () {
      return yield* s.wait(wrapPromise(Promise.resolve('result')));
    });
    const failing = s.fn(function* () {
      yield* s.wait(wrapPromise(Promise.reject(error)));
    });
    expect(await loop.runUntilComplete(main)).toBe('result');
    await expect(loop.runUntilComplete(failing)).rejects.toBe(error);
  });

  test('makes waiting for it cancellable, and calls onCancel', async () => {
    const { loop, iterate } = manualLoop();
    const { promise, resolve } = Promise.withResolvers<string>();
    const reasons: CancelledError[] = [];
    const main = s.fn(function* () {
      return yield* s.wait(wrapPromise(promise, { onCancel: (reason) => reasons.push(reason) }));
    });
    const task = loop.createTask(main);
    await iterate();
    task.cancel('enough');
    expect(reasons).toEqual([new CancelledError('enough')]);
    await iterate();
    expect(task.cancelled()).toBe(true);
    resolve('too late');
    await iterate();
    expect(reasons).toHaveLength(1);
  });
});

describe('the future of a promise', () => {
  test('belongs to the loop that it is given', () => {
    const { loop } = manualLoop();
    expect(wrapPromise(Promise.resolve(), { loop }).getLoop()).toBe(loop);
  });

  test('drops what comes after its loop was closed', async () => {
    const { loop } = manualLoop();
    const future = wrapPromise(Promise.resolve('too late'), { loop });
    loop.close();
    await Promise.resolve();
    expect(future.state).toBe('pending');
  });

  describe('of an object with a then of its own has the outcome that await has', () => {
    type Then = (resolve: (value: unknown) => void, reject: (error: unknown) => void) => void;
    const thens: [string, Then][] = [
      [
        'that throws after it has resolved',
        (resolve) => {
          resolve('first');
          throw new Error('later');
        },
      ],
      [
        'that resolves and rejects',
        (resolve, reject) => {
          resolve('first');
          resolve('second');
          reject(new Error('later'));
        },
      ],
      ['that gives another promise', (resolve) => resolve(Promise.resolve('first'))],
    ];

    test.each(thens)('%s', async (_, then) => {
      const { loop } = virtualLoop();
      const late: unknown[] = [];
      const thenable = { then } as PromiseLike<unknown>;
      const outcome = await loop.runUntilComplete(function* () {
        return yield* wrapPromise(thenable, { onLate: (value) => late.push(value) });
      });
      expect(outcome).toBe(await thenable);
      expect(outcome).toBe('first');
      expect(late).toEqual([]);
    });

    test('also when it is a subclass of Promise', async () => {
      class Query extends Promise<string> {
        override then<A = string>(onFulfilled?: ((value: string) => A | PromiseLike<A>) | null): Promise<never> {
          onFulfilled?.('first');
          onFulfilled?.('second');
          throw new Error('later');
        }
      }
      const { loop } = virtualLoop();
      const outcome = await loop.runUntilComplete(wrapPromise(new Query(() => {}), { loop }));
      expect(outcome).toBe('first');
    });

    test('that throws before it has resolved', async () => {
      const { loop } = virtualLoop();
      const error = new Error('no');
      const then = () => {
        throw error;
      };
      const future = wrapPromise({ then } as PromiseLike<unknown>, { loop });
      await expect(loop.runUntilComplete(future)).rejects.toBe(error);
    });
  });

  test('shows what it waits for', () => {
    const { loop } = manualLoop();
    expect(String(wrapPromise(Promise.resolve(), { loop }))).toContain('pending');
  });

  test.each([null, undefined, 42, {}])('of %o is a TypeError', (value) => {
    const { loop } = manualLoop();
    expect(() => wrapPromise(value as never, { loop })).toThrow(TypeError);
  });
});
