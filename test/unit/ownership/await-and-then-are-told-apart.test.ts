import {
  coroutine,
  createTask,
  currentTask,
  ExceptionGroup,
  ensureFuture,
  Future,
  gather,
  getRunningLoop,
  Lock,
  shield,
  sleep,
  type Task,
  taskGroup,
  timeout,
  waitFor,
  wrapPromise,
} from 'asyncio-ts';
import { describe, expect, test, vi } from 'vitest';
import { failure, program } from '../../support/programs.ts';
import { outcome, simulated } from '../../support/simulated-runtime.ts';
import { describeBoth } from '../../support/spellings.ts';

/** R5: `await x` and `x.then(f)` are distinguished by how the language reads `then`; a `then` that a program calls behaves as on any promise. */

/** What a program may pass to `then`; each hands the value on to `heard`. */
const callbacks: [what: string, make: (heard: (value: unknown) => unknown) => (value: unknown) => unknown][] = [
  ['an arrow function', (heard) => (value) => heard(value)],
  ['a function without a name', (heard) => [(value: unknown) => heard(value)][0]!],
  ['a bound function', (heard) => heard.bind(null)],
  ['a mock', (heard) => vi.fn(heard)],
  ['a proxy', (heard) => new Proxy(heard, {})],
  ['an async function', (heard) => async (value) => heard(value)],
];

/** An object with a `then`, which gives 'value' after a second. */
const awaitables: [what: string, make: () => PromiseLike<unknown>][] = [
  ['a task', () => createTask(() => sleep(1, 'value'))],
  [
    'a future',
    () => {
      const future = new Future<string>();
      getRunningLoop().callLater(1, () => future.setResult('value'));
      return future;
    },
  ],
  ['a coroutine of the library', () => sleep(1, 'value')],
  ['a coroutine of an async function', () => coroutine(async () => await sleep(1, 'value'))()],
  [
    'a coroutine of a generator function',
    () =>
      coroutine(function* () {
        return yield* sleep(1, 'value');
      })(),
  ],
];

for (const [what, make] of awaitables) {
  describe(`then, called on ${what}`, () => {
    for (const [which, makeCallback] of callbacks) {
      test(
        `gives a promise, and calls back: ${which}`,
        simulated(async () => {
          const heard: unknown[] = [];
          const callback = makeCallback((value) => {
            heard.push(value);
            return 'returned';
          });
          const derived = make().then(callback, callback);
          expect(derived).toBeInstanceOf(Promise);
          expect(heard).toEqual([]);
          expect(await derived).toBe('returned');
          expect(heard).toEqual(['value']);
        }),
      );
    }

    test(
      'with the resolvers of a promise settles it',
      simulated(async () => {
        expect(await new Promise((resolve, reject) => make().then(resolve, reject))).toBe('value');
        const { promise, resolve, reject } = Promise.withResolvers<unknown>();
        make().then(resolve, reject);
        expect(await promise).toBe('value');
      }),
    );

    test(
      'with nothing gives a promise of the same outcome',
      simulated(async () => {
        expect(await make().then()).toBe('value');
        expect(await make().then(null, undefined)).toBe('value');
      }),
    );

    test(
      'after a long wait in the same task, and amid awaits of the segment, does the same',
      simulated(async () => {
        await sleep(1);
        const heard: unknown[] = [];
        const other = outcome(sleep(2, 'awaited'));
        const derived = make().then((value) => heard.push(value));
        expect(await Promise.all([other, derived])).toEqual(['awaited', 1]);
        expect(heard).toEqual(['value']);
      }),
    );

    test(
      'goes unnoticed where a program only looks whether there is one',
      simulated(async () => {
        const thing = make();
        const isThenable = 'then' in thing && typeof thing.then === 'function' && thing.then !== null;
        expect(isThenable).toBe(true);
        await null;
        expect(await thing).toBe('value');
      }),
    );

    test(
      'in the way of libraries that take any thenable calls back',
      simulated(async () => {
        const adopt = (thing: PromiseLike<unknown>) =>
          new Promise((resolve, reject) => {
            if (thing && typeof thing.then === 'function') thing.then(resolve, reject);
          });
        expect(await adopt(make())).toBe('value');
      }),
    );

    test(
      'held for later, calls back',
      simulated(async () => {
        const thing = make();
        const { then } = thing;
        await Promise.resolve();
        await Promise.resolve();
        expect(await then.call(thing, (value: unknown) => [value])).toEqual(['value']);
      }),
    );

    test(
      'by the engine is an await, in all ways of the language',
      simulated(async () => {
        expect(await make()).toBe('value');
        expect(await (async () => make())()).toBe('value');
        expect(await Promise.resolve(make())).toBe('value');
        expect(await new Promise((resolve) => resolve(make()))).toBe('value');
        expect(await Promise.race([make()])).toBe('value');
        expect(await Promise.all([make(), make()])).toEqual(['value', 'value']);
        expect(await Promise.resolve().then(() => make())).toBe('value');
        for await (const value of [make()]) expect(value).toBe('value');
      }),
    );
  });
}

describe('then, called by a program', () => {
  test(
    'does not make the calling task wait',
    simulated(async () => {
      const job = createTask(() => sleep(5, 'job'));
      const derived = job.then((value) => value);
      expect(await outcome(timeout(1, () => sleep(60)))).toBe('TimeoutError');
      expect(getRunningLoop().time()).toBe(1);
      expect(await derived).toBe('job');
    }),
  );

  test(
    'rejects what it returned when the callback throws, and affects nothing else',
    simulated(async () => {
      const thrown = new RangeError('of the callback');
      const throwing = (() => {
        throw thrown;
      }).bind(null);
      const derived = createTask(() => sleep(1)).then(throwing, () => {});
      expect(await derived.then(String, (error: unknown) => error)).toBe(thrown);
      expect(await sleep(1, 'main went on')).toBe('main went on');
    }),
  );

  test(
    'gets a cancellation like any error',
    simulated(async () => {
      const task = createTask(() => sleep(60));
      const derived = task.then(String, (error: unknown) => (error as Error).name);
      await sleep(1);
      task.cancel();
      expect(await derived).toBe('CancelledError');
      expect(await task.catch((error: unknown) => (error as Error).name)).toBe('CancelledError');
    }),
  );

  test(
    'while another line awaits the same task in the same segment, both get their own',
    simulated(async () => {
      const task = createTask(() => sleep(1, 'value'));
      const awaited = (async () => await task)();
      const heard = task.then((value) => `heard ${value}`);
      const again = (async () => await task)();
      expect(await Promise.all([awaited, heard, again])).toEqual(['value', 'heard value', 'value']);
    }),
  );

  test(
    'on a task that is done calls back later, not at once',
    simulated(async () => {
      const task = createTask(async () => 'value');
      await task;
      const heard: unknown[] = [];
      const derived = task.then((value) => heard.push(value));
      expect(heard).toEqual([]);
      await derived;
      expect(heard).toEqual(['value']);
    }),
  );

  test(
    'by code outside any task gives a promise too',
    simulated(async ({ timer, foreign }) => {
      const job = createTask(() => sleep(5, 'job'));
      const heard: unknown[] = [];
      timer(1, () => {
        const derived = job.then((value) => heard.push(value));
        expect(derived).toBeInstanceOf(Promise);
      });
      await foreign(10);
      expect(heard).toEqual(['job']);
    }),
  );

  test(
    'in a callback of the loop gives a promise too',
    simulated(async () => {
      const job = createTask(() => sleep(5, 'job'));
      const heard: unknown[] = [];
      getRunningLoop().callSoon(() => {
        job.then((value) => heard.push(value));
      });
      await sleep(10);
      expect(heard).toEqual(['job']);
    }),
  );

  test(
    'in a generator coroutine gives a promise too',
    simulated(async () => {
      const heard: unknown[] = [];
      function* body() {
        const job: Task<string> = createTask(() => sleep(5, 'job'));
        job.then((value) => heard.push(value));
        heard.push(yield* sleep(1, 'slept'));
        yield* job;
        yield* sleep(0);
      }
      await createTask(body);
      expect(heard).toEqual(['slept', 'job']);
    }),
  );
});

describe('then, called on a timeout or a group', () => {
  const name = (error: unknown) => (error as Error).name;
  const calls: [what: string, call: (foreign: (seconds: number) => Promise<void>) => PromiseLike<unknown>][] = [
    ['a deadline that passes over an async body', () => timeout(1, () => sleepingFunction()).then(null, name)],
    ['a deadline that passes over a plain body', (foreign) => timeout(1, () => foreign(5)).then(null, name)],
    ['a deadline that is kept', (foreign) => timeout(5, async () => await foreign(1)).then(() => 'in time')],
    [
      'a group that fails',
      (foreign) => taskGroup(async () => await Promise.any([foreign(1)].slice(1))).then(null, name),
    ],
    [
      'a group that is cancelled',
      () =>
        taskGroup(async (g) => {
          g.cancel();
          await sleep(60);
        }).then(() => 'left'),
    ],
    ['a waitFor', (foreign) => waitFor(async () => await foreign(5), 1).then(null, name)],
  ];
  const moments = [
    ['on the stack of its first step', null],
    ['in the first step', async () => {}],
    ['after a step', () => sleep(1)],
  ] as const;

  for (const [what, call] of calls) {
    for (const [when, before] of moments) {
      test(
        `leaves the caller in its own scope, ${when}: ${what}`,
        simulated(async ({ foreign }) => {
          if (before !== null) await before();
          const { signal } = currentTask()!;
          const derived = call(foreign);
          expect(currentTask()!.signal === signal).toBe(true);
          await derived;
          expect(currentTask()!.signal === signal).toBe(true);
          expect(await sleep(1, 'went on')).toBe('went on');
          expect(await outcome(timeout(5, () => sleep(1, 'in time')))).toBe('in time');
          expect(currentTask()!.cancelling()).toBe(0);
        }),
      );
    }
  }
});

describe("a program's own class with a then", () => {
  /** Each brings 'value'. */
  const classes: [what: string, make: () => PromiseLike<unknown>][] = [
    [
      'that is an accessor',
      () =>
        new (class {
          get then(): PromiseLike<string>['then'] {
            const task = createTask(() => sleep(1, 'value'));
            return task.then.bind(task);
          }
        })(),
    ],
    [
      'that hands everything to a task',
      () => {
        const task = createTask(() => sleep(1, 'value'));
        return { then: (ok, failed) => task.then(ok, failed) };
      },
    ],
    ['that is a proxy of a promise', () => proxyOf(Promise.resolve('value'))],
    ['that is a proxy of a task', () => proxyOf(createTask(() => sleep(1, 'value')))],
  ];

  for (const [what, make] of classes) {
    test(
      `can be awaited, and called: ${what}`,
      simulated(async () => {
        expect(await make()).toBe('value');
        expect(await Promise.all([make(), sleep(2, 'slept')])).toEqual(['value', 'slept']);
        expect(await new Promise((resolve, reject) => make().then(resolve, reject))).toBe('value');
        expect(await gather(make(), () => sleep(1, 'slept'))).toEqual(['value', 'slept']);
        expect(await waitFor(make(), 10)).toBe('value');
        expect(await sleep(1, 'main went on')).toBe('main went on');
      }),
    );
  }

  const throwing = (error: unknown): PromiseLike<unknown> =>
    Object.defineProperty({}, 'then', {
      get() {
        throw error;
      },
    }) as PromiseLike<unknown>;

  test(
    'whose then cannot be read rejects the await, and affects nothing else',
    simulated(async () => {
      const error = new RangeError('then cannot be read');
      expect(await (async () => await throwing(error))().then(String, (thrown: unknown) => thrown)).toBe(error);
      const end = await Promise.all([outcome((async () => await throwing(error))()), sleep(1, 'slept')]);
      expect(end).toEqual(['RangeError', 'slept']);
    }),
  );

  test(
    'whose then throws when it is called rejects the await',
    simulated(async () => {
      const error = new RangeError('then cannot be called');
      const thing: PromiseLike<never> = {
        then() {
          throw error;
        },
      };
      expect(await (async () => await thing)().then(String, (thrown: unknown) => thrown)).toBe(error);
      expect(await outcome(timeout(1, async () => await thing))).toBe('RangeError');
      expect(await sleep(1, 'main went on')).toBe('main went on');
    }),
  );

  const takers: [name: string, take: (thing: PromiseLike<unknown>) => PromiseLike<unknown>][] = [
    ['wrapPromise', (thing) => wrapPromise(thing)],
    ['ensureFuture', (thing) => ensureFuture(thing)],
    ['shield', (thing) => shield(thing)],
    ['waitFor', (thing) => waitFor(thing, 5)],
    ['gather', (thing) => gather(thing, () => sleep(1))],
    ['a body of timeout', (thing) => timeout(5, () => thing)],
    ['a body of taskGroup', (thing) => taskGroup(() => thing)],
    ['a function of a task', (thing) => createTask(() => thing)],
  ];

  for (const [name, take] of takers) {
    test(
      `whose then cannot be read, or called, gives that error and affects nothing else: given to ${name}`,
      { timeout: 500 },
      simulated(async () => {
        const calling = {
          then(): never {
            throw new RangeError('of then');
          },
        };
        for (const thing of [calling, throwing(new RangeError('of then'))]) {
          const error: unknown = await (async () => await take(thing))().then(String, (thrown: unknown) => thrown);
          const own = error instanceof ExceptionGroup ? error.errors[0] : error;
          expect(own).toMatchObject({ name: 'RangeError', message: 'of then' });
          expect(await sleep(1, 'main went on')).toBe('main went on');
        }
        expect(currentTask()!.cancelling()).toBe(0);
      }),
    );
  }

  test(
    'that is thrown as an error fails the task with it, unread',
    simulated(async () => {
      const error = throwing(new RangeError('must not be read'));
      const task = createTask(async () => {
        await sleep(1);
        throw error;
      });
      await sleep(2);
      expect(task.exception() === error).toBe(true);
    }),
  );

  test(
    'does not spoil the awaits of its segment: a deadline beside it is kept',
    simulated(async () => {
      const reading = async () => {
        await outcome((async () => await throwing(new RangeError('then cannot be read')))());
        return await sleep(5, 'went on');
      };
      expect(await Promise.all([reading(), outcome(timeout(1, () => sleep(60)))])).toEqual(['went on', 'TimeoutError']);
    }),
  );

  test(
    'that is a subclass of Future, with a then of its own, is a future anyway',
    simulated(async () => {
      const calls: string[] = [];
      class Traced<T> extends Future<T> {
        override get then(): Future<T>['then'] {
          calls.push('then');
          return super.then;
        }
      }
      const future = new Traced<string>();
      getRunningLoop().callLater(1, () => future.setResult('value'));
      expect(await future).toBe('value');
      expect(calls).toEqual(['then']);
    }),
  );
});

describeBoth('a look at then', (s) => {
  test(
    'that is not followed by a call does not count for the await of another object',
    program(s, function* () {
      const lock = new Lock();
      yield* s.wait(lock.acquire());
      const [looked, job] = [createTask(() => sleep(60)), createTask(() => sleep(60))];
      const task = createTask(
        s.fn(function* () {
          void looked.then;
          yield* s.wait(job);
        }),
      );
      yield* s.wait(sleep(1));
      task.cancel();
      expect(yield* failure(s, task)).toMatchObject({ name: 'CancelledError' });
      expect([looked.done(), job.cancelled(), currentTask()!.cancelling()]).toEqual([false, true, 0]);
    }),
  );
});

async function sleepingFunction(): Promise<void> {
  await sleep(60);
}

function proxyOf<T>(target: PromiseLike<T>): PromiseLike<T> {
  return new Proxy(target, {
    get(object, name) {
      const value: unknown = Reflect.get(object, name, object);
      return typeof value === 'function' ? value.bind(object) : value;
    },
  });
}
