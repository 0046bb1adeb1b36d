import {
  ContextVar,
  copyContext,
  createTask,
  currentTask,
  eagerTaskFactory,
  Future,
  getRunningLoop,
  sleep,
  type Task,
  taskGroup,
  timeout,
} from 'asyncio-ts';
import { describe, expect, test } from 'vitest';
import { outcome, type SimulatedRuntime, simulated } from '../../support/simulated-runtime.ts';

/** Callbacks of the loop belong to no task. Tasks that start eagerly run as themselves, in whatever scope they are made. */

const user = new ContextVar<string>('user', { default: 'nobody' });

/** Where the code is that makes them: in the first step, in a later one, after a foreign promise. */
const places: [where: string, go: (runtime: SimulatedRuntime) => PromiseLike<unknown>][] = [
  ['in the first step', async () => {}],
  ['in a later step', () => sleep(1)],
  ['behind a promise of somebody else', ({ foreign }) => foreign(1)],
];

for (const [where, go] of places) {
  describe(`made ${where}`, () => {
    // It loses its loop and its context variables at its first await.
    test(
      'a callback of the loop that calls an async function runs outside any task',
      simulated(async (runtime) => {
        user.set('main');
        const seen: unknown[] = [];
        const loop = getRunningLoop();
        const { promise, resolve, reject } = Promise.withResolvers<void>();
        const task = createTask(async () => {
          await go(runtime);
          getRunningLoop().callAt(1, () => {
            void (async () => {
              seen.push(
                currentTask(),
                await outcome(sleep(0.02, 'slept')),
                await outcome(timeout(0.01, () => sleep(60))),
              );
              seen.push(currentTask(), loop === getRunningLoop(), user.get());
              resolve();
            })().catch(reject);
          });
          await sleep(60);
        });
        await sleep(1.01);
        task.cancel(); // while it sleeps
        await outcome(task);
        await promise;
        expect(seen).toEqual([null, 'slept', 'TimeoutError', null, true, 'main']);
      }),
    );

    // It begins with a promise of somebody else: its first await of the library is too late to find the callback.
    test(
      'a callback of the loop that has used a variable passes its variables on behind a promise of somebody else',
      simulated(async (runtime) => {
        const seen: string[] = [];
        const { promise, resolve } = Promise.withResolvers<void>();
        const other = copyContext();
        const task = createTask(async () => {
          await go(runtime);
          user.set('task');
          const begin = (first: () => unknown) => {
            void (async () => {
              first();
              await runtime.foreign(1);
              seen.push(user.get());
              await sleep(1);
              seen.push(user.get());
              if (seen.length === 6) resolve();
            })();
          };
          const loop = getRunningLoop();
          loop.callSoon(() => begin(() => user.get()));
          loop.callLater(0.1, () => begin(() => user.set('callback')));
          const future = new Future<void>();
          future.addDoneCallback(() => {
            other.run(() => user.set('other'));
            begin(() => user.set('done callback'));
          });
          loop.callLater(0.2, () => future.setResult());
          await runtime.foreign(10);
          seen.push(user.get());
        });
        await promise;
        expect(seen).toEqual(['task', 'callback', 'done callback', 'task', 'callback', 'done callback']);
        await task;
        expect(seen.at(-1)).toBe('task');
        expect(other.get(user)).toBe('other');
      }),
    );

    // It loses its loop and its context variables at its first await.
    test(
      'a done callback that calls an async function runs outside any task',
      simulated(async (runtime) => {
        const seen: unknown[] = [];
        const loop = getRunningLoop();
        const { promise, resolve, reject } = Promise.withResolvers<void>();
        const task = createTask(async () => {
          await go(runtime);
          const future = new Future<void>();
          future.addDoneCallback(() => {
            void (async () => {
              seen.push(currentTask(), await outcome(sleep(0.02, 'slept')));
              seen.push(loop === getRunningLoop());
              resolve();
            })().catch(reject);
          });
          getRunningLoop().callLater(1, () => future.setResult());
          await outcome(timeout(5, () => sleep(60)));
        });
        await task;
        await promise;
        expect(seen).toEqual([null, 'slept', true]);
      }),
    );

    test(
      'a task that starts eagerly is itself, and its maker is again the maker behind it',
      simulated(async (runtime) => {
        const log: unknown[] = [];
        const maker = createTask(
          async () => {
            await go(runtime);
            const limited = timeout(5, async () => {
              await go(runtime);
              const child = createTask(
                async () => {
                  log.push(currentTask()!.getName());
                  await outcome(timeout(1, () => sleep(60)));
                  log.push(currentTask()!.getName());
                  return await sleep(20, 'child');
                },
                { name: 'child', eagerStart: true },
              );
              log.push(currentTask()!.getName());
              const end = await outcome(sleep(60)); // in the scope of the deadline still
              log.push(end, currentTask()!.getName());
              return child;
            });
            return [await limited];
          },
          { name: 'maker' },
        );
        expect(await maker).toEqual(['child']);
        expect(log).toEqual(['child', 'maker', 'child', 'CancelledError', 'maker']);
      }),
    );

    test(
      'a task that starts eagerly and enters a deadline does not move its maker into it',
      simulated(async (runtime) => {
        await go(runtime);
        const { signal } = currentTask()!;
        const child = createTask(async () => await outcome(timeout(1, () => sleep(60))), { eagerStart: true });
        expect(currentTask()!.signal === signal).toBe(true);
        expect(await sleep(5, 'went on')).toBe('went on');
        expect(await child).toBe('TimeoutError');
        const generator = createTask(
          function* () {
            yield* timeout(1, function* () {
              yield* sleep(60);
            });
          },
          { eagerStart: true },
        );
        expect(currentTask()!.signal === signal).toBe(true);
        expect(await sleep(5, 'went on')).toBe('went on');
        expect(await outcome(generator)).toBe('TimeoutError');
      }),
    );

    test(
      'tasks of an eager factory are ended with their group, and the body goes on as itself',
      simulated(async (runtime) => {
        getRunningLoop().setTaskFactory(eagerTaskFactory);
        await go(runtime);
        const children: Task<unknown>[] = [];
        const group = taskGroup(async (g) => {
          await go(runtime);
          for (let i = 0; i < 3; i++) children.push(g.createTask(async () => await sleep(60)));
          expect(currentTask()!.getName()).toBe('main');
          await sleep(1);
          g.cancel();
        });
        expect(await outcome(group)).toBe(undefined);
        expect(children.map((child) => child.cancelled())).toEqual([true, true, true]);
      }),
    );

    test(
      'code that is run in another context is the code of its task anyway',
      simulated(async (runtime) => {
        await go(runtime);
        const context = copyContext();
        const seen: unknown[] = [];
        context.run(() => {
          user.set('inside');
          seen.push(user.get(), currentTask()!.getName());
        });
        seen.push(user.get());
        const task = context.run(() => createTask(async () => user.get()));
        expect(await task).toBe('inside');
        expect(await outcome(timeout(1, () => context.run(() => sleep(60))))).toBe('TimeoutError');
        expect(seen).toEqual(['inside', 'main', 'nobody']);
      }),
    );
  });
}
