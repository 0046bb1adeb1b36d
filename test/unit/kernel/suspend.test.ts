import { type Context, coroutine, type DoneCallback, type EventLoop, Future, sleep } from 'asyncio-ts';
import { describe, expect, test } from 'vitest';
import { manualLoop } from '../../support/loops.ts';
import { failure } from '../../support/programs.ts';
import { describeBoth } from '../../support/spellings.ts';

function* nested() {
  yield* sleep(0);
}

describe('a generator coroutine', () => {
  test('waits for one iteration at a bare yield', async () => {
    const { loop, iterate } = manualLoop();
    const task = loop.createTask(function* () {
      yield;
      return 'result';
    });
    await iterate();
    expect(task.done()).toBe(false);
    await iterate();
    expect(task.result()).toBe('result');
  });

  test.each<[what: string, make: (loop: EventLoop) => unknown, message: RegExp]>([
    ['a number', () => 42, /^Task got bad yield: 42 /],
    ['null', () => null, /^Task got bad yield: null /],
    ['a promise', () => Promise.resolve(), /^Task got bad yield: <promise> .*yield\* wrapPromise\(promise\)/],
    ['a generator', () => nested(), /^yield was used instead of yield from for generator .*`yield\* f\(\)`/],
    ['a coroutine of the library', () => sleep(0), /^yield was used instead of yield from for generator/],
    ['a lazy coroutine', () => coroutine(nested)(), /^yield was used instead of yield from/],
    ['a future', (loop) => loop.createFuture(), /^yield was used instead of yield from .*`yield\* future`/],
  ])('that yields %s gets an error at that place, in the next iteration', async (_what, make, message) => {
    const { loop, iterate } = manualLoop();
    const caught: unknown[] = [];
    const task = loop.createTask(function* () {
      try {
        yield make(loop);
      } catch (error) {
        caught.push(error);
      }
      return 'went on';
    });
    await iterate();
    expect(caught).toEqual([]);
    await iterate();
    expect(caught).toEqual([
      expect.objectContaining({ name: 'RuntimeError', message: expect.stringMatching(message) }),
    ]);
    expect(task.result()).toBe('went on');
  });
});

describeBoth('a task that waits', (s) => {
  test('for itself gets an error', async () => {
    const { loop, iterate } = manualLoop();
    const main = s.fn(function* (): Generator<unknown, unknown, unknown> {
      return yield* failure(s, task);
    });
    const task = loop.createTask(main);
    await iterate(2);
    expect(task.result()).toMatchObject({ name: 'RuntimeError', code: 'AWAITS_ITSELF' });
  });

  test('for a future of another loop gets an error, and the future is not changed', async () => {
    const { loop, iterate } = manualLoop();
    const foreign = manualLoop().loop.createFuture();
    const main = s.fn(function* () {
      return yield* failure(s, foreign);
    });
    const task = loop.createTask(main, { name: 'waiter' });
    await iterate(2);
    expect(task.result()).toMatchObject({
      name: 'RuntimeError',
      code: 'DIFFERENT_LOOP',
      message: expect.stringMatching(
        /^Task <Task .*'waiter'.* got Future <Future pending> attached to a different loop/,
      ),
    });
    expect(String(foreign)).toBe('<Future pending>');
  });

  test('for a future whose class overrides addDoneCallback is woken through it', async () => {
    const { loop, iterate } = manualLoop();
    const contexts: unknown[] = [];
    class ObservedFuture extends Future<string> {
      override addDoneCallback(callback: DoneCallback<this>, options?: { readonly context?: Context | null }): void {
        contexts.push(options?.context);
        super.addDoneCallback(callback, options);
      }
    }
    const future = new ObservedFuture({ loop });
    const main = s.fn(function* () {
      return yield* s.wait(future);
    });
    const task = loop.createTask(main);
    await iterate();
    expect(contexts).toHaveLength(1);
    expect(contexts[0]).toBe(task.getContext());
    future.setResult('result');
    await iterate();
    expect(task.result()).toBe('result');
  });
});
