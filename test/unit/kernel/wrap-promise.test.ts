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

  test('shows what it waits for', () => {
    const { loop } = manualLoop();
    expect(String(wrapPromise(Promise.resolve(), { loop }))).toContain('pending');
  });

  test.each([null, undefined, 42, {}])('of %o is a TypeError', (value) => {
    const { loop } = manualLoop();
    expect(() => wrapPromise(value as never, { loop })).toThrow(TypeError);
  });
});
