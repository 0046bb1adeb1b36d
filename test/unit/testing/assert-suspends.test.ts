import { createTask, Event, Lock, Queue, Semaphore, sleep, taskGroup, timeout, wrapPromise } from 'asyncio-ts';
import { assertDoesNotSuspend, assertSuspends, runVirtual } from 'asyncio-ts/testing';
import { describe, expect, test } from 'vitest';
import { describeBoth, type Spelling } from '../../support/spellings.ts';

type Wait = (s: Spelling) => Generator<unknown, unknown, unknown>;

const SUSPENDS: Record<string, Wait> = {
  'sleep(0)': function* (s) {
    return yield* s.wait(sleep(0));
  },
  'sleep(1)': function* (s) {
    return yield* s.wait(sleep(1));
  },
  'a wait for an event': function* (s) {
    const event = new Event();
    createTask(async () => event.set());
    return yield* s.wait(event.wait());
  },
  'a lock that another task holds': function* (s) {
    const lock = new Lock();
    const holder = createTask(async () => await lock.with(() => sleep(1)));
    yield* s.wait(sleep(0));
    return yield* s.wait(lock.with(async () => await holder));
  },
  'a wait after many that did not suspend': function* (s) {
    for (let i = 0; i < 5; i++) yield* s.wait(new Semaphore(1).acquire());
    return yield* s.wait(sleep(0));
  },
  'a promise': function* (s) {
    return yield* s.wait(wrapPromise(new Promise((resolve) => setImmediate(resolve))));
  },
};

const DOES_NOT: Record<string, Wait> = {
  'a body without a wait': function* () {
    return 1;
  },
  'a free lock': function* (s) {
    return yield* s.wait(new Lock().acquire());
  },
  'an event that is set': function* (s) {
    const event = new Event();
    event.set();
    return yield* s.wait(event.wait());
  },
  'an item that is there': function* (s) {
    const queue = new Queue<number>();
    queue.putNowait(1);
    return yield* s.wait(queue.get());
  },
};

const fails = (assertion: PromiseLike<unknown> | (() => PromiseLike<unknown>)): Promise<unknown> =>
  Promise.resolve(typeof assertion === 'function' ? assertion() : assertion).then(
    () => 'it did not fail',
    (error: unknown) => (error as { code?: string }).code,
  );

describeBoth('assertSuspends', (s) => {
  test.each(Object.entries(SUSPENDS))('passes for %s, which assertDoesNotSuspend refuses', async (_what, body) => {
    const fn = s.fn(() => body(s));
    await runVirtual(
      s.fn(function* () {
        yield* s.wait(assertSuspends(fn));
      }),
    );
    expect(
      await fails(
        runVirtual(
          s.fn(function* () {
            yield* s.wait(assertDoesNotSuspend(fn));
          }),
        ),
      ),
    ).toBe('SUSPENDED');
  });

  test.each(Object.entries(DOES_NOT))('refuses %s, for which assertDoesNotSuspend passes', async (_what, body) => {
    const fn = s.fn(() => body(s));
    await runVirtual(
      s.fn(function* () {
        yield* s.wait(assertDoesNotSuspend(fn));
      }),
    );
    expect(
      await fails(
        runVirtual(
          s.fn(function* () {
            yield* s.wait(assertSuspends(fn));
          }),
        ),
      ),
    ).toBe('NOT_SUSPENDED');
  });

  test('gives what the function returns', async () => {
    const main = s.fn(function* () {
      const one = yield* s.wait(assertSuspends(() => sleep(1, 'slept')));
      const other = yield* s.wait(
        assertDoesNotSuspend(
          s.fn(function* () {
            return 'at once';
          }),
        ),
      );
      return [one, other];
    });
    expect(await runVirtual(main, { failOnLeaks: true })).toEqual(['slept', 'at once']);
  });

  test('passes an error of the function on; assertDoesNotSuspend still tells that it has suspended', async () => {
    const failing = s.fn(function* () {
      yield* s.wait(sleep(1));
      throw new RangeError('too far');
    });
    const at = (assertion: typeof assertSuspends) =>
      runVirtual(
        s.fn(function* () {
          yield* s.wait(assertion(failing));
        }),
      );
    await expect(at(assertSuspends)).rejects.toThrow(RangeError);
    await expect(at(assertDoesNotSuspend)).rejects.toMatchObject({
      code: 'SUSPENDED',
      cause: new RangeError('too far'),
    });
  });

  test('sees cancellations and deadlines go through', async () => {
    const main = s.fn(function* () {
      yield* s.wait(
        timeout(
          1,
          s.fn(function* () {
            yield* s.wait(assertSuspends(() => new Event().wait()));
          }),
        ),
      );
    });
    await expect(runVirtual(main)).rejects.toMatchObject({ name: 'TimeoutError' });
  });
});

describe('assertSuspends', () => {
  test('takes constructs, as functions that return them', async () => {
    await runVirtual(async () => {
      await assertSuspends(() => taskGroup(async (group) => void group.createTask(() => sleep(0))));
      await assertDoesNotSuspend(() => new Lock().acquire());
    });
  });

  test('takes functions only', () => {
    const promise = Promise.resolve() as unknown;
    expect(() => assertSuspends(promise as () => Promise<void>)).toThrow('write assertSuspends(() => …)');
  });
});
