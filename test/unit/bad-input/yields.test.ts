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
