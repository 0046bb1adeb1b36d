import { coroutine, createTask, logger, newEventLoop, run, sleep } from 'asyncio-ts';
import { moduleFunctions, reportProgress, serve } from 'asyncio-ts/distributed';
import { VirtualHost } from 'asyncio-ts/testing';
import { describe, expect, it, vi } from 'vitest';
import { endless, functions, Network, now, rejection, withNetwork, work } from './network.ts';

const { slow, double, flaky } = functions;

describe('a lost worker', () => {
  it(
    'costs one start of its job: with retries it is started again, as often as they allow',
    withNetwork(async (net) => {
      const pool = net.pool();
      const outcome = createTask(() => rejection(pool.with({ retries: 2 }).submit(slow, 'a', 60)));
      const names: string[] = [];
      for (let n = 1; n <= 3; n++) {
        const { name } = await net.worker();
        names.push(name);
        await sleep(8);
        expect(net.events.filter((event) => event === 'start a')).toHaveLength(n);
        net.engine.kill(name);
      }
      await net.worker();
      const error = await outcome;
      expect(error).toMatchObject({ name: 'WorkerLost', code: 'WORKER_LOST', worker: names[2] });
      expect(error.message).toBe(
        `the worker ${names[2]} was lost while it ran slow(), as 2 before it: it has died, was cut off, or its loop was blocked. ` +
          'The function may have run in part; write with({ retries: 3 }) if it may be run again',
      );
      expect(net.events.filter((event) => event === 'start a')).toHaveLength(3);
      expect(pool.statistics()).toMatchObject({ lost: 1, finished: 1 });
    }),
  );

  it(
    'that comes back gets no second run of a job beside its first one, and the first one is ended',
    withNetwork(async (net) => {
      const warn = vi.spyOn((await import('asyncio-ts')).logger, 'warn').mockImplementation(() => {});
      const { name } = await net.worker({ concurrency: 2 });
      const job = net.pool().with({ retries: 1 }).submit(slow, 'a', 20);
      await sleep(1);
      net.engine.cutOff(name, 6);
      expect(await job).toBe('a');
      expect(net.events).toEqual(['start a', 'start a', 'clean a', 'end a', 'clean a']);
      expect(warn.mock.calls.flat().join('\n')).toContain('has lost slow()');
      warn.mockRestore();
    }),
  );
});

describe('a connection to the store that does not end', () => {
  it(
    'keeps neither a worker that drains nor a client that is shut down',
    withNetwork(async (net) => {
      const warn = vi.spyOn((await import('asyncio-ts')).logger, 'warn').mockImplementation(() => {});
      const engine = endless(net.engine);
      const worker = await net.worker({ engine });
      const pool = net.pool({ engine });
      expect(await pool.submit(double, 2)).toBe(4);
      const began = now();
      expect(await worker.drain()).toMatchObject({ finished: 1, abandoned: [] });
      await pool.shutdown();
      expect(now() - began).toBeLessThan(30);
      expect(warn.mock.calls.flat()).toEqual([
        'the connection of a worker of memory has not ended in order, and is given up: timed out after 10 s',
        'the connection of a client of memory has not ended in order, and is given up: timed out after 10 s',
      ]);
      warn.mockRestore();
    }),
  );
});

describe('what a function throws', () => {
  it(
    'is a result, which retries do not try again',
    withNetwork(async (net) => {
      await net.worker();
      const pool = net.pool({ retries: 3 });
      const error = await rejection(pool.submit(flaky, 'a', 1));
      expect(error).toBeInstanceOf(RangeError);
      expect(net.events).toEqual(['start a']);
      expect(pool.statistics()).toMatchObject({ finished: 1, lost: 0 });
    }),
  );
});

describe('a worker that stops while a job runs for longer than its drain', () => {
  it(
    'cancels the job, says so, and names it in its report',
    withNetwork(async (net) => {
      const worker = await net.worker({ drain: 2 });
      const outcome = createTask(() => rejection(net.pool().submit(slow, 'a', 60, 1)));
      await sleep(1);
      const report = await worker.drain();
      expect(report).toEqual({ worker: worker.name, finished: 0, abandoned: ['slow'] });
      const error = await outcome;
      expect(error).toMatchObject({ name: 'WorkerLost', worker: worker.name });
      expect(error.message).toBe(
        `the worker ${worker.name} has stopped before it had finished slow(): it was cancelled there. ` +
          'The function may have run in part; write with({ retries: 1 }) if it may be run again',
      );
      expect(net.events).toEqual(['start a', 'clean a']);
    }),
  );

  it(
    'gives the job to another worker at once, when it has retries',
    withNetwork(async (net) => {
      const worker = await net.worker({ drain: 2 });
      const job = net.pool().with({ retries: 1 }).submit(slow, 'a', 5);
      await sleep(1);
      await net.worker();
      await worker.drain();
      expect(await job).toBe('a');
      expect(net.events.filter((event) => event === 'start a')).toHaveLength(2);
    }),
  );

  it(
    'takes the result of a function that finishes in spite of it, so that it is not done twice',
    withNetwork(async (net) => {
      const offered = {
        async stubborn(): Promise<string> {
          try {
            await sleep(60);
          } catch {
            await sleep(1);
          }
          return 'done';
        },
      };
      const { stubborn } = moduleFunctions<typeof offered>('app:work');
      const worker = await net.worker({ drain: 2 }, offered);
      const job = net.pool({ retries: 1 }).submit(stubborn);
      await sleep(1);
      expect(await worker.drain()).toMatchObject({ finished: 1 });
      expect(await job).toBe('done');
    }),
  );
});

describe('reports of a job', () => {
  it(
    'can be left by their reader, while the job goes on, and be read by several',
    withNetwork(async (net) => {
      await net.worker();
      const job = net.pool().submit(functions.count, 5, 1);
      const all: unknown[] = [];
      const reader = createTask(async () => {
        for await (const part of job.progress()) all.push(part);
      });
      for await (const part of job.progress()) if (part === 2) break;
      expect(await job).toBe(5);
      await reader;
      expect(all).toEqual([1, 2, 3, 4, 5]);
    }),
  );

  it(
    'end with the job, however it ends, and a reader that is cancelled does not cancel it',
    withNetwork(async (net) => {
      await net.worker();
      const job = net.pool().submit(functions.count, 3, 1);
      const reader = createTask(async () => {
        for await (const _ of job.progress()) await sleep(0);
      });
      await sleep(1.5);
      reader.cancel();
      expect(await rejection(reader)).toMatchObject({ name: 'CancelledError' });
      expect(await job).toBe(3);
      const other = net.pool().submit(slow, 'a', 60);
      const waiting = createTask(async () => {
        for await (const _ of other.progress()) await sleep(0);
        return 'over';
      });
      await sleep(1);
      other.cancel();
      expect(await waiting).toBe('over');
    }),
  );

  it(
    'that cannot be sent are an error of the function, which names the place',
    withNetwork(async (net) => {
      const offered = {
        async report(): Promise<void> {
          reportProgress({ part: () => 1 });
        },
      };
      await net.worker({}, offered);
      const { report } = moduleFunctions<typeof offered>('app:work');
      expect(await rejection(net.pool().submit(report))).toMatchObject({
        code: 'PROGRESS_NOT_CLONEABLE',
        message: expect.stringContaining('it.part is a function'),
      });
      expect(() => reportProgress(() => 1)).not.toThrow();
      expect(double).toBeDefined();
    }),
  );
});

describe('serve', () => {
  it(
    'refuses a signal that cannot be handled before it takes a job',
    withNetwork(async (net) => {
      const opened = vi.spyOn(net.engine, 'openWorker');
      const error = await rejection(serve(work, { engine: net.engine, queue: 'q', signals: ['SIGKILL'] }));
      expect(error).toMatchObject({ name: 'RuntimeError' });
      expect(opened).not.toHaveBeenCalled();
    }),
  );
});

/** A host with simulated time, on which a function can block the loop: time has gone on when it returns. */
class BlockingHost extends VirtualHost {
  readonly #wishes = new Map<() => void, number>();
  #blocked = 0;

  override time(): number {
    return super.time() + this.#blocked;
  }

  override at(when: number | null, turn: () => void): void {
    if (when === null) this.#wishes.delete(turn);
    else this.#wishes.set(turn, when);
    super.at(when === null ? null : when - this.#blocked, turn);
  }

  block(seconds: number): void {
    this.#blocked += seconds;
    for (const [turn, when] of this.#wishes) super.at(when - this.#blocked, turn);
  }
}

describe('a generator function', () => {
  it(
    'is served when it is made a coroutine, and otherwise its client is told to do so',
    withNetwork(async (net) => {
      const offered = {
        *plain(n: number): Generator<unknown, number> {
          yield* sleep(1);
          return n;
        },
        made: coroutine(function* (n: number): Generator<unknown, number> {
          yield* sleep(1);
          return n;
        }),
      };
      await net.worker({}, offered);
      const { plain, made } = moduleFunctions<typeof offered>('app:work');
      expect(await net.pool().submit(made, 4)).toBe(4);
      const error = await rejection(net.pool().submit(plain, 4));
      expect(error).toMatchObject({ code: 'RESULT_NOT_CLONEABLE' });
      expect(error.message).toBe(
        'the result of plain() of app:work cannot be sent back: result is a Generator, which cannot be cloned, and nothing of it has run; ' +
          'write export const plain = coroutine(function* (…) { … })',
      );
    }),
  );
});

describe('the name of a module', () => {
  it(
    'is the same for workers and clients however it is written, and another one is not served',
    withNetwork(async (net) => {
      const { name } = await net.worker({ module: 'APP:work' });
      const pool = net.pool();
      const functionsOf = (module: string) => moduleFunctions<typeof work>(module);
      expect(await pool.submit(functionsOf('APP:work').double, 1)).toBe(2);
      expect(await pool.submit(functionsOf('app:work').double, 1)).toBe(2);
      expect(await rejection(pool.submit(functionsOf('app:other').double, 1))).toMatchObject({
        name: 'NotServed',
        message: `double() of app:other is served by no worker of the queue 'q': there is ${name} with double, slow, count, flaky of app:work`,
      });
    }),
  );

  it(
    'that no client could write is refused',
    withNetwork(async (net) => {
      const serving = createTask(() => serve(work, { engine: net.engine, queue: 'q', signals: [], module: 'work' }));
      expect(await rejection(serving)).toMatchObject({
        code: 'INVALID_MODULE',
        message:
          "serve: module is a name with a scheme, the same as in moduleFunctions, got 'work'; write module: 'app:work'",
      });
    }),
  );
});

describe('a loop that is blocked', () => {
  const withBlocking = (body: (net: Network, block: (seconds: number) => void) => Promise<void>) => async () => {
    const host = new BlockingHost();
    const main = async (): Promise<void> => {
      await using net = new Network();
      await body(net, (seconds) => host.block(seconds));
    };
    await run(main, { loopFactory: () => newEventLoop({ host }) });
  };

  it.each([
    ['that returns at once', (block: () => void) => block()],
    [
      'that has waited before',
      async (block: () => void) => {
        await sleep(0.1);
        block();
      },
    ],
  ])('is told with the name of the function %s, although it is over by then', (_what, body) =>
    withBlocking(async (net, block) => {
      const warn = vi.spyOn(logger, 'warn').mockImplementation(() => {});
      const offered = { compute: () => body(() => block(3)), twice: (n: number) => 2 * n };
      const { name } = await net.worker({ concurrency: 2 }, offered);
      const { compute, twice } = moduleFunctions<typeof offered>('app:work');
      const pool = net.pool();
      expect(await pool.submit(twice, 1)).toBe(2);
      await sleep(2.5);
      await pool.submit(compute);
      await sleep(2);
      const [message, ...more] = warn.mock.calls.flat();
      expect(more).toEqual([]);
      expect(message).toContain(`the loop of the worker ${name} was blocked for `);
      expect(message).toContain(
        ' s while it ran compute(); after 4 s it counts as lost. ' +
          'Let functions that compute run in threads: serve(url, { executor: new ThreadPoolExecutor() })',
      );
      warn.mockRestore();
    })(),
  );

  it(
    'by the program itself is told without a name',
    withBlocking(async (net, block) => {
      const warn = vi.spyOn(logger, 'warn').mockImplementation(() => {});
      await net.worker();
      expect(await net.pool().submit(double, 1)).toBe(2);
      await sleep(2.5);
      block(3);
      await sleep(2);
      expect(warn.mock.calls.flat()).toEqual([expect.stringMatching(/was blocked for [23]\.\d s; after 4 s/)]);
      warn.mockRestore();
    }),
  );
});
