import {
  ALL_COMPLETED,
  CancelledError,
  createTask,
  FIRST_COMPLETED,
  FIRST_EXCEPTION,
  Future,
  getRunningLoop,
  sleep,
  type Task,
  wait,
} from 'asyncio-ts';
import { expect, test } from 'vitest';
import { failure, iterations, names, program, thrownBy } from '../../support/programs.ts';
import { describeBoth, type Spelling } from '../../support/spellings.ts';

/** A task that takes a while. */
function sleeper(name: string, seconds: number): Task<string> {
  return createTask(sleep(seconds, name), { name });
}

/** A task that fails after a while. */
function failing(s: Spelling, seconds: number): Task<never> {
  const body = s.fn(function* () {
    yield* s.wait(sleep(seconds));
    throw new Error(`after ${seconds}`);
  });
  return createTask(body, { name: 'failing' });
}

describeBoth('wait', (s) => {
  test(
    'returns when all are done, by default',
    program(s, function* () {
      const [a, b] = [sleeper('a', 3), sleeper('b', 1)];
      const { done, pending } = yield* s.wait(wait([a, b]));
      expect(names(done)).toEqual(['a', 'b']);
      expect(pending.size).toBe(0);
      expect(getRunningLoop().time()).toBe(3);
      expect((yield* s.wait(wait([a, b], { returnWhen: ALL_COMPLETED }))).done.size).toBe(2);
    }),
  );

  test(
    'returns with FIRST_COMPLETED when one is done, and leaves the others alone',
    program(s, function* () {
      const [a, b] = [sleeper('a', 3), sleeper('b', 1)];
      const { done, pending } = yield* s.wait(wait([a, b], { returnWhen: FIRST_COMPLETED }));
      expect(names(done)).toEqual(['b']);
      expect(names(pending)).toEqual(['a']);
      expect(getRunningLoop().time()).toBe(1);
      expect(yield* s.wait(a)).toBe('a');
    }),
  );

  test(
    'returns with FIRST_EXCEPTION when one has failed, and not when one was cancelled',
    program(s, function* () {
      const [cancelled, slow] = [sleeper('cancelled', 60), sleeper('slow', 3)];
      getRunningLoop().callLater(1, () => cancelled.cancel());
      const { done, pending } = yield* s.wait(wait([cancelled, failing(s, 2), slow], { returnWhen: FIRST_EXCEPTION }));
      expect(getRunningLoop().time()).toBe(2);
      expect(names(done)).toEqual(['cancelled', 'failing']);
      expect(names(pending)).toEqual(['slow']);
      yield* s.wait(slow);
    }),
  );

  test(
    'returns with FIRST_EXCEPTION when all are done, when none fails',
    program(s, function* () {
      const tasks = [sleeper('a', 3), sleeper('b', 1)];
      const { pending } = yield* s.wait(wait(tasks, { returnWhen: FIRST_EXCEPTION }));
      expect(pending.size).toBe(0);
      expect(getRunningLoop().time()).toBe(3);
    }),
  );

  test(
    'raises no error, neither at the timeout nor for a failure',
    program(s, function* () {
      const [early, late] = [failing(s, 1), sleeper('late', 3)];
      const [done, pending] = yield* s.wait(wait([early, late], { timeout: 2 }));
      expect(names(done)).toEqual(['failing']);
      expect(names(pending)).toEqual(['late']);
      expect(getRunningLoop().time()).toBe(2);
      expect(early.exception()).toMatchObject({ message: 'after 1' });
      expect(yield* s.wait(late)).toBe('late');
    }),
  );

  test(
    'returns two sets, by name and by position',
    program(s, function* () {
      const result = yield* s.wait(wait([sleeper('a', 1)]));
      expect(result[0]).toBe(result.done);
      expect(result[1]).toBe(result.pending);
      expect(result.done).toBeInstanceOf(Set);
    }),
  );

  test(
    'gives what is done in the order of the arguments, duplicates once',
    program(s, function* () {
      const [a, b, c] = [sleeper('a', 3), sleeper('b', 1), sleeper('c', 2)];
      const { done } = yield* s.wait(wait([c, a, c, b]));
      expect(names(done)).toEqual(['c', 'a', 'b']);
    }),
  );

  test(
    'cancels none of them when it is cancelled itself',
    program(s, function* () {
      const child = sleeper('child', 5);
      const waiter = createTask(wait([child]));
      yield* iterations(s, 2);
      waiter.cancel();
      expect(yield* failure(s, waiter)).toBeInstanceOf(CancelledError);
      expect(yield* s.wait(child)).toBe('child');
    }),
  );

  test(
    'costs two iterations also when all are done',
    program(s, function* () {
      const done = new Future<void>();
      done.setResult();
      let passed = 0;
      createTask(
        s.fn(function* () {
          for (; ; passed++) yield* s.wait(sleep(0));
        }),
      );
      yield* iterations(s, 1);
      const before = passed;
      yield* s.wait(wait([done]));
      expect(passed - before).toBe(2);
    }),
  );

  test(
    'refuses nothing to wait for, and values that are not futures, at once',
    program(s, function* () {
      const fn = s.fn(function* () {});
      expect(thrownBy(() => wait([]))).toMatchObject({ name: 'ValueError', code: 'NOTHING_TO_WAIT_FOR' });
      expect(thrownBy(() => wait([sleep(1)] as never))).toBeInstanceOf(TypeError);
      expect(thrownBy(() => wait([fn] as never))).toMatchObject({ message: expect.stringContaining('createTask(') });
      expect(thrownBy(() => wait(new Future() as never))).toBeInstanceOf(TypeError);
      expect(thrownBy(() => wait([new Future()], { returnWhen: 'SOME' as never }))).toMatchObject({
        name: 'ValueError',
      });
    }),
  );
});
