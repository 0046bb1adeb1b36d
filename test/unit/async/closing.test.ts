import {
  CancelledError,
  type Coroutine,
  createTask,
  gather,
  getRunningLoop,
  sleep,
  TimeoutError,
  timeout,
  waitFor,
} from 'asyncio-ts';
import { describe, expect, test } from 'vitest';
import { failure } from '../../support/programs.ts';
import { describeBoth, runVirtually } from '../../support/spellings.ts';

/** A coroutine that notes which of its methods are called to resume it. */
function noting(body: Coroutine<unknown>): { coroutine: Coroutine<unknown>; calls: string[] } {
  const calls: string[] = [];
  const coroutine: Coroutine<unknown> = {
    next: (value) => {
      calls.push('next');
      return body.next(value);
    },
    throw: (error) => {
      calls.push('throw');
      return body.throw(error);
    },
    return: (value) => {
      calls.push('return');
      return body.return(value);
    },
    [Symbol.iterator]: () => coroutine,
  };
  return { coroutine, calls };
}

describe('a cancellation of a generator coroutine', () => {
  const ways = {
    'task.cancel()': async (coroutine: Coroutine<unknown>) => {
      const main = async () => {
        const task = createTask(coroutine);
        await sleep(1);
        task.cancel();
        await expect(task).rejects.toBeInstanceOf(CancelledError);
      };
      await runVirtually(main);
    },
    'a timeout': async (coroutine: Coroutine<unknown>) => {
      const main = async () => {
        await expect(timeout(1, () => coroutine)).rejects.toBeInstanceOf(TimeoutError);
      };
      await runVirtually(main);
    },
    waitFor: async (coroutine: Coroutine<unknown>) => {
      const main = async () => {
        await expect(waitFor(coroutine, 1)).rejects.toBeInstanceOf(TimeoutError);
      };
      await runVirtually(main);
    },
    'a gather that is cancelled': async (coroutine: Coroutine<unknown>) => {
      const main = async () => {
        const gathered = gather(coroutine);
        await sleep(1);
        gathered.cancel();
        await expect(gathered).rejects.toBeInstanceOf(CancelledError);
      };
      await runVirtually(main);
    },
    'the end of the run': async (coroutine: Coroutine<unknown>) => {
      const main = async () => {
        createTask(coroutine);
        await sleep(1);
      };
      await runVirtually(main);
    },
  };

  for (const [way, cancel] of Object.entries(ways)) {
    test(`never comes in by return(), which would let the parent run on (${way})`, async () => {
      const trace: string[] = [];
      const inner = function* () {
        try {
          yield* sleep(60);
        } finally {
          yield* sleep(2);
          trace.push('cleaned up');
        }
      };
      const outer = function* () {
        yield* inner();
        trace.push('ran on behind its yield*');
      };
      const { coroutine, calls } = noting(outer());
      await cancel(coroutine);
      expect(trace).toEqual(['cleaned up']);
      expect(calls).not.toContain('return');
    });
  }

  test('comes in by throw() where the coroutine merely lets others have their turn', async () => {
    const body = function* () {
      try {
        yield;
      } finally {
        yield* sleep(1);
      }
    };
    const { coroutine, calls } = noting(body());
    const main = async () => {
      const task = createTask(coroutine);
      getRunningLoop().callSoon(() => task.cancel());
      await expect(task).rejects.toBeInstanceOf(CancelledError);
    };
    await runVirtually(main);
    expect(calls).toEqual(['next', 'throw', 'next']);
  });
});

describeBoth('a cancellation deep in a chain of coroutines', (s) => {
  test('runs every `finally` from the inside out, and waits in each', async () => {
    const trace: string[] = [];
    const level = s.fn(function* (depth: number): Generator<unknown, void, unknown> {
      try {
        if (depth > 0) yield* s.wait(level(depth - 1));
        else yield* s.wait(sleep(60));
        trace.push(`level ${depth} ran on`);
      } finally {
        yield* s.wait(sleep(1));
        trace.push(`level ${depth} cleaned up`);
      }
    });
    const main = s.fn(function* () {
      const task = createTask(() => level(2));
      yield* s.wait(sleep(1));
      task.cancel();
      expect(yield* failure(s, task)).toBeInstanceOf(CancelledError);
    });
    expect(await runVirtually(main)).toMatchObject({ seconds: 4 });
    expect(trace).toEqual(['level 0 cleaned up', 'level 1 cleaned up', 'level 2 cleaned up']);
  });
});
