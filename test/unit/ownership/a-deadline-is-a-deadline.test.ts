import {
  createTask,
  currentTask,
  Future,
  gather,
  getRunningLoop,
  sleep,
  type Task,
  TimeoutError,
  taskGroup,
  timeout,
  timeoutAt,
  waitFor,
  wrapPromise,
} from 'asyncio-ts';
import { describe, expect, test } from 'vitest';
import { failure, program } from '../../support/programs.ts';
import { outcome, simulate, simulated } from '../../support/simulated-runtime.ts';
import { describeBoth } from '../../support/spellings.ts';

/** R9: a deadline is a deadline; a body is left at once, or waited for, and its result is no success when it comes too late. */

describeBoth('a deadline', (s) => {
  test(
    'is over when the clean-up of its body is',
    program(s, function* () {
      const log: string[] = [];
      const body = s.fn(function* () {
        try {
          yield* s.wait(sleep(60));
        } finally {
          yield* s.wait(sleep(2));
          log.push('cleaned up');
        }
      });
      expect(yield* failure(s, timeout(1, body))).toBeInstanceOf(TimeoutError);
      expect([log, getRunningLoop().time()]).toEqual([['cleaned up'], 3]);
    }),
  );

  test(
    'is refused by a body that received the CancelledError and returned anyway, as in CPython',
    program(s, function* () {
      const body = s.fn(function* () {
        yield* failure(s, sleep(60));
        yield* s.wait(sleep(2));
        return 'refused';
      });
      expect(yield* s.wait(timeout(1, body))).toBe('refused');
      expect([currentTask()!.cancelling(), getRunningLoop().time()]).toEqual([0, 3]);
    }),
  );

  test(
    'lets an error pass that the body has made of the cancellation',
    program(s, function* () {
      const body = s.fn(function* (): Generator<unknown, void, unknown> {
        const cancellation = yield* failure(s, sleep(60));
        throw new RangeError('made of it', { cause: cancellation });
      });
      const error = yield* failure(s, timeout(1, body));
      expect(error).toMatchObject({ name: 'RangeError', cause: { name: 'TimeoutError' } });
    }),
  );

  test(
    'in the past lets the body run to its first suspension',
    program(s, function* () {
      const log: string[] = [];
      const body = s.fn(function* () {
        log.push('began');
        yield* s.wait(sleep(60));
        log.push('never');
      });
      for (const limit of [timeout(0, body), timeout(-1, body), timeoutAt(-5, body)])
        expect(yield* failure(s, limit)).toBeInstanceOf(TimeoutError);
      expect([log, getRunningLoop().time()]).toEqual([['began', 'began', 'began'], 0]);
    }),
  );

  test(
    'is kept for awaitables of the library that a plain body returns, which are cancelled',
    program(s, function* () {
      const [future, task] = [new Future<void>(), createTask(() => sleep(60))];
      expect(
        yield* failure(
          s,
          timeout(1, () => future),
        ),
      ).toBeInstanceOf(TimeoutError);
      expect(
        yield* failure(
          s,
          timeout(1, () => task),
        ),
      ).toBeInstanceOf(TimeoutError);
      expect(
        yield* failure(
          s,
          timeout(1, () => sleep(60)),
        ),
      ).toBeInstanceOf(TimeoutError);
      expect([future.cancelled(), task.cancelled(), getRunningLoop().time()]).toEqual([true, true, 3]);
    }),
  );
});

describe('a plain body', () => {
  const constructs: [name: string, within: (seconds: number, body: () => Promise<unknown>) => PromiseLike<unknown>][] =
    [
      ['timeout', (seconds, body) => timeout(seconds, body)],
      ['timeoutAt', (seconds, body) => timeoutAt(getRunningLoop().time() + seconds, body)],
      ['waitFor', (seconds, body) => waitFor(body, seconds)],
      ['waitFor of the promise', (seconds, body) => waitFor(body(), seconds)],
    ];

  for (const [name, within] of constructs) {
    test(
      `whose promise has begun no wait of the library is left at once: ${name}`,
      simulated(async ({ foreign }) => {
        const promise = foreign(5, 'rows');
        expect(await outcome(within(1, () => promise))).toBe('TimeoutError');
        expect(getRunningLoop().time()).toBe(1);
        expect(currentTask()!.cancelling()).toBe(0);
        expect(await promise).toBe('rows');
      }),
    );

    test(
      `that is in time gives its result, or its error: ${name}`,
      simulated(async ({ foreign, foreignFailure }) => {
        expect(await within(5, () => foreign(1, 'rows'))).toBe('rows');
        expect(await outcome(within(5, () => foreignFailure(1, new RangeError('no rows'))))).toBe('RangeError');
      }),
    );

    test(
      `that fails after its deadline is not reported: ${name}`,
      simulated(async ({ foreignFailure, foreign }) => {
        expect(await outcome(within(1, () => foreignFailure(5, new RangeError('too late'))))).toBe('TimeoutError');
        await foreign(10);
      }),
    );
  }

  test(
    'that has begun a wait of the library when the deadline comes is waited for, with its clean-up',
    simulated(async () => {
      const log: string[] = [];
      const work = async () => {
        try {
          await sleep(60);
        } finally {
          await sleep(2);
          log.push('cleaned up');
        }
      };
      expect(await outcome(timeout(1, () => work()))).toBe('TimeoutError');
      expect([log, getRunningLoop().time()]).toEqual([['cleaned up'], 3]);
    }),
  );

  test(
    'is asked about at the deadline, not when it returned: one that came to the library meanwhile is waited for',
    simulated(async ({ foreign }) => {
      const log: string[] = [];
      const work = async () => {
        await foreign(0.5);
        try {
          await sleep(60);
        } finally {
          await sleep(2);
          log.push('cleaned up');
        }
      };
      expect(await outcome(timeout(1, () => work()))).toBe('TimeoutError');
      expect([log, getRunningLoop().time()]).toEqual([['cleaned up'], 3]);
    }),
  );

  test(
    'whose function is at a foreign promise again after a wait of the library is waited for',
    simulated(async ({ foreign }) => {
      const work = async () => {
        await sleep(0.5);
        await foreign(5);
        return 'late';
      };
      const error = await timeout(1, () => work()).then(String, (thrown: unknown) => thrown);
      expect(error).toMatchObject({ name: 'TimeoutError', late: 'late' });
      expect(getRunningLoop().time()).toBe(5.5);
    }),
  );

  test(
    'is left by the cancellation of its task as well, and by that of a group',
    simulated(async ({ foreign }) => {
      const task = createTask(() => timeout(50, () => foreign(20)));
      await sleep(1);
      task.cancel();
      expect(await outcome(task)).toBe('CancelledError');
      expect(getRunningLoop().time()).toBe(1);
    }),
  );

  test(
    'is one of several that are left side by side',
    simulated(async ({ foreign }) => {
      const ends = await Promise.all([1, 2, 30].map((seconds) => outcome(timeout(seconds, () => foreign(10, 'rows')))));
      expect(ends).toEqual(['TimeoutError', 'TimeoutError', 'rows']);
      expect(getRunningLoop().time()).toBe(10);
    }),
  );

  test(
    'inside deadlines of other plain bodies: the innermost that has passed is left, and the others go on',
    simulated(async ({ foreign }) => {
      const end = await timeout(20, async () => [
        await outcome(timeout(1, () => foreign(10))),
        await foreign(2, 'rows'),
      ]);
      expect(end).toEqual(['TimeoutError', 'rows']);
      expect(getRunningLoop().time()).toBe(3);
    }),
  );
});

describe('an async body at a foreign promise', () => {
  test(
    'is waited for, and its value is too late',
    simulated(async ({ foreign }) => {
      const error = await timeout(1, async () => await foreign(5, 'rows')).then(String, (thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(TimeoutError);
      expect(error).toMatchObject({ late: 'rows' });
      expect(getRunningLoop().time()).toBe(5);
      expect(currentTask()!.cancelling()).toBe(0);
    }),
  );

  test(
    'is cancelled at its next await of the library',
    simulated(async ({ foreign }) => {
      const log: string[] = [];
      const body = async () => {
        await foreign(5);
        log.push('came back');
        await sleep(1);
        log.push('never');
      };
      expect(await outcome(timeout(1, body))).toBe('TimeoutError');
      expect([log, getRunningLoop().time()]).toEqual([['came back'], 5]);
    }),
  );

  test(
    'that fails with an error of its own lets it pass',
    simulated(async ({ foreignFailure }) => {
      expect(await outcome(timeout(1, async () => await foreignFailure(5, new RangeError('no rows'))))).toBe(
        'RangeError',
      );
    }),
  );

  test(
    'that wraps its promise is left at once',
    simulated(async ({ foreign }) => {
      expect(await outcome(timeout(1, async () => await wrapPromise(foreign(5))))).toBe('TimeoutError');
      expect(getRunningLoop().time()).toBe(1);
    }),
  );

  test(
    'inside an inner deadline that is in time is reported by the outer one',
    simulated(async ({ foreign }) => {
      const body = async () => await timeout(50, async () => await foreign(5, 'rows'));
      const error = await timeout(1, body).then(String, (thrown: unknown) => thrown);
      expect(error).toMatchObject({ name: 'TimeoutError', late: 'rows' });
    }),
  );

  test(
    'is reported in debug mode, with the place, once',
    simulated(
      async ({ foreign, warnings }) => {
        const limited = () => timeout(1, async () => await foreign(5, 'rows'));
        for (let i = 0; i < 3; i++) expect(await outcome(limited())).toBe('TimeoutError');
        expect(warnings.splice(0)).toEqual([
          expect.stringMatching(
            /^timeout\(1 s\) of .* has passed while its body waited for a promise that this library did not make[\s\S]*a-deadline-is\S*:\d+/,
          ),
        ]);
      },
      { debug: true },
    ),
  );
});

describe('a body that awaits the promise of a line outside it', () => {
  test(
    'is not told of its deadline by what that line was told of',
    simulated(async () => {
      const failing = async () => {
        await sleep(2);
        throw new RangeError('of a child');
      };
      // The group tells this line of the failure of its child. That is not the deadline, which the line is not inside of.
      const shared = (async () => await outcome(taskGroup(async (group) => void group.createTask(failing))))();
      const body = async () => await shared;
      expect(await outcome(timeout(1, body))).toBe('TimeoutError');
      expect(getRunningLoop().time()).toBe(2);
    }),
  );

  test(
    'is told of it at its next await',
    simulated(async () => {
      const log: string[] = [];
      const shared = (async () => await outcome(timeout(2, () => sleep(60))))();
      const body = async () => {
        log.push(String(await shared));
        await sleep(1);
        log.push('never');
      };
      expect(await outcome(timeout(1, body))).toBe('TimeoutError');
      expect([log, getRunningLoop().time()]).toEqual([['TimeoutError'], 2]);
    }),
  );
});

describe('the mode of a body', () => {
  test('costs no iteration: a body that is followed ends when its caller would have ended', async () => {
    const order = async (first: () => PromiseLike<unknown>) => {
      const log: string[] = [];
      await simulate(async () => {
        const one: Task<unknown> = createTask(async () => {
          await first();
          log.push('one');
        });
        const other = createTask(async () => {
          for (let i = 0; i < 5; i++) {
            await sleep(0);
            log.push(`other ${i}`);
          }
        });
        await gather(one, other);
      });
      return log;
    };
    const steps = async () => {
      await sleep(0);
      await sleep(0);
    };
    const bare = await order(steps);
    expect(await order(() => timeout(5, steps))).toEqual(bare);
    expect(await order(() => timeout(5, () => steps()))).toEqual(bare);
    expect(await order(() => waitFor(steps, 5))).toEqual(bare);
  });
});
