import { ContextVar, createTask, ValueError } from 'asyncio-ts';
import { DistributedExecutor, MemoryEngine, moduleFunctions, serve } from 'asyncio-ts/distributed';
import { describe, expect, it } from 'vitest';
import { rejection, withNetwork } from './network.ts';

const engine = new MemoryEngine();
const [one, two] = [new ContextVar<number>('x'), new ContextVar<number>('x')];
const work = { double: (n: number): number => 2 * n };

/** Wrong options, and what is said of them after the name of the call. */
type Refused = readonly [options: unknown, told: string];
/** Of both sides. */
const BOTH: readonly Refused[] = [
  [{ queue: 'q' }, "engine is required, got undefined; write engine: bullmq({ connection: 'redis://127.0.0.1' })"],
  [{ engine }, "queue is required, a name without spaces and colons, got undefined; write queue: 'images'"],
  [{ engine, queue: 'a:b' }, "queue is required, a name without spaces and colons, got 'a:b'; write queue: 'images'"],
  [{ engine, queue: 'q', lease: 0 }, 'lease must be more than 0 seconds, got 0'],
  [
    { engine, queue: 'q', propagate: ['x'] },
    "propagate is a list of context variables, got ['x']; write propagate: [requestId]",
  ],
  [
    { engine, queue: 'q', propagate: one },
    "propagate is a list of context variables, got <ContextVar name='x'>; write propagate: [requestId]",
  ],
  [
    { engine, queue: 'q', propagate: [one, two] },
    "propagate has two variables of the name 'x', and values travel by name; write new ContextVar('another name')",
  ],
];

describe('new DistributedExecutor()', () => {
  const made = (options: unknown) => () => new DistributedExecutor(options as never);

  it.each<Refused>([
    ...BOTH,
    [{ engine, queue: 'q', grace: -1 }, 'grace must not be negative, got -1'],
    [{ engine, queue: 'q', patience: 0 }, 'patience must be more than 0 seconds, got 0'],
    [{ engine, queue: 'q', inject: 1 }, 'inject must be a function, got 1'],
    [undefined, 'the options are missing; write new DistributedExecutor({ engine, queue })'],
    [null, 'the options are missing; write new DistributedExecutor({ engine, queue })'],
  ])('refuses %o, and says what to write', (options, told) => {
    expect(made(options)).toThrow(`new DistributedExecutor: ${told}`);
  });

  it('takes a call in place of a function for a mistake, and says where the call is made', async () => {
    await withNetwork(async (net) => {
      const called = Promise.resolve(4);
      expect(() => net.pool().submit(called as never)).toThrow(
        'a callable object was expected by submit, got <promise>; write submit(work.resize, argument): the worker is to make the call',
      );
      const functions = moduleFunctions<typeof work>('app:work');
      expect(() => net.pool().submit(functions as never)).toThrow(/a callable object was expected by submit/);
    })();
  });
});

describe('serve()', () => {
  it.each<Refused>([
    ...BOTH,
    [{ engine, queue: 'q', drain: -1 }, 'drain must not be negative, got -1'],
    [{ engine, queue: 'q', extract: 1 }, 'extract must be a function, got 1'],
    [{ engine, queue: 'q', onReady: 1 }, 'onReady must be a function, got 1'],
    [{ engine, queue: 'q', signals: 'SIGTERM' }, "signals is a list, got 'SIGTERM'; write signals: ['SIGTERM']"],
    [
      { engine, queue: 'q', executor: {} },
      'executor has a method submit, got <Object object>; write executor: new ThreadPoolExecutor()',
    ],
    [
      { engine, queue: 'q', stop: AbortSignal.abort() },
      'stop is an Event, got <AbortSignal object>; write stop: new Event(), and stop.set() where the worker is to end',
    ],
    [undefined, 'the options are missing; write serve(work, { engine, queue })'],
    [null, 'the options are missing; write serve(work, { engine, queue })'],
  ])('refuses %o, and says what to write', (options, told) =>
    withNetwork(async () => {
      const error = await rejection(createTask(() => serve(work, options as never)));
      expect(error.message).toBe(`serve: ${told}`);
      expect(error instanceof TypeError || error instanceof ValueError).toBe(true);
    })(),
  );

  it(
    'refuses a relative address, and a module without functions',
    withNetwork(async () => {
      const options = { engine, queue: 'q', signals: [] };
      const relative = await rejection(createTask(() => serve('./work.ts', options)));
      expect(relative.message).toBe(
        "serve: the address of the module is absolute, got './work.ts'; write new URL('./work.ts', import.meta.url)",
      );
      const empty = await rejection(createTask(() => serve({ answer: 42 }, options)));
      expect(empty.message).toBe('serve: there is no function in work; write export function resize() {} there');
      const none = await rejection(createTask(() => serve(undefined as never, options)));
      expect(none.message).toBe(
        "serve: the functions are required, such as a module, got undefined; write import * as work from './work.ts', and serve(work, { engine, queue })",
      );
    }),
  );
});
