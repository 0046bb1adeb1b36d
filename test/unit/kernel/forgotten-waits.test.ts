import { inspect } from 'node:util';
import {
  Barrier,
  Condition,
  createTask,
  Event,
  getRunningLoop,
  Lock,
  mapConcurrent,
  Queue,
  run,
  Semaphore,
  sleep,
  type TaskGroup,
  taskGroup,
  timeout,
  waitFor,
} from 'asyncio-ts';
import { openFile, writeFile } from 'asyncio-ts/node';
import { beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { collectGarbage } from '../../support/gc.ts';
import { muteLog } from '../../support/loops.ts';
import { describeBoth, runVirtually } from '../../support/spellings.ts';

/** What debug mode says once garbage is collected. The number of rounds is bounded, so that a report that never comes is a failure. */
async function reportsOf(program: () => Generator<unknown, void, unknown>, expected: number): Promise<string[]> {
  const log = muteLog('warn');
  await runVirtually(
    async () => {
      for (let round = 0; round < 30 && log.mock.calls.length < Math.max(1, expected); round++) {
        if (round === 0) {
          // A task of its own, of which nothing is left on the stack.
          await createTask(program());
        }
        await collectGarbage();
        if (expected === 0 && round > 3) break;
      }
    },
    { debug: true },
  );
  return log.mock.calls.map(([message]) => String(message));
}

const FORGOTTEN: Readonly<Record<string, () => unknown>> = {
  sleep: () => sleep(1),
  'sleep(0)': () => sleep(0),
  'sleep(0, result)': () => sleep(0, 1),
  'Queue.put': () => new Queue<string>().put('job'),
  'Queue.get': () => new Queue().get(),
  'Queue.join': () => new Queue().join(),
  'Event.wait': () => new Event().wait(),
  'Lock.acquire': () => new Lock().acquire(),
  'Semaphore.acquire': () => new Semaphore().acquire(),
  'Condition.wait': () => new Condition().wait(),
  'Barrier.wait': () => new Barrier(2).wait(),
  taskGroup: () => taskGroup(async () => {}),
  timeout: () => timeout(1, async () => {}),
  waitFor: () => waitFor(async () => {}, 1),
  mapConcurrent: () => mapConcurrent([1], async () => {}, { limit: 1 }),
  writeFile: () => writeFile('/nowhere/never.txt', 'x'),
  openFile: () => openFile('/nowhere/never.txt'),
};

describe('a coroutine of the library that is never awaited', () => {
  test.each(Object.entries(FORGOTTEN))('is reported in debug mode, with its place: %s', async (name, make) => {
    const [report] = await reportsOf(function* () {
      make();
    }, 1);
    const called = name.replace(/^.*\.|\(.*/g, '');
    expect(report).toMatch(
      new RegExp(`^coroutine '(.*\\.)?${called}' was never awaited: .*forgotten-waits\\.test\\.ts`, 's'),
    );
  });

  test('is reported at the end of a run that is too short for the collector, and once for each line of the program', async () => {
    const log = muteLog('warn');
    const kept: unknown[] = [];
    await runVirtually(
      async () => {
        for (let round = 0; round < 3; round++) kept.push(sleep(1));
        kept.push(new Lock().acquire());
      },
      { debug: true },
    );
    expect(log.mock.calls.map(([message]) => String(message))).toEqual([
      expect.stringMatching(/^coroutine 'sleep' was never awaited: .*forgotten-waits\.test\.ts/s),
      expect.stringMatching(/^coroutine 'Lock.acquire' was never awaited: .*forgotten-waits\.test\.ts/s),
    ]);
    kept.length = 0;
    for (let round = 0; round < 4; round++) await collectGarbage();
    expect(log).toHaveBeenCalledTimes(2);
  });

  const ofTheirOwn = ['sleep(0)', 'mapConcurrent']; // a shared object, and one that has more to tell
  test.each(Object.entries(FORGOTTEN).filter(([name]) => !ofTheirOwn.includes(name)))(
    'is shown as a coroutine by console.log and in messages, not by its fields: %s',
    async (name, make) => {
      await runVirtually(async () => {
        const made = make();
        const called = name.replace(/^.*\.|\(.*/g, '');
        const text = new RegExp(`^<coroutine ([A-Z][a-zA-Z]*\\.)?${called}\\(\\) created>$`);
        expect(String(made)).toMatch(text);
        expect(inspect(made)).toMatch(text);
      });
    },
  );

  test('is shown as awaited after its await', async () => {
    await runVirtually(async () => {
      const made = new Queue<string>().put('job');
      await made;
      expect(String(made)).toBe('<coroutine Queue.put() awaited>');
      await expect(async () => await made).rejects.toThrow('already awaited coroutine <coroutine Queue.put() awaited>');
    });
  });

  test('is not reported when debug mode is off', async () => {
    const log = muteLog('warn');
    await runVirtually(async () => {
      new Queue<string>().put('job');
      for (let round = 0; round < 4; round++) await collectGarbage();
    });
    expect(log).not.toHaveBeenCalled();
  });
});

describeBoth('a coroutine of the library', (s) => {
  test('is not reported when it was awaited, made a task, or refused by its group', async () => {
    const body = s.fn(function* () {
      yield* s.wait(sleep(1));
      yield* s.wait(sleep(0));
      const queue = new Queue<number>();
      yield* s.wait(queue.put(1));
      yield* s.wait(queue.get());
      yield* s.wait(mapConcurrent([1], () => sleep(0), { limit: 1 }));
      yield* s.wait(createTask(sleep(1)));
      yield* s.wait(waitFor(sleep(1), 2));
      const cancelled = createTask(sleep(60));
      yield* s.wait(sleep(1));
      cancelled.cancel();
      let closed: TaskGroup | undefined;
      yield* s.wait(
        taskGroup(
          s.fn(function* (group: TaskGroup) {
            closed = group;
          }),
        ),
      );
      expect(() => closed!.createTask(timeout(1, async () => {}))).toThrow(/is finished/);
      const lock = new Lock();
      yield* s.wait(lock.acquire());
      lock.release();
    });
    const main = function* () {
      yield* createTask(body);
    };
    expect(await reportsOf(main, 0)).toEqual([]);
  });
});

describe('`using` of a coroutine that was not awaited', () => {
  const MAKES: Readonly<Record<string, () => object>> = {
    'a lock': () => new Lock().acquire(),
    'a semaphore': () => new Semaphore().acquire(),
    'a condition': () => new Condition().acquire(),
    'a file': () => openFile('/nowhere/never.txt'),
  };
  test.each(Object.entries(MAKES))('is refused before its block begins: %s', (_name, make) => {
    const told = /not awaited.*using x = await/;
    expect(() => (make() as Disposable)[Symbol.dispose]).toThrow(told);
    expect(() => (make() as AsyncDisposable)[Symbol.asyncDispose]).toThrow(told);
    const ran: string[] = [];
    expect(() => {
      using _ = make() as Disposable;
      ran.push('the block');
    }).toThrow(told);
    expect(ran).toEqual([]);
  });

  test('is refused in a DisposableStack, too', () => {
    const lock = new Lock();
    expect(() => new DisposableStack().use(lock.acquire() as never)).toThrow(/not awaited/);
    expect(lock.locked()).toBe(false);
  });
});

describe('a slow step in debug mode', () => {
  // The clock is the test's: on a busy machine any step may take long, and a timer may be due before its step is over.
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['performance'] });
    onTestFinished(() => {
      vi.useRealTimers();
    });
  });
  const block = (milliseconds: number): void => {
    vi.advanceTimersByTime(milliseconds);
  };
  /** Settles when so many macrotasks have run: the first one is there before that by which the loop sees that the step is over. */
  const foreign = async (macrotasks: number): Promise<void> => {
    for (let i = 0; i < macrotasks; i++) await new Promise((resolve) => setImmediate(resolve));
  };

  test('is timed from when the mode was switched on', async () => {
    const log = muteLog('warn');
    await run(async () => {
      block(150);
      getRunningLoop().setDebug(true);
      await sleep(0);
    });
    expect(log).not.toHaveBeenCalled();
  });

  const AFTER: Readonly<Record<string, [number, RegExp]>> = {
    'a foreign promise': [2, /^Executing <Task .* took 0\.150 seconds since a promise/],
    'a foreign promise that settles before the loop has seen that it waits': [
      1,
      /^Executing <Task .* took 0\.150 seconds$/,
    ],
  };
  const HOWS = ['and awaits the library', 'and ends'];
  test.each(
    Object.entries(AFTER).flatMap(([what, [macrotasks, report]]) =>
      HOWS.map((how) => ({ what, how, macrotasks, report })),
    ),
  )('is reported when it blocks after $what $how', async ({ how, macrotasks, report }) => {
    const log = muteLog('warn');
    await run(
      async () => {
        await foreign(macrotasks);
        block(150);
        if (how === 'and awaits the library') await sleep(0);
      },
      { debug: true },
    );
    expect(log).toHaveBeenCalledOnce();
    expect(log.mock.calls[0]![0]).toMatch(report);
  });
});
