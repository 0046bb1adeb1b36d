import { allTasks, createTask, gather, sleep, TimeoutError, timeout } from 'asyncio-ts';
import { expect, test } from 'vitest';
import { batched } from '../../../examples/recipes/batched/batched.ts';
import { describeBoth, runVirtually } from '../../support/spellings.ts';

describeBoth('batched', (s) => {
  /** Loads in a second. Tells which keys were asked for, and how many loads have been cancelled. */
  function loading(limit?: number) {
    const seen = { calls: [] as number[][], cancelled: 0 };
    const load = async (keys: readonly number[]): Promise<(string | Error)[]> => {
      seen.calls.push([...keys]);
      let isOver = false;
      try {
        await sleep(1);
        isOver = true;
      } finally {
        if (!isOver) seen.cancelled++;
      }
      if (keys.includes(13)) throw new RangeError('all of them have failed');
      return keys.map((key) => (key < 0 ? new RangeError(`no ${key}`) : `value ${key}`));
    };
    return { seen, ask: batched(load, limit) };
  }

  test('asks for everything of one iteration at once, and for each key once', async () => {
    const { seen, ask } = loading();
    const one = s.fn(function* (key: number) {
      return yield* s.wait(ask(key));
    });
    const main = async (): Promise<unknown> => await gather([1, 2, 1, 3].map((key) => () => one(key)));
    const { result, seconds } = await runVirtually(main);
    expect(result).toEqual(['value 1', 'value 2', 'value 1', 'value 3']);
    expect(seen.calls).toEqual([[1, 2, 3]]);
    expect(seconds).toBe(1);
  });

  test('asks for no more at once than the limit', async () => {
    const { seen, ask } = loading(2);
    const main = async (): Promise<unknown> => await gather([1, 2, 3, 4, 5].map((key) => () => ask(key)));
    expect((await runVirtually(main)).result).toEqual([1, 2, 3, 4, 5].map((key) => `value ${key}`));
    expect(seen.calls).toEqual([[1, 2], [3, 4], [5]]);
  });

  test('joins those who ask for a key that is being loaded, and keeps nothing afterwards', async () => {
    const { seen, ask } = loading();
    const main = async (): Promise<void> => {
      const first = createTask(async () => await ask(1));
      await sleep(0.5);
      await gather(ask(1), ask(2));
      await first;
      await ask(1);
    };
    await runVirtually(main);
    expect(seen.calls).toEqual([[1], [2], [1]]);
  });

  test('fails for the key alone that has failed, or for all with the call', async () => {
    const { ask } = loading();
    const main = async (): Promise<unknown> => {
      const some = await gather([() => ask(1), () => ask(-2)], { returnExceptions: true });
      const none = await gather([() => ask(1), () => ask(13)], { returnExceptions: true });
      return [...some, ...none].map(String);
    };
    expect((await runVirtually(main)).result).toEqual([
      'value 1',
      'RangeError: no -2',
      'RangeError: all of them have failed',
      'RangeError: all of them have failed',
    ]);
  });

  test('tells a function that gives a wrong number of values', async () => {
    const ask = batched(async (_keys: readonly number[]) => ['one']);
    const main = async (): Promise<unknown> => await gather([() => ask(1), () => ask(2)]);
    await expect(runVirtually(main)).rejects.toThrow('2 keys, but 1 values');
  });

  test('does not stop for others when one caller has left', async () => {
    const { seen, ask } = loading();
    const main = async (): Promise<unknown> => {
      const patient = createTask(async () => await ask(1));
      await expect(Promise.resolve(timeout(0.5, () => ask(1)))).rejects.toBeInstanceOf(TimeoutError);
      return await patient;
    };
    expect((await runVirtually(main)).result).toBe('value 1');
    expect(seen).toEqual({ calls: [[1]], cancelled: 0 });
  });

  test('stops the call when nobody waits for any of its keys, and leaves no task', async () => {
    const { seen, ask } = loading();
    const main = async (): Promise<number> => {
      const tasks = [1, 2].map((key) => createTask(async () => await ask(key)));
      await sleep(0.5);
      for (const task of tasks) task.cancel();
      await Promise.allSettled(tasks);
      await sleep(0);
      expect(seen.cancelled).toBe(1);
      return allTasks().size;
    };
    expect((await runVirtually(main)).result).toBe(1);
  });

  test('asks for nothing when all have left before it was sent', async () => {
    const { seen, ask } = loading();
    const main = async (): Promise<void> => {
      const task = createTask(async () => await ask(1));
      await sleep(0);
      task.cancel();
      await sleep(5);
    };
    await runVirtually(main);
    expect(seen.calls).toEqual([]);
  });

  test('is there again for a second caller of a key whose first one has left', async () => {
    const { seen, ask } = loading();
    const main = async (): Promise<unknown> => {
      const first = createTask(async () => await ask(1));
      await sleep(0.5);
      first.cancel();
      await sleep(0);
      return await ask(1);
    };
    expect((await runVirtually(main)).result).toBe('value 1');
    expect(seen).toEqual({ calls: [[1], [1]], cancelled: 1 });
  });
});
