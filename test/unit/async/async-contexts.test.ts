import { AsyncLocalStorage } from 'node:async_hooks';
import { createTask, gather, Lock, sleep, taskGroup, timeout } from 'asyncio-ts';
import { describe, expect, test } from 'vitest';
import { simulated } from '../../support/simulated-runtime.ts';

/** A task starts from an empty async context where its maker's holds nothing but our own value. A program's values must never be lost by that. */

describe('the values of AsyncLocalStorage', () => {
  const user = new AsyncLocalStorage<string>();
  const trace = new AsyncLocalStorage<number>();

  const show = async () => {
    const atOnce = [user.getStore(), trace.getStore()];
    await sleep(1);
    expect([user.getStore(), trace.getStore()]).toEqual(atOnce);
    return atOnce;
  };

  const ways = {
    createTask: () => createTask(show),
    gather: () => gather(show).then(([one]) => one),
    timeout: () => timeout(5, show),
    taskGroup: () => taskGroup(async (group) => await group.createTask(show)),
    'lock.with': () => new Lock().with(show),
  };

  for (const [name, begin] of Object.entries(ways)) {
    const way = async () => await begin();
    test(
      `reach the function of ${name}, whatever was entered before and between`,
      simulated(async () => {
        const seen: unknown[] = [await way()];
        seen.push(await user.run('ada', way));
        seen.push(await way());
        seen.push(await user.run('ada', () => trace.run(7, () => user.run('bob', way))));
        seen.push(await trace.run(8, way));
        seen.push(await way());
        expect(seen).toEqual([
          [undefined, undefined],
          ['ada', undefined],
          [undefined, undefined],
          ['bob', 7],
          [undefined, 8],
          [undefined, undefined],
        ]);
      }),
    );
  }

  test(
    'differ among tasks that one line makes in one go',
    simulated(async () => {
      const tasks = ['a', 'b', 'a'].flatMap((name) => [user.run(name, () => createTask(show)), createTask(show)]);
      expect((await gather(...tasks)).map(([name]) => name)).toEqual(['a', undefined, 'b', undefined, 'a', undefined]);
    }),
  );

  test(
    'that a task enters are its own, and those of the tasks that it makes',
    simulated(async () => {
      const inner = async () => {
        user.enterWith('inner');
        return await createTask(show);
      };
      expect(await gather(inner, show)).toEqual([
        ['inner', undefined],
        [undefined, undefined],
      ]);
      expect(user.getStore()).toBe(undefined);
    }),
  );
});
