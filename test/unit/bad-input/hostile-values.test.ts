import {
  asCompleted,
  CancelledError,
  Condition,
  createTask,
  Future,
  gather,
  getRunningLoop,
  Lock,
  mapConcurrent,
  produce,
  shared,
  shield,
  sleep,
  type TaskGroup,
  taskGroup,
  timeout,
  wait,
  waitFor,
  wrapPromise,
} from 'asyncio-ts';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { describeBoth, runVirtually, type Spelling } from '../../support/spellings.ts';

/** Fails whatever is done to it. */
function throwingProxy(target: object): object {
  const fail = (): never => {
    throw new Error('the proxy was looked at');
  };
  const traps = ['get', 'has', 'getPrototypeOf', 'ownKeys', 'getOwnPropertyDescriptor', 'set', 'defineProperty'];
  return new Proxy(target, Object.fromEntries(traps.map((trap) => [trap, fail])));
}

function circular(): Error {
  const error = new Error('circular');
  error.cause = new Error('other', { cause: error });
  return error;
}

function unreadable(): Error {
  const fail = (): never => {
    throw new Error('not to be read');
  };
  return Object.defineProperties(new Error(), { message: { get: fail }, name: { get: fail }, cause: { get: fail } });
}

/** Values that programs, or attackers, throw, reject with and give as messages. */
const HOSTILE: Readonly<Record<string, () => unknown>> = {
  undefined: () => undefined,
  null: () => null,
  'an empty string': () => '',
  zero: () => 0,
  NaN: () => Number.NaN,
  'a symbol': () => Symbol('thrown'),
  'a bigint': () => 1n,
  'an arrow function': () => () => {},
  'a class of errors': () => RangeError,
  'a class that cannot be made': () =>
    class {
      constructor() {
        throw new Error('not to be made');
      }
    },
  'an object without a prototype': () => Object.create(null),
  'a frozen error': () => Object.freeze(new Error('frozen')),
  'an error in a circle of causes': circular,
  'an error that cannot be read': unreadable,
  'a proxy that throws': () => throwingProxy({}),
  'a proxy of an error that throws': () => throwingProxy(new Error('hidden')),
  'a proxy of a function that throws': () => throwingProxy(() => {}),
  'a revoked proxy': () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    return proxy;
  },
  'an object whose conversion throws': () => ({
    [Symbol.toPrimitive]() {
      throw new Error('not to be converted');
    },
  }),
  'an object with an endless iterator': () => ({ *[Symbol.iterator]() {} }),
};

const hostile = fc.constantFrom(...Object.keys(HOSTILE));

/** The ways in which the failure of some work reaches the code that waits for it. `expected` is what must arrive there. */
type Way = (s: Spelling, fail: () => unknown, now: () => never) => Generator<unknown, unknown, unknown>;

/** What a wait fails with. */
function* thrownBy(s: Spelling, awaitable: unknown): Generator<unknown, { readonly thrown: unknown }, unknown> {
  try {
    yield* s.wait(awaitable);
  } catch (thrown) {
    return { thrown };
  }
  throw new Error('it has not failed');
}

/** An error as it comes out of a group. */
function* fromGroup(s: Spelling, awaitable: unknown) {
  const { thrown } = yield* thrownBy(s, awaitable);
  return { thrown: (thrown as AggregateError).errors[0] as unknown };
}

const WAYS: Readonly<Record<string, Way>> = {
  'a task': (s, fail) => thrownBy(s, createTask(fail as never)),
  'a promise in a task': (s, _fail, now) =>
    thrownBy(
      s,
      createTask(() => Promise.resolve().then(now)),
    ),
  wrapPromise: (s, _fail, now) => thrownBy(s, wrapPromise(Promise.resolve().then(now))),
  'a gather of a rejection': (s, _fail, now) => thrownBy(s, gather([Promise.resolve().then(now), sleep(5)])),
  'a gather of functions': (s, fail) => thrownBy(s, gather([fail as never, sleep(5)])),
  *'a gather with returnExceptions'(s, fail) {
    const results = (yield* s.wait(gather([fail as never, sleep(0, 1)], { returnExceptions: true }))) as unknown[];
    expect(results[1]).toBe(1);
    return { thrown: results[0] };
  },
  shield: (s, fail) => thrownBy(s, shield(fail as never)),
  shared: (s, fail) => thrownBy(s, shared(fail as never)()),
  timeout: (s, fail) => thrownBy(s, timeout(9, fail as never)),
  waitFor: (s, fail) => thrownBy(s, waitFor(fail as never, 9)),
  *asCompleted(s, fail) {
    const [first] = asCompleted([createTask(fail as never)]);
    return yield* thrownBy(s, first);
  },
  *wait(s, fail) {
    const task = createTask(fail as never);
    yield* s.wait(wait([task]));
    return { thrown: task.exception() };
  },
  'a task of a group': (s, fail) =>
    fromGroup(
      s,
      taskGroup(
        s.fn(function* (group: TaskGroup) {
          group.createTask(fail as never);
          yield* s.wait(sleep(9));
        }),
      ),
    ),
  'the body of a group': (s, fail) => fromGroup(s, taskGroup(fail as never)),
  mapConcurrent: (s, fail) => thrownBy(s, mapConcurrent([1, 2], fail as never, { limit: 2 })),
  produce: (s, fail) => thrownBy(s, produce(fail as never).next()),
  'a lock': (s, fail) => thrownBy(s, new Lock().with(fail as never)),
  *'the condition of a wait'(s, _fail, now) {
    const condition = new Condition();
    const { thrown } = yield* thrownBy(
      s,
      condition.with(() => condition.waitFor(now)),
    );
    expect(condition.locked()).toBe(false);
    return { thrown };
  },
};

/** What arrives of a value that was thrown: an error for `undefined` and `null`, and every other value as it is. */
function arrives(thrown: unknown, value: unknown): boolean {
  if (value !== undefined && value !== null) return Object.is(thrown, value);
  return Object.is(thrown, value) || (thrown as { code?: unknown }).code === 'THREW_NOTHING';
}

describeBoth('whatever a program throws', (s) => {
  for (const [name, way] of Object.entries(WAYS)) {
    test(`arrives where ${name} is awaited, and nothing hangs or replaces it`, async () => {
      await fc.assert(
        fc.asyncProperty(hostile, fc.boolean(), async (kind, isLate) => {
          const value = HOSTILE[kind]!();
          const fail = s.fn(function* () {
            if (isLate) yield* s.wait(sleep(1));
            throw value;
          });
          // What calls back may not wait.
          const now = (): never => {
            throw value;
          };
          const main = s.fn(function* () {
            getRunningLoop().setExceptionHandler(() => {});
            return (yield* way(s, fail, now)) as { thrown: unknown };
          });
          const { result, seconds } = await runVirtually(main);
          expect(arrives(result.thrown, value)).toBe(true);
          expect(seconds).toBeLessThan(5);
        }),
        { numRuns: 60 },
      );
    });
  }

  test('is kept by a future that is set to it, a class as an error of that class', async () => {
    for (const make of Object.values(HOSTILE)) {
      const value = make();
      const main = s.fn(function* () {
        const future = new Future();
        future.setException(value);
        return yield* thrownBy(s, future);
      });
      const { result } = await runVirtually(main);
      if (value === RangeError) expect(result.thrown).toBeInstanceOf(RangeError);
      else expect(arrives(result.thrown, value)).toBe(true);
    }
  });

  test('can be reported by the loop when nothing waits for it', async () => {
    for (const make of Object.values(HOSTILE)) {
      const value = make();
      const told: unknown[] = [];
      const main = s.fn(function* () {
        const loop = getRunningLoop();
        loop.setExceptionHandler((_loop, context) => {
          told.push(context.exception);
          expect(String(context.future)).toContain('exception=');
        });
        createTask(
          s.fn(function* () {
            throw value;
          }),
        );
        yield* s.wait(sleep(2));
      });
      await runVirtually(main);
      expect(told).toHaveLength(1);
      expect(arrives(told[0], value)).toBe(true);
    }
  });
});

describeBoth('whatever is given as the message of a cancellation', (s) => {
  const TARGETS: Readonly<Record<string, () => unknown>> = {
    'a task that sleeps': () => sleep(60),
    'a task in a group': () => taskGroup(() => sleep(60)),
    'a task in a gather': () => gather([sleep(60), sleep(60)]),
    'a task at a shield': () => shield(() => sleep(2)),
    'a task at its own deadline': () => timeout(90, () => sleep(60)),
    'a task at a foreign promise': () => wrapPromise(new Promise(() => {})),
  };
  for (const [name, target] of Object.entries(TARGETS)) {
    test(`cancels ${name}, and is handed on as it is`, async () => {
      for (const make of Object.values(HOSTILE)) {
        const message = make();
        const main = s.fn(function* () {
          const task = createTask(
            s.fn(function* () {
              yield* s.wait(target());
            }),
          );
          yield* s.wait(sleep(1));
          expect(task.cancel(message)).toBe(true);
          return yield* thrownBy(s, task);
        });
        const { result } = await runVirtually(main);
        const error = result.thrown as CancelledError;
        expect(error).toBeInstanceOf(CancelledError);
        expect(typeof error.message).toBe('string');
        if (message !== undefined) expect(Object.is(error.args[0], message)).toBe(true);
      }
    });
  }
});
