import {
  addInstrument,
  asCompleted,
  createTask,
  type EventLoop,
  type ExceptionContext,
  Future,
  gather,
  getRunningLoop,
  mapConcurrent,
  newEventLoop,
  produce,
  Runner,
  type RunnerOptions,
  run,
  sleep,
  wait,
} from 'asyncio-ts';
import { VirtualHost } from 'asyncio-ts/testing';
import { describe, expect, test } from 'vitest';
import { muteLog } from '../support/loops.ts';
import { runInProcess } from '../support/processes.ts';
import { failure, thrownBy } from '../support/programs.ts';
import { type Body, describeBoth, runVirtually, type Spelling } from '../support/spellings.ts';

interface Report {
  readonly at: number;
  readonly message: string;
  readonly future: string;
}

/** What a program in simulated time has reported, and when. */
async function reportsOf(s: Spelling, body: Body<[], unknown>, options: RunnerOptions = {}): Promise<Report[]> {
  const reports: Report[] = [];
  const main = s.fn(function* () {
    const loop = getRunningLoop();
    loop.setExceptionHandler((_loop, { message, exception, future }) => {
      reports.push({ at: loop.time(), message: `${message}: ${exception}`, future: String(future) });
    });
    yield* body();
  });
  await runVirtually(main, options);
  return reports;
}

/** A function that fails after so many seconds. */
function failing(s: Spelling, delay: number, message = 'boom') {
  return s.fn(function* (): Generator<unknown, never, unknown> {
    yield* s.wait(sleep(delay));
    throw new Error(message);
  });
}

describeBoth('an error that is not retrieved in time', (s) => {
  const forgets = function* () {
    createTask(failing(s, 1), { name: 'job' });
    yield* s.wait(sleep(10));
  };

  test('is reported half a second after it came, with the name of its task', async () => {
    const [report, ...others] = await reportsOf(s, forgets);
    expect(others).toEqual([]);
    expect(report?.at).toBeCloseTo(1.5);
    expect(report?.message).toBe('Task exception was never retrieved: Error: boom');
    expect(report?.future).toContain("name='job'");
  });

  test.each([
    [{ unretrievedAfter: 2 }, 3],
    [{ unretrievedAfter: { milliseconds: 100 } }, 1.1],
    [{ unretrievedAfter: 0 }, 1],
    [{ unretrievedAfter: -1 }, 1],
  ] as const)('is reported when %o says', async (options, at) => {
    const [report] = await reportsOf(s, forgets, options);
    expect(report?.at).toBeCloseTo(at);
  });

  test.each([null, Number.POSITIVE_INFINITY])(
    'is reported at the end of the run when the time is %s',
    async (unretrievedAfter) => {
      const [report] = await reportsOf(s, forgets, { unretrievedAfter });
      expect(report?.at).toBe(10);
    },
  );

  test('is reported for a future as for a task', async () => {
    const reports = await reportsOf(s, function* () {
      const future = new Future();
      future.setException(new Error('forgotten'));
      yield* s.wait(sleep(1));
    });
    expect(reports).toMatchObject([{ at: 0.5, message: 'Future exception was never retrieved: Error: forgotten' }]);
  });

  test('is reported once, and can be looked at afterwards', async () => {
    const reports = await reportsOf(s, function* () {
      const task = createTask(failing(s, 0));
      yield* s.wait(sleep(2));
      expect(yield* failure(s, task)).toMatchObject({ message: 'boom' });
      yield* s.wait(sleep(2));
      expect(thrownBy(() => task.result())).toMatchObject({ message: 'boom' });
    });
    expect(reports).toHaveLength(1);
  });

  test('is each reported at its own time', async () => {
    const reports = await reportsOf(s, function* () {
      for (const delay of [0.1, 0.2, 0.3, 2]) createTask(failing(s, delay, `after ${delay}`));
      const seen = createTask(failing(s, 0.2, 'seen'));
      yield* s.wait(sleep(0.4));
      seen.exception();
      yield* s.wait(sleep(10));
    });
    expect(reports.map(({ at, message }) => [at.toFixed(1), message.split('Error: ')[1]])).toEqual([
      ['0.6', 'after 0.1'],
      ['0.7', 'after 0.2'],
      ['0.8', 'after 0.3'],
      ['2.5', 'after 2'],
    ]);
  });

  const LOOKED_AT: Readonly<Record<string, (s: Spelling) => Generator<unknown, unknown, unknown>>> = {
    *'an await in time'(s) {
      const task = createTask(failing(s, 0));
      yield* s.wait(sleep(0.4));
      yield* failure(s, task);
    },
    *'a gather that puts it among its results later'(s) {
      yield* s.wait(gather([failing(s, 1), sleep(9)], { returnExceptions: true }));
    },
    *'a wait that goes on, and its caller'(s) {
      const { done } = yield* s.wait(wait([createTask(failing(s, 1)), createTask(sleep(9))]));
      yield* s.wait(sleep(0.4));
      for (const task of done) if (!task.cancelled()) task.exception();
    },
    *'whoever iterates what a body produces, slowly'(s) {
      const body = s.fn(function* (put: (item: number) => unknown) {
        yield* s.wait(put(1));
        throw new Error('of the body');
      });
      const items = produce<number>(body as never, { buffer: 5 });
      yield* s.wait(items.next());
      yield* s.wait(sleep(5));
      expect(yield* failure(s, items.next())).toMatchObject({ message: 'of the body' });
    },
    *'whoever iterates mapConcurrent, slowly'(s) {
      const results = mapConcurrent([0, 1], (item) => (item === 1 ? failing(s, 1)() : sleep(0)) as never, { limit: 2 });
      yield* s.wait(results.next());
      yield* s.wait(sleep(5));
      expect(yield* failure(s, results.next())).toMatchObject({ message: 'boom' });
    },
    *'asCompleted, taken slowly'(s) {
      for (const next of asCompleted([failing(s, 1), failing(s, 2), failing(s, 3)])) {
        yield* s.wait(sleep(4));
        yield* failure(s, next);
      }
    },
  };
  for (const [by, body] of Object.entries(LOOKED_AT)) {
    test(`is not reported when it is retrieved by ${by}`, async () => {
      expect(
        await reportsOf(s, function* () {
          yield* body(s);
          yield* s.wait(sleep(5));
        }),
      ).toEqual([]);
    });
  }

  test('is reported after a wait when its caller does not look at it', async () => {
    const reports = await reportsOf(s, function* () {
      yield* s.wait(wait([createTask(failing(s, 1)), createTask(sleep(9))]));
      yield* s.wait(sleep(5));
    });
    expect(reports).toMatchObject([{ at: 9.5 }]);
  });

  test('is raised like an unhandled rejection where the run asks for that', async () => {
    const raised: unknown[] = [];
    const listeners = process.listeners('unhandledRejection');
    process.removeAllListeners('unhandledRejection');
    process.on('unhandledRejection', (reason) => raised.push(reason));
    try {
      const reports = await reportsOf(s, forgets, { unretrieved: 'throw' });
      await new Promise(setImmediate);
      expect(reports).toEqual([]);
      expect(raised).toEqual([expect.objectContaining({ message: 'boom' })]);
    } finally {
      process.removeAllListeners('unhandledRejection');
      for (const listener of listeners) process.on('unhandledRejection', listener);
    }
  });

  test('is passed to monitoring, whatever handler is set', async () => {
    const told: [EventLoop, ExceptionContext][] = [];
    const remove = addInstrument({ errorReported: (loop, context) => told.push([loop, context]) });
    try {
      await reportsOf(s, forgets);
      const main = s.fn(function* () {
        getRunningLoop().callSoon(() => {
          throw new Error('of a callback');
        });
        yield* s.wait(sleep(1));
      });
      const log = muteLog('error');
      await runVirtually(main);
      expect(log).toHaveBeenCalledOnce();
    } finally {
      remove();
    }
    expect(told.map(([, { exception }]) => String(exception))).toEqual(['Error: boom', 'Error: of a callback']);
    expect(told[0]?.[1].future).toMatchObject({});
  });
});

describe('the time after which an error is reported', () => {
  const host = () => new VirtualHost();

  test('is CPython’s moment on a new loop, and half a second on that of a run', async () => {
    expect(newEventLoop({ host: host() }).unretrievedAfter).toBeNull();
    expect(await run(() => Promise.resolve(getRunningLoop().unretrievedAfter))).toBe(0.5);
    await using runner = new Runner();
    expect(runner.getLoop().unretrievedAfter).toBe(0.5);
  });

  test('is that of the loop that a factory makes, unless the run has an option for it', async () => {
    const loopFactory = () => newEventLoop({ host: host(), unretrievedAfter: null, unretrieved: 'throw' });
    const ask = async () => [getRunningLoop().unretrievedAfter, getRunningLoop().unretrieved];
    expect(await run(ask, { loopFactory })).toEqual([null, 'throw']);
    expect(await run(ask, { loopFactory, unretrievedAfter: 3, unretrieved: 'report' })).toEqual([3, 'report']);
  });

  test('must be a duration', () => {
    expect(() => newEventLoop({ unretrievedAfter: Number.NaN })).toThrow(/Invalid unretrievedAfter/);
    expect(() => newEventLoop({ unretrievedAfter: '1' as never })).toThrow(/Invalid unretrievedAfter/);
  });
});

describe('on the loop of the main thread', () => {
  const JOB = `
    import { createTask, sleep } from 'asyncio-ts';
    createTask(async function job() { await sleep(0.01); throw new Error('boom'); });`;

  test('an error is reported while the program runs', () => {
    const { stderr } = runInProcess(`${JOB}
      await new Promise((resolve) => setTimeout(resolve, 900));
      console.error('main ends');`);
    expect(stderr.indexOf('boom')).toBeGreaterThan(-1);
    expect(stderr.indexOf('boom')).toBeLessThan(stderr.indexOf('main ends'));
    expect(stderr).toContain('coro=<job()>');
  });

  test('the time does not keep the program alive, and the error is reported at its end', () => {
    const { stderr, stdout } = runInProcess(`${JOB}
      const began = performance.now();
      process.on('exit', () => console.log(performance.now() - began < 400));`);
    expect(stdout).toBe('true');
    expect(stderr).toContain('boom');
  });
});
