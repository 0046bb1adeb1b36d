import timers from 'node:timers/promises';
import {
  CancelledError,
  createTask,
  currentSignal,
  gather,
  getRunningLoop,
  rethrowIfCancelled,
  shield,
  sleep,
  TimeoutError,
  taskGroup,
  timeout,
  waitFor,
} from 'asyncio-ts';
import { describe, expect, test } from 'vitest';
import { failure, program } from '../../support/programs.ts';
import { outcome, simulated } from '../../support/simulated-runtime.ts';
import { describeBoth } from '../../support/spellings.ts';

/** R11: a cancellation in disguise is recognised everywhere it matters. */

const abortError = (cause: unknown) => Object.assign(new Error('aborted', { cause }), { name: 'AbortError' });
const suppressed = (error: unknown) =>
  Object.assign(new Error('suppressed'), { name: 'SuppressedError', error, suppressed: new RangeError('another') });

/** What others make of a cancellation, and what counts as one. */
const disguises: [what: string, disguise: (cancellation: unknown) => unknown][] = [
  ['an AbortError that it caused', abortError],
  ['an AbortError of an AbortError', (error) => abortError(abortError(error))],
  ['an AggregateError of nothing else', (error) => new AggregateError([error, new CancelledError('another')])],
  ['an AggregateError of disguises', (error) => new AggregateError([abortError(error), suppressed(error)])],
  ['a SuppressedError of it', suppressed],
  ['a SuppressedError of an AggregateError', (error) => suppressed(new AggregateError([error]))],
  ['a frozen one', (error) => Object.freeze(abortError(Object.freeze(error)))],
];

/** What contains a cancellation and is none. */
const others: [what: string, make: (cancellation: unknown) => unknown][] = [
  ['an error that it caused', (error) => new RangeError('made of it', { cause: error })],
  ['an AggregateError of other errors as well', (error) => new AggregateError([error, new RangeError('one')])],
  ['an AggregateError of nothing', () => new AggregateError([])],
  ['an AbortError without a cause', () => abortError(undefined)],
  ['an AbortError of another error', () => abortError(new RangeError('one'))],
  ['an AbortError that is its own cause', () => circular()],
  [
    'a SuppressedError that has suppressed it',
    (error) => Object.assign(suppressed(new RangeError('one')), { suppressed: error }),
  ],
];

function circular(): Error {
  const error = abortError(undefined);
  error.cause = abortError(error);
  return error;
}

describeBoth('a cancellation in disguise', (s) => {
  /** Waits, and throws another error that has the cancellation inside. */
  const disguised = (disguise: (cancellation: unknown) => unknown) =>
    s.fn(function* (): Generator<unknown, void, unknown> {
      throw disguise(yield* failure(s, sleep(60)));
    });

  for (const [what, disguise] of disguises) {
    const body = disguised(disguise);

    test(
      `is the end of a task: ${what}`,
      program(s, function* () {
        const task = createTask(body);
        yield* s.wait(sleep(1));
        task.cancel();
        expect(yield* failure(s, task)).toMatchObject({ name: 'CancelledError' });
        expect(task.cancelled()).toBe(true);
      }),
    );

    test(
      `is the end of a deadline, and of a waitFor: ${what}`,
      program(s, function* () {
        expect(yield* failure(s, timeout(1, body))).toMatchObject({
          name: 'TimeoutError',
          cause: { name: 'CancelledError' },
        });
        expect(yield* failure(s, waitFor(body, 1))).toMatchObject({
          name: 'TimeoutError',
          cause: { name: 'CancelledError' },
        });
      }),
    );

    test(
      `is not a failure of a group’s child, nor of its body: ${what}`,
      program(s, function* () {
        yield* s.wait(
          taskGroup(
            s.fn(function* (group) {
              const child = group.createTask(body);
              yield* s.wait(sleep(1));
              child.cancel();
            }),
          ),
        );
        yield* s.wait(
          taskGroup(
            s.fn(function* (group) {
              getRunningLoop().callLater(1, () => group.cancel());
              yield* s.wait(timeout(null, body));
            }),
          ),
        );
      }),
    );

    test(
      `is a cancelled group’s: ${what}`,
      program(s, function* () {
        const task = createTask(
          s.fn(function* () {
            yield* s.wait(
              taskGroup(
                s.fn(function* (group) {
                  group.createTask(body);
                  yield* s.wait(timeout(null, body));
                }),
              ),
            );
          }),
        );
        yield* s.wait(sleep(1));
        task.cancel();
        expect(yield* failure(s, task)).toMatchObject({ name: 'CancelledError' });
        expect(task.cancelled()).toBe(true);
      }),
    );

    test(
      `is a cancellation for gather and for shield: ${what}`,
      program(s, function* () {
        const children = [createTask(body), createTask(body)];
        const gathering = createTask(
          s.fn(function* () {
            yield* s.wait(gather(children));
          }),
        );
        yield* s.wait(sleep(1));
        gathering.cancel();
        expect(yield* failure(s, gathering)).toMatchObject({ name: 'CancelledError' });
        expect([gathering.cancelled(), ...children.map((child) => child.cancelled())]).toEqual([true, true, true]);

        const inner = createTask(body);
        const outer = shield(inner);
        yield* s.wait(sleep(1));
        inner.cancel();
        expect(yield* failure(s, outer)).toMatchObject({ name: 'CancelledError' });
        expect(outer.cancelled()).toBe(true);
      }),
    );

    test(
      `is thrown on by rethrowIfCancelled: ${what}`,
      program(s, function* () {
        const error = disguise(new CancelledError('it'));
        expect(() => rethrowIfCancelled(error)).toThrow(error as Error);
        yield* s.wait(sleep(0));
      }),
    );
  }

  for (const [what, make] of others) {
    test(
      `is not seen where there is none: ${what}`,
      program(s, function* () {
        const body = disguised(make);
        const error = yield* failure(s, timeout(1, body));
        expect(error).not.toBeInstanceOf(TimeoutError);
        expect(error).not.toBeInstanceOf(CancelledError);
        const task = createTask(body);
        yield* s.wait(sleep(1));
        task.cancel();
        yield* failure(s, task);
        expect(task.cancelled()).toBe(false);
        rethrowIfCancelled(make(new CancelledError()));
      }),
    );
  }
});

describe('what the platform makes of a cancellation', () => {
  const nap = () => timers.setTimeout(1_000_000, undefined, { signal: currentSignal() });

  test(
    'ends a deadline, a waitFor, a group and a task as it would itself',
    simulated(async () => {
      expect(await outcome(timeout(1, async () => await nap()))).toBe('TimeoutError');
      expect(await outcome(waitFor(async () => await nap(), 1))).toBe('TimeoutError');
      for (const body of [async () => await nap(), async () => await taskGroup(async () => await nap())]) {
        const task = createTask(body);
        await sleep(1);
        task.cancel();
        await outcome(task);
        expect(task.cancelled()).toBe(true);
      }
    }),
  );

  test(
    'of several branches by Promise.any is one',
    simulated(async () => {
      expect(await outcome(timeout(1, () => Promise.any([sleep(60), sleep(50)])))).toBe('TimeoutError');
      const task = createTask(() => Promise.any([nap(), sleep(60), timeout(50, () => sleep(60))]));
      await sleep(1);
      task.cancel();
      await outcome(task);
      expect(task.cancelled()).toBe(true);
    }),
  );

  test(
    'in a loop of tries ends the loop, with rethrowIfCancelled',
    simulated(async () => {
      let tries = 0;
      const task = createTask(async () => {
        for (let i = 0; i < 3; i++) {
          try {
            tries++;
            await nap();
          } catch (error) {
            rethrowIfCancelled(error);
          }
        }
      });
      await sleep(1);
      task.cancel();
      await outcome(task);
      expect([tries, task.cancelled()]).toEqual([1, true]);
    }),
  );
});

describe('the chain of causes of an error that a body throws after its deadline', () => {
  const thrownBy = async (make: (cancellation: unknown) => unknown): Promise<unknown> => {
    const body = async () => {
      try {
        await sleep(60);
      } catch (error) {
        throw make(error);
      }
    };
    return await timeout(1, body).then(String, (error: unknown) => error);
  };

  test(
    'has the TimeoutError before the cancellation, as in CPython',
    simulated(async () => {
      const error = await thrownBy((cause) => new RangeError('one', { cause: new RangeError('two', { cause }) }));
      expect(error).toMatchObject({
        message: 'one',
        cause: { message: 'two', cause: { name: 'TimeoutError', cause: { name: 'CancelledError' } } },
      });
    }),
  );

  test(
    'may be circular: each error is looked at once',
    simulated(async () => {
      const one = new RangeError('one');
      one.cause = new RangeError('two', { cause: one });
      expect(await thrownBy(() => one)).toBe(one);
    }),
  );

  test(
    'may be frozen: it is left as it is',
    simulated(async () => {
      const error = await thrownBy((cause) => Object.freeze(new RangeError('frozen', { cause })));
      expect(error).toMatchObject({ message: 'frozen', cause: { name: 'CancelledError' } });
    }),
  );

  test(
    'is explained once, by the innermost of nested deadlines',
    simulated(async () => {
      const inner = async () => {
        try {
          await timeout(1, () => sleep(60));
        } catch (cause) {
          throw new RangeError('one', { cause });
        }
      };
      const error = await timeout(50, inner).then(String, (thrown: unknown) => thrown);
      expect(error).toMatchObject({ cause: { name: 'TimeoutError', cause: { name: 'CancelledError' } } });
    }),
  );

  test(
    'may throw when it is looked at',
    simulated(async () => {
      const hostile = new Proxy(new RangeError('hostile'), {
        get(_target, key) {
          // What an async function rejects with is asked for nothing; what it resolves with is asked for this.
          if (key === 'then') return undefined;
          throw new Error('must not be looked at');
        },
        getPrototypeOf() {
          throw new Error('must not be looked at');
        },
      });
      expect((await thrownBy(() => hostile)) === hostile).toBe(true);
    }),
  );
});
