import { coroutine, currentTask, EventLoop, Future, RuntimeError, sleep } from 'asyncio-ts';
import { VirtualHost } from 'asyncio-ts/testing';
import { describe, expect, test } from 'vitest';
import { program } from '../../support/programs.ts';
import { spellings } from '../../support/spellings.ts';

function* fetchUser() {
  yield* sleep(0);
}
const lazyUser = coroutine(fetchUser);

/** What a generator coroutine yields by mistake; the code of the error, and what its message names. */
const yields: Record<string, [make: () => unknown, code: string, ...says: string[]]> = {
  'a promise': [() => Promise.resolve(), 'BAD_YIELD', '<promise>', 'yield* wrapPromise(promise)'],
  'a number': [() => 42, 'BAD_YIELD', '42', 'yield* awaitable', 'bare `yield`'],
  'an array': [() => [1, 2], 'BAD_YIELD', '[1, 2]', 'yield* awaitable'],
  'a generator': [() => fetchUser(), 'YIELD_WITHOUT_STAR', 'generator', 'yield* f()'],
  'a coroutine of the library': [() => sleep(1), 'YIELD_WITHOUT_STAR', 'generator', 'yield* f()'],
  'a lazy coroutine': [() => lazyUser(), 'YIELD_WITHOUT_STAR', 'fetchUser()', 'yield* f()'],
  'a future': [() => new Future(), 'YIELD_WITHOUT_STAR', '<Future pending', 'yield* future'],
  'the task itself': [() => currentTask(), 'YIELD_WITHOUT_STAR', '<Task pending', 'yield* future'],
  'a future of another loop': [futureOfAnotherLoop, 'DIFFERENT_LOOP', '<Future pending', 'different loop'],
};

function futureOfAnotherLoop() {
  return new Future({ loop: new EventLoop({ host: new VirtualHost() }) });
}

describe('a generator coroutine that says yield where it means yield*', () => {
  const generators = spellings.find(({ name }) => name === 'generator')!;

  for (const [what, [make, code, ...says]] of Object.entries(yields)) {
    test(
      `with ${what} gets the error where it stands, and may go on`,
      program(generators, function* () {
        let error: unknown;
        try {
          yield make();
        } catch (caught) {
          error = caught;
        }
        expect(error).toBeInstanceOf(RuntimeError);
        expect(error).toMatchObject({ code });
        for (const part of says) expect((error as Error).message).toContain(part);
        yield* sleep(1);
      }),
    );
  }
});

describe('a generator coroutine that says yield* of a promise', () => {
  const promise = () => Promise.resolve(1) as unknown as Iterable<unknown>;
  const BODIES: Readonly<Record<string, () => Generator<unknown, unknown, unknown>>> = {
    *'of a variable'() {
      const variable = promise();
      yield* variable;
    },
    *'of a call'() {
      yield* promise();
    },
    *'in what it delegates to'() {
      yield* (function* () {
        yield* promise();
      })();
    },
    *'after a wait'() {
      yield* sleep(1);
      yield* promise();
    },
  };

  test.each(Object.entries(BODIES))('throws an error that says what to write, once: %s', async (_where, body) => {
    const loop = new EventLoop({ host: new VirtualHost() });
    const error = (await loop.runUntilComplete(body).catch((thrown: unknown) => thrown)) as TypeError;
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message.match(/yield\* wrapPromise\(promise\)/g)).toHaveLength(1);
    expect(error.stack).toContain('yield* wrapPromise(promise)');
    loop.close();
  });

  test('changes no other error of the program', async () => {
    const loop = new EventLoop({ host: new VirtualHost() });
    const errors = [
      new TypeError('is not iterable'),
      Object.freeze(new TypeError('object is not iterable')),
      new Error('x'),
    ];
    for (const error of errors) {
      const { message } = error;
      const body = function* (): Generator<unknown, unknown, unknown> {
        throw error;
      };
      expect(await loop.runUntilComplete(body).catch((thrown: unknown) => thrown)).toBe(error);
      expect(error.message).toBe(message);
    }
    loop.close();
  });
});
