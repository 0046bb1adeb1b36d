import type { Task } from 'asyncio-ts';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { loadForOtherRuntime, type OtherRuntime } from '../../support/other-runtimes.ts';
import { outcome } from '../../support/simulated-runtime.ts';

/** The rules where the runtime cannot tell callbacks from lines (as Bun and Deno), and where it has no `AsyncLocalStorage` (as browsers). */

const runtimes = [
  ['a runtime that cannot tell callbacks from lines', true],
  ['a runtime without AsyncLocalStorage', false],
] as const;

for (const [name, asyncContext] of runtimes) {
  describe(`in ${name}`, () => {
    let runtime: OtherRuntime;

    beforeAll(async () => {
      vi.resetModules();
      runtime = await loadForOtherRuntime({ asyncContext });
    });
    afterAll(() => runtime.restore());

    const simulated =
      (main: (lib: OtherRuntime['lib']) => Promise<void>, options?: { readonly debug: boolean }) => () =>
        runtime.simulate(() => main(runtime.lib), options);

    test(
      'a deadline ends its body and nothing else',
      simulated(async ({ currentTask, gather, sleep, timeout }) => {
        expect(await outcome(timeout(1, () => sleep(60)))).toBe('TimeoutError');
        expect(await sleep(1, 'went on')).toBe('went on');
        const limited = async () => await outcome(timeout(1, () => sleep(60)));
        const sibling = async () => await sleep(5, 'sibling');
        expect(await gather(limited, sibling)).toEqual(['TimeoutError', 'sibling']);
        expect(currentTask()!.cancelling()).toBe(0);
      }),
    );

    test(
      'a request is delivered once to each line, and clean-ups are undisturbed',
      simulated(async ({ createTask, Event, sleep }) => {
        const log: string[] = [];
        const branch = async (what: string, wait: () => PromiseLike<unknown>) => {
          try {
            await wait();
          } catch (error) {
            log.push(`${what} ${(error as Error).name}`);
            throw error;
          } finally {
            await sleep(1);
            log.push(`${what} cleaned up`);
          }
        };
        const task = createTask(() =>
          Promise.all([branch('a', () => sleep(60)), branch('b', () => new Event().wait())]),
        );
        await sleep(1);
        task.cancel();
        await outcome(task);
        expect([task.cancelled(), task.cancelling()]).toEqual([true, 1]);
        expect(log.toSorted()).toEqual(['a CancelledError', 'a cleaned up', 'b CancelledError', 'b cleaned up']);
      }),
    );

    test(
      'nested deadlines count as in CPython',
      simulated(async ({ currentTask, sleep, timeout }) => {
        const counts: number[] = [];
        const inner = async () => {
          try {
            await sleep(60);
          } finally {
            counts.push(currentTask()!.cancelling());
            await sleep(5);
          }
        };
        expect(await outcome(timeout(2, async () => await timeout(1, inner)))).toBe('TimeoutError');
        expect([counts, currentTask()!.cancelling()]).toEqual([[1], 0]);
      }),
    );

    test(
      'a lost race does not take the next request',
      simulated(async ({ createTask, sleep }) => {
        const task = createTask(async () => {
          await Promise.race([sleep(1), outcome(sleep(60))]);
          await sleep(5);
        });
        await sleep(2);
        task.cancel();
        expect(await outcome(task)).toBe('CancelledError');
      }),
    );

    test(
      'a current wait passes its cancellation on, and a leftover does not',
      simulated(async ({ createTask, sleep }) => {
        const [awaited, looked] = [createTask(() => sleep(20)), createTask(() => sleep(20, 'looked at'))];
        const task = createTask(async () => {
          await Promise.race([looked, sleep(1)]);
          await Promise.all([awaited]);
        });
        await sleep(5);
        task.cancel();
        await outcome(task);
        expect(awaited.cancelled()).toBe(true);
        expect(await looked).toBe('looked at');
      }),
    );

    test(
      'then, called by a program, gives a promise and calls back, whatever is passed to it',
      simulated(async ({ createTask, sleep }) => {
        const job = () => createTask(() => sleep(0.001, 'value'));
        const heard: unknown[] = [];
        for (const callback of [(value: unknown) => heard.push(value), heard.push.bind(heard)]) {
          const derived = job().then(callback, callback);
          expect(derived).toBeInstanceOf(Promise);
          await derived;
        }
        expect(heard).toEqual(['value', 'value']);
        expect(await new Promise((resolve, reject) => job().then(resolve, reject))).toBe('value');
        expect(await Promise.resolve(job())).toBe('value');
      }),
    );

    test(
      'a callback that awaits the task whose context it inherited gets its result, where the task has another wait',
      simulated(async ({ createTask, sleep }) => {
        const { promise, resolve } = Promise.withResolvers<unknown>();
        const task: Task<string> = createTask(async () => {
          await sleep(1);
          setImmediate(() => resolve(outcome(task)));
          return await sleep(5, 'result');
        });
        expect(await task).toBe('result');
        await sleep(1);
        expect(await promise).toBe('result');
      }),
    );

    test(
      'a line that awaits its own task, and nothing else, gets an error',
      simulated(async ({ createTask, sleep }) => {
        const task: Task<unknown> = createTask(async () => {
          await sleep(1);
          return await outcome((async () => await task)());
        });
        expect(await task).toBe('RuntimeError');
      }),
    );

    test(
      'cancellations inside other errors are recognised, and errors say who has cancelled',
      simulated(async ({ createTask, sleep, timeout }) => {
        expect(await outcome(timeout(1, () => Promise.any([sleep(60), sleep(50)])))).toBe('TimeoutError');
        const task = createTask(() => sleep(60), { name: 'victim' });
        await sleep(1);
        task.cancel();
        const error: unknown = await task.then(String, (thrown: unknown) => thrown);
        expect((error as Error).message).toMatch(/^Task 'victim' was cancelled by Task-\d+$/);
      }),
    );

    test(
      'generators have every rule that they have elsewhere',
      simulated(async ({ createTask, currentTask, gather, sleep, timeout }) => {
        const main = function* () {
          const ended: string[] = [];
          const limited = function* () {
            try {
              yield* sleep(60);
            } finally {
              ended.push(`count ${currentTask()!.cancelling()}`);
              yield* sleep(1);
            }
          };
          const attempt = function* () {
            try {
              return yield* timeout(1, limited);
            } catch (error) {
              return (error as Error).name;
            }
          };
          const ends = yield* gather(
            () => attempt(),
            () => attempt(),
          );
          return [ends, ended, yield* sleep(1, 'went on')];
        };
        expect(await createTask(main)).toEqual([['TimeoutError', 'TimeoutError'], ['count 1', 'count 1'], 'went on']);
      }),
    );

    test(
      'wrapped promises behave as in other runtimes',
      simulated(async ({ createTask, sleep, timeout, wrapPromise }) => {
        const late: string[] = [];
        const { promise, resolve } = Promise.withResolvers<string>();
        const body = () => wrapPromise(promise, { onLate: (value) => late.push(value) });
        expect(await outcome(timeout(1, body))).toBe('TimeoutError');
        resolve('late');
        await sleep(1);
        expect(late).toEqual(['late']);
        const task = createTask(async () => await wrapPromise(new Promise(() => {})));
        await sleep(1);
        task.cancel();
        expect(await outcome(task)).toBe('CancelledError');
      }),
    );

    test(
      'a chain of 5,000 tasks is cancelled as a whole',
      simulated(async ({ createTask, sleep }) => {
        const tasks: Task<unknown>[] = [createTask(() => sleep(60))];
        for (let i = 0; i < 5_000; i++) {
          const before = tasks[i]!;
          tasks.push(createTask(async () => await before));
        }
        await sleep(1);
        tasks.at(-1)!.cancel();
        await outcome(tasks.at(-1)!);
        expect(tasks.every((task) => task.cancelled())).toBe(true);
      }),
    );

    test(
      'awaiting mapConcurrent() is an await of its line',
      simulated(async ({ currentTask, mapConcurrent, sleep }) => {
        const task = currentTask();
        expect(await mapConcurrent([3, 1], async (n) => await sleep(n, n), { limit: 2 })).toEqual([3, 1]);
        expect(currentTask()).toBe(task);
      }),
    );

    if (asyncContext) {
      test(
        'a deadline in a branch never touches its siblings',
        simulated(async ({ currentTask, sleep, timeout }) => {
          const limited = () => outcome(timeout(1, () => sleep(60)));
          const ends = await Promise.all([limited(), sleep(5, 'sibling'), limited()]);
          expect(ends).toEqual(['TimeoutError', 'sibling', 'TimeoutError']);
          expect(currentTask()!.cancelling()).toBe(0);
        }),
      );

      test(
        'a callback has deadlines of its own, which do not end the task, and is not ended by those of the task',
        simulated(async ({ createTask, sleep, timeout }) => {
          const { promise, resolve } = Promise.withResolvers<unknown[]>();
          const task = createTask(async () => {
            setImmediate(async () =>
              resolve(await Promise.all([outcome(timeout(1, () => sleep(60))), outcome(sleep(20, 'slept'))])),
            );
            await sleep(0.5);
            await outcome(timeout(2, () => sleep(60)));
            return await sleep(30, 'went on');
          });
          expect(await task).toBe('went on');
          expect(await promise).toEqual(['TimeoutError', 'slept']);
        }),
      );

      test(
        'a callback never absorbs a request that was meant for its task',
        simulated(async ({ createTask, sleep }) => {
          const { promise, resolve } = Promise.withResolvers<void>();
          const task = createTask(async () => {
            await sleep(1);
            setImmediate(() => void outcome(sleep(60)));
            await sleep(1);
            await promise;
            await sleep(5);
            return 'ran to the end';
          });
          await sleep(5);
          task.cancel();
          await sleep(1);
          resolve();
          expect(await outcome(task)).toBe('CancelledError');
        }),
      );

      test(
        'what a callback sets while its task waits is seen by it alone',
        simulated(async ({ ContextVar, sleep }) => {
          const user = new ContextVar<string>('user');
          user.set('main');
          const seen: unknown[] = [];
          setImmediate(async () => {
            user.set('callback');
            await sleep(1);
            seen.push(user.get());
          });
          await sleep(5);
          expect([user.get(), seen]).toEqual(['main', ['callback']]);
        }),
      );

      test(
        'what a callback sets while its task is at a foreign promise is seen by it alone, too',
        simulated(async ({ ContextVar, sleep }) => {
          const user = new ContextVar<string>('user', { default: 'nobody' });
          const seen: unknown[] = [];
          const { promise, resolve } = Promise.withResolvers<void>();
          const request = (name: string, then: () => void) => async () => {
            const before = user.get();
            user.set(name);
            setImmediate(then);
            await sleep(1);
            seen.push([before, user.get()]);
          };
          // By then the step of the main function is over.
          setImmediate(() => setImmediate(() => setImmediate(request('ada', request('bob', resolve)))));
          await promise;
          expect(user.get()).toBe('nobody');
          await sleep(5);
          expect(seen).toEqual([
            ['nobody', 'ada'],
            ['ada', 'bob'], // made by the first one, whose context it inherited
          ]);
        }),
      );

      test(
        'what a helper sets after a foreign promise is seen by its caller, and by the callers of that',
        simulated(async ({ ContextVar, sleep }) => {
          const user = new ContextVar<string>('user');
          const login = async (name: string) => {
            await new Promise((resolve) => setImmediate(resolve));
            user.set(name);
          };
          const outer = async (name: string) => {
            await login(name);
            return user.get();
          };
          const returned = (name: string) => outer(name);
          await login('a');
          expect(user.get()).toBe('a');
          expect([await outer('b'), user.get()]).toEqual(['b', 'b']);
          expect([await returned('c'), user.get()]).toEqual(['c', 'c']);
          await login('d');
          await sleep(1);
          expect(user.get()).toBe('d');
        }),
      );

      test(
        'what a body of a construct sets after a foreign promise is seen by whoever goes on after it',
        simulated(async ({ Context, ContextVar, coroutine, createTask, taskGroup, timeout, waitFor }) => {
          const user = new ContextVar<string>('user');
          const turn = () => new Promise((resolve) => setImmediate(resolve));
          const login = async (name: string) => {
            await turn();
            user.set(name);
            await turn();
            user.set(`${user.get()} again`);
          };
          await login('a');
          expect(user.get()).toBe('a again');
          await timeout(null, async () => await timeout(null, () => login('b')));
          expect(user.get()).toBe('b again');
          await waitFor(() => login('c'), null);
          expect(user.get()).toBe('c again');
          await taskGroup(() => login('d'));
          expect(user.get()).toBe('d again');
          const inFrames = createTask(function* () {
            yield* coroutine(login)('e');
            const first = user.get();
            yield* timeout(null, () => login('f'));
            return [first, user.get()];
          });
          expect(await inFrames).toEqual(['e again', 'f again']);
          const context = new Context();
          await createTask(() => login('g'), { context });
          expect([context.get(user), user.get()]).toEqual(['g again', 'd again']);
        }),
      );

      test(
        'a deadline after a foreign promise takes effect',
        simulated(async ({ sleep, timeout }) => {
          const body = async () => {
            await new Promise((resolve) => setImmediate(resolve));
            await sleep(60);
          };
          expect(await outcome(timeout(1, body))).toBe('TimeoutError');
        }),
      );
    } else {
      test(
        'a deadline after a foreign promise takes effect, or debug mode says that it cannot',
        simulated(
          async ({ logger, sleep, timeout }) => {
            const told: string[] = [];
            const warn = vi.spyOn(logger, 'warn').mockImplementation((...data) => void told.push(data.join(' ')));
            const body = async () => {
              await new Promise((resolve) => setImmediate(resolve));
              await sleep(0.001); // of the thread's own loop, in real time: nothing tells whose it is
            };
            const end = await outcome(timeout(0, body));
            warn.mockRestore();
            if (end !== 'TimeoutError') expect(told.join('\n')).toMatch(/wrapPromise|somebody else|foreign/);
          },
          { debug: true },
        ),
      );

      test(
        'a plain body at a foreign promise is left at its deadline',
        simulated(async ({ sleep, timeout }) => {
          const { promise, resolve } = Promise.withResolvers<void>();
          expect(await outcome(timeout(1, () => promise))).toBe('TimeoutError');
          resolve();
          expect(await sleep(1, 'went on')).toBe('went on');
        }),
      );
    }
  });
}
