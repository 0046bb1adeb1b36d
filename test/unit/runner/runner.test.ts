import {
  allTasks,
  CancelledError,
  ContextVar,
  copyContext,
  coroutine,
  createTask,
  currentTask,
  EventLoop,
  getEventLoop,
  getRunningLoop,
  Runner,
  run,
  sleep,
} from 'asyncio-ts';
import { VirtualHost } from 'asyncio-ts/testing';
import { describe, expect, test } from 'vitest';
import { muteLog, virtualLoop } from '../../support/loops.ts';
import { expectMistake } from '../../support/mistakes.ts';
import { iterations } from '../../support/programs.ts';
import { describeBoth } from '../../support/spellings.ts';

function virtualRunner(): Runner {
  const host = new VirtualHost();
  return new Runner({ loopFactory: () => new EventLoop({ host }) });
}

describeBoth('a runner', (s) => {
  test('runs several coroutines one after the other, on one loop', async () => {
    await using runner = virtualRunner();
    const main = s.fn(function* () {
      yield* s.wait(sleep(1));
      return getRunningLoop();
    });
    const loop = await runner.run(main);
    expect(await runner.run(main)).toBe(loop);
    expect(runner.getLoop()).toBe(loop);
    expect(loop.time()).toBe(2);
  });

  test('keeps one context for all of them', async () => {
    await using runner = virtualRunner();
    const variable = new ContextVar<string>('variable', { default: 'unset' });
    const setting = s.fn(function* () {
      variable.set('set by the first');
    });
    const reading = s.fn(function* () {
      return variable.get();
    });
    await runner.run(setting);
    expect(await runner.run(reading)).toBe('set by the first');
    expect(variable.get()).toBe('unset');
  });

  test('keeps tasks that are left between two runs, and cancels them when it is closed', async () => {
    const runner = virtualRunner();
    const trace: string[] = [];
    const background = s.fn(function* () {
      try {
        for (let i = 0; ; i++) {
          trace.push(`second ${i}`);
          yield* s.wait(sleep(1));
        }
      } finally {
        trace.push('cancelled');
      }
    });
    const first = s.fn(function* () {
      createTask(background);
      yield* iterations(s, 2);
    });
    const second = s.fn(function* () {
      yield* s.wait(sleep(1.5));
    });
    await runner.run(first);
    await runner.run(second);
    await runner.close();
    expect(trace).toEqual(['second 0', 'second 1', 'cancelled']);
  });

  test('refuses to run two at once: the second one never begins', async () => {
    await using runner = virtualRunner();
    const begun: string[] = [];
    const main = (name: string) =>
      s.fn(function* () {
        begun.push(name);
        return yield* s.wait(sleep(1, name));
      });
    const [first, second] = await Promise.allSettled([runner.run(main('first')), runner.run(main('second'))]);
    expect(first).toMatchObject({ value: 'first' });
    expect(second).toMatchObject({ reason: { name: 'RuntimeError', code: 'LOOP_RUNNING' } });
    expect(begun).toEqual(['first']);
  });

  test('runs beside another one, each on its own loop', async () => {
    const main = () =>
      s.fn(function* () {
        const loop = getRunningLoop();
        yield* s.wait(sleep(2));
        expect(getRunningLoop()).toBe(loop);
        return `${currentTask()!.getName()} at ${loop.time()}`;
      });
    await using one = virtualRunner();
    await using other = virtualRunner();
    const results = Promise.all([one.run(main(), { name: 'a' }), other.run(main(), { name: 'b' })]);
    expect(await results).toEqual(['a at 2', 'b at 2']);
  });

  test('names the main tasks as the option says', async () => {
    await using runner = virtualRunner();
    const main = s.fn(function* () {
      return currentTask()!.getName();
    });
    expect(await runner.run(main, { name: 'first' })).toBe('first');
  });
});

describeBoth('what a runner runs', (s) => {
  test('may be any coroutine: a function of either spelling, or a call of one', async () => {
    await using runner = virtualRunner();
    const body = s.fn(function* () {
      return yield* s.wait(sleep(1, 'result'));
    });
    expect(await runner.run(body)).toBe('result');
    expect(await runner.run(coroutine(body)())).toBe('result');
    expect(await runner.run(sleep(1, 'slept'))).toBe('slept');
  });

  test('may be a future or task of its loop: it is waited for in the main task', async () => {
    await using runner = virtualRunner();
    const loop = runner.getLoop();
    const future = loop.createFuture<string>();
    loop.callLater(2, () => future.setResult('set'));
    expect(await runner.run(future)).toBe('set');
    const task = loop.createTask(
      s.fn(function* () {
        return `${yield* s.wait(sleep(1, 'task'))} beside ${allTasks().size - 1}`;
      }),
    );
    expect(await runner.run(task, { name: 'main' })).toBe('task beside 1');
    const error = new Error('of the future');
    const failed = loop.createFuture<never>();
    failed.setException(error);
    await expect(runner.run(failed)).rejects.toBe(error);
  });

  test('is cancelled with the main task when that waits for it', async () => {
    await using runner = virtualRunner();
    const controller = new AbortController();
    const loop = runner.getLoop();
    const task = loop.createTask(
      s.fn(function* () {
        yield* s.wait(sleep(60));
      }),
    );
    loop.callLater(1, () => controller.abort());
    await expect(runner.run(task, { signal: controller.signal })).rejects.toBeInstanceOf(CancelledError);
    expect(task.cancelled()).toBe(true);
  });

  test('may be an object whose iterator yields futures', async () => {
    await using runner = virtualRunner();
    const work = coroutine(
      s.fn(function* () {
        return yield* s.wait(sleep(1, 'yielded'));
      }),
    );
    const awaitable = { [Symbol.iterator]: () => work()[Symbol.iterator]() };
    expect(await runner.run(awaitable)).toBe('yielded');
  });

  test('may not be a future of another loop, which is refused in the main task', async () => {
    await using runner = virtualRunner();
    const { loop } = virtualLoop();
    await expect(runner.run(loop.createFuture())).rejects.toMatchObject({ name: 'RuntimeError' });
    loop.close();
  });
});

describe('what a runner runs', () => {
  test('may be a promise: it is waited for', async () => {
    const warn = muteLog('warn');
    await using runner = virtualRunner();
    expect(await runner.run(Promise.resolve('result'))).toBe('result');
    const thenable: PromiseLike<string> = { then: (resolve) => Promise.resolve('like').then(resolve) };
    expect(await runner.run(thenable)).toBe('like');
    expect(warn).not.toHaveBeenCalled();
  });

  test('may be a promise that is rejected already, whose rejection is not reported as unhandled', async () => {
    await using runner = virtualRunner();
    const error = new Error('of the promise');
    await expect(runner.run(Promise.reject(error))).rejects.toBe(error);
    await expect(run(Promise.reject(error))).rejects.toBe(error);
  });

  test('is reported in debug mode when it is a promise, because its work has begun outside the loop', async () => {
    const warn = muteLog('warn');
    await using runner = new Runner({ debug: true });
    const main = async () => 'result';
    for (let i = 0; i < 2; i++) expect(await runner.run(main())).toBe('result');
    expect(warn).toHaveBeenCalledOnce();
    const [message] = warn.mock.calls[0]!;
    expect(message).toContain('begun outside the loop');
    expect(message).toContain('write run(main), or run(() => main(x)), instead of run(main())');
    expect(message).toMatch(/at \S*runner\.test\.ts:\d+:\d+$/);
  });

  test('is nothing that cannot be awaited', async () => {
    await using runner = virtualRunner();
    for (const wrong of [42, null, undefined, 'main', {}, [sleep(0)], new Map()]) {
      for (const ran of [runner.run(wrong as never), run(wrong as never)]) {
        const error = await ran.catch((error: unknown) => error);
        expectMistake(error, {
          type: TypeError,
          code: 'NOT_AWAITABLE',
          says: ['an awaitable is required', 'give a function'],
        });
      }
    }
    expect(await runner.run(async () => 'still good')).toBe('still good');
  });

  test('runs in a context, and in nothing else', async () => {
    await using runner = virtualRunner();
    const variable = new ContextVar<string>('variable', { default: 'unset' });
    const context = copyContext();
    context.run(() => variable.set('given'));
    const main = async () => variable.get();
    expect(await runner.run(main, { context })).toBe('given');
    for (const ran of [runner.run(main, { context: 42 as never }), run(main, { context: 42 as never })])
      await expect(ran).rejects.toMatchObject({ name: 'TypeError', code: 'NOT_A_CONTEXT' });
    expect(await runner.run(main)).toBe('unset');
  });
});

describe('closing a runner', () => {
  test('closes its loop, and may be repeated', async () => {
    const runner = virtualRunner();
    const loop = runner.getLoop();
    await runner.close();
    expect(loop.isClosed()).toBe(true);
    await runner.close();
  });

  test('is what `await using` does', async () => {
    let loop: EventLoop;
    {
      await using runner = virtualRunner();
      loop = runner.getLoop();
    }
    expect(loop.isClosed()).toBe(true);
  });

  test('that was never used is harmless, and it can still be used afterwards', async () => {
    const runner = virtualRunner();
    await runner.close();
    await using _ = runner;
    expect(runner.getLoop().isClosed()).toBe(false);
  });

  test('ends all use of it', async () => {
    const runner = virtualRunner();
    runner.getLoop();
    await runner.close();
    expect(() => runner.getLoop()).toThrow(expect.objectContaining({ name: 'RuntimeError', code: 'RUNNER_CLOSED' }));
    await expect(runner.run(async () => {})).rejects.toMatchObject({ name: 'RuntimeError', code: 'RUNNER_CLOSED' });
  });
});

describe('the loop of a runner', () => {
  test("is the thread's while it is open, when the runner has made it", async () => {
    const before = getEventLoop();
    const runner = new Runner();
    const loop = runner.getLoop();
    expect(getEventLoop()).toBe(loop);
    await runner.close();
    expect(getEventLoop()).toBe(before);
  });
});
