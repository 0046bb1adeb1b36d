import { AsyncLocalStorage } from 'node:async_hooks';
import { createTask, run, sleep, type Task } from 'asyncio-ts';
import { afterEach, describe, expect, test, vi } from 'vitest';

const realThen = Promise.prototype.then;
const elsewhere = AsyncLocalStorage.snapshot();

type Then = typeof Promise.prototype.then;

afterEach(() => {
  Promise.prototype.then = realThen;
});

/** A promise of the engine with a `then` of its own, which only code that calls `then` sees. */
function promiseWith(
  then: (resolve: (value: unknown) => void, reject: (error: unknown) => void) => void,
): Promise<unknown> {
  return Object.assign(Promise.resolve('unseen'), { then: then as Then });
}

/** The results of a task made of a function that returns the promise, and of one that runs beside it. */
function besides(promise: () => Promise<unknown>, create = createTask): Promise<unknown[]> {
  return run(async () => {
    const task: Task<unknown> = create(promise);
    const other = create(async () => {
      await sleep(0);
      await sleep(0);
      return 'other';
    });
    return [await task, await other];
  });
}

/** What tools do that carry something across promises: the functions run in a context of the tool's. */
function patchThen(): void {
  Promise.prototype.then = function then(this: Promise<unknown>, resolve, reject) {
    const bind = <A, R>(fn: ((value: A) => R) | null | undefined) => fn && ((value: A) => elsewhere(fn, value));
    return realThen.call(this, bind(resolve), bind(reject));
  } as Then;
}

describe('the promise that the function of a task has returned', () => {
  test.each<[string, Parameters<typeof promiseWith>[0]]>([
    ['at once', (resolve) => resolve('mine')],
    ['from a job of its own', (resolve) => queueMicrotask(() => resolve('mine'))],
    ['from code of no task', (resolve) => queueMicrotask(() => elsewhere(resolve, 'mine'))],
    [
      'more than once',
      (resolve, reject) => {
        resolve('mine');
        resolve('again');
        reject(new Error('again'));
      },
    ],
    [
      'and throws then',
      (resolve) => {
        resolve('mine');
        throw new Error('too late');
      },
    ],
  ])('ends that task when its own then() says so %s', async (_, then) => {
    expect(await besides(() => promiseWith(then))).toEqual(['mine', 'other']);
  });

  test('ends that task when another task calls what its own then() was given', async () => {
    const results = await run(async () => {
      let end: (value: unknown) => void = () => {};
      const task = createTask(() =>
        promiseWith((resolve) => {
          end = resolve;
        }),
      );
      const other = createTask(async () => {
        await sleep(0);
        end('mine');
        await sleep(0);
        return 'other';
      });
      return [await other, await task];
    });
    expect(results).toEqual(['other', 'mine']);
  });

  test('makes the task fail with what its own then() throws', async () => {
    const failing = besides(() =>
      promiseWith(() => {
        throw new Error('no then');
      }),
    );
    await expect(failing).rejects.toThrow('no then');
  });

  test('ends that task where a tool has replaced Promise.prototype.then', async () => {
    patchThen();
    const results = await besides(async () => {
      await sleep(0);
      return 'mine';
    });
    expect(results).toEqual(['mine', 'other']);
  });

  test('ends that task where a tool had replaced Promise.prototype.then before the library was loaded', async () => {
    patchThen();
    vi.resetModules();
    const copy = await import('asyncio-ts');
    const results = await copy.run(async () => {
      const task = copy.createTask(async () => {
        await copy.sleep(0);
        return 'mine';
      });
      return [await task];
    });
    expect(results).toEqual(['mine']);
  });
});
