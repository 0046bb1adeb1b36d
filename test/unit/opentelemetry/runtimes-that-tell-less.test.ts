import { createContextKey, ROOT_CONTEXT } from '@opentelemetry/api';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { loadForOtherRuntime, type OtherRuntime } from '../../support/other-runtimes.ts';

/** The context manager where the runtime cannot tell callbacks from lines, and where it has no `AsyncLocalStorage`, as browsers. */

const KEY = createContextKey('who');
const as = (name: string) => ROOT_CONTEXT.setValue(KEY, name);

for (const [name, asyncContext] of [
  ['a runtime that cannot tell callbacks from lines', true],
  ['a runtime without AsyncLocalStorage', false],
] as const) {
  describe(`in ${name}`, () => {
    let runtime: OtherRuntime;
    let manager: import('asyncio-ts/opentelemetry').AsyncioContextManager;

    beforeAll(async () => {
      vi.resetModules();
      runtime = await loadForOtherRuntime({ asyncContext });
      const { AsyncioContextManager } = await import('asyncio-ts/opentelemetry');
      manager = new AsyncioContextManager().enable();
    });
    afterAll(() => runtime.restore());

    const who = () => manager.active().getValue(KEY) ?? 'nobody';

    test('branches of Promise.all keep their contexts, and the caller its own', async () => {
      const { sleep, timeout, createTask } = runtime.lib;
      const seen = await runtime.simulate(async () => {
        const branch = (branchName: string) => async () => {
          const names = [branchName, who()];
          await sleep(1);
          names.push(who());
          await timeout(5, async () => await sleep(1));
          names.push(who(), await createTask(async () => who()));
          return names.join(' ');
        };
        const all = await Promise.all([manager.with(as('ada'), branch('a')), manager.with(as('bob'), branch('b'))]);
        return [...all, who()];
      });
      expect(seen).toEqual(['a ada ada ada ada', 'b bob bob bob bob', 'nobody']);
    });

    test('generator coroutines keep theirs', async () => {
      const { createTask, gather, sleep } = runtime.lib;
      const seen = await runtime.simulate(async () => {
        const body = (bodyName: string) =>
          function* () {
            yield* sleep(1);
            return `${bodyName} ${who()}`;
          };
        const task = (taskName: string) =>
          createTask(function* () {
            return [yield* manager.with(as(taskName), body(taskName)), who()];
          });
        return await gather(task('ada'), task('bob'));
      });
      expect(seen).toEqual([
        ['ada ada', 'nobody'],
        ['bob bob', 'nobody'],
      ]);
    });

    test('a cancellation passes through `with`', async () => {
      const { createTask, sleep } = runtime.lib;
      const seen: string[] = [];
      await runtime.simulate(async () => {
        const task = createTask(async () => {
          await manager.with(as('ada'), async () => {
            try {
              await sleep(100);
            } finally {
              seen.push(`cleans up as ${who()}`);
            }
          });
        });
        await sleep(1);
        task.cancel();
        await task.catch((error: Error) => seen.push(error.name));
      });
      expect(seen).toEqual(['cleans up as ada', 'CancelledError']);
    });
  });
}
