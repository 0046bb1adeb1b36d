import {
  ContextVar,
  createTask,
  currentTask,
  EventLoop,
  getEventLoop,
  getRunningLoop,
  Runner,
  sleep,
} from 'asyncio-ts';
import { VirtualHost } from 'asyncio-ts/testing';
import { describe, expect, test } from 'vitest';
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

  test('names the main tasks as it is told', async () => {
    await using runner = virtualRunner();
    const main = s.fn(function* () {
      return currentTask()!.getName();
    });
    expect(await runner.run(main, { name: 'first' })).toBe('first');
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
