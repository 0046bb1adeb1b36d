import {
  type AwaitableCoroutine,
  type CoroutineFunction,
  createTask,
  Event,
  gather,
  getRunningLoop,
  Lock,
  Queue,
  Semaphore,
  sleep,
  taskGroup,
  timeout,
  wait,
} from 'asyncio-ts';
import {
  completion,
  ExplorationFailure,
  explore,
  LeakError,
  LivelockError,
  type RunVirtualOptions,
  runVirtual,
  SweepFailure,
  sweep,
} from 'asyncio-ts/testing';
import { describe, expect, test } from 'vitest';
import { checkTest } from '../../../src/testing/fixtures/core.ts';
import { describeBoth, type Spelling } from '../../support/spellings.ts';

async function livelock(main: CoroutineFunction<unknown>, options: RunVirtualOptions = {}): Promise<string> {
  const failure = await runVirtual(main, options).then(
    (value) => `it has returned ${value}`,
    (error: unknown) => error,
  );
  if (!(failure instanceof LivelockError)) throw failure;
  return failure.message;
}

const FEW = { maxBeats: 40 };

const heartbeatOf = (s: Spelling, period = 1) =>
  s.fn(function* heartbeat() {
    for (;;) yield* s.wait(sleep(period));
  });

const stuckOf = (s: Spelling) =>
  s.fn(function* () {
    yield* s.wait(new Event().wait());
  });

describeBoth('a program whose main task is stuck beside a heartbeat', (s) => {
  const heartbeat = heartbeatOf(s);
  const stuck = stuckOf(s);

  test('ends with who is stuck, on what, and who keeps the clock going', async () => {
    const message = await livelock(
      s.fn(function* () {
        createTask(heartbeat, { name: 'heartbeat' });
        createTask(stuck, { name: 'bystander' });
        yield* s.wait(stuck());
      }),
      { ...FEW, name: 'main' },
    );
    expect(message).toMatch(
      /^livelock: the main task is stuck, and only what repeats keeps the clock going\. For 40 timers or arrivals in a row/,
    );
    const [still, going] = message.split('This goes on:');
    expect(still).toMatch(/main.* waits for <Event \[unset, waiters:1\]> at .*\.ts:\d+/);
    expect(still).not.toContain('heartbeat');
    expect(going).toMatch(/heartbeat.* waits for sleep\(\) at .*\.ts:\d+/);
    expect(going).toContain('maxBeats');
    expect(message).not.toContain('bystander');
  });

  test('ends when the timers are those of callbacks', async () => {
    const message = await livelock(
      s.fn(function* () {
        const loop = getRunningLoop();
        const tick = (): void => {
          loop.callLater(1, tick);
        };
        tick();
        yield* s.wait(stuck());
      }),
      FEW,
    );
    expect(message).toMatch(/This goes on:\n {2}timer .*tick/);
  });

  test('ends when it waits for a task that is stuck, and of several that it needs one is', async () => {
    const held = s.fn(function* () {
      const lock = new Lock();
      createTask(heartbeat);
      createTask(
        s.fn(function* () {
          yield* s.wait(lock.acquire());
          yield* s.wait(stuck());
        }),
        { name: 'holder' },
      );
      yield* s.wait(sleep(1));
      yield* s.wait(lock.acquire());
    });
    expect(await livelock(held, FEW)).toMatch(/held by holder.*\n {2}holder waits for <Event[\s\S]*This goes on:/);

    const gathered = s.fn(function* () {
      yield* s.wait(gather([heartbeat, stuck]));
    });
    const message = await livelock(gathered, FEW);
    expect(message).toMatch(/in gather\(\)[\s\S]*<Event[\s\S]*This goes on:\n {2}.*sleep\(\)/);

    const grouped = s.fn(function* () {
      yield* s.wait(
        taskGroup(
          s.fn(function* (group) {
            group.createTask(heartbeat);
            group.createTask(stuck);
            yield* s.wait(sleep(0));
          }),
        ),
      );
    });
    expect(await livelock(grouped, FEW)).toMatch(/of its task group[\s\S]*<Event/);
  });

  test('ends when two tasks wait for each other', async () => {
    const message = await livelock(
      s.fn(function* () {
        createTask(heartbeat);
        const one = new Lock();
        const other = new Lock();
        const both = (first: Lock, second: Lock) =>
          s.fn(function* () {
            yield* s.wait(first.acquire());
            yield* s.wait(sleep(1));
            yield* s.wait(second.acquire());
          });
        yield* s.wait(gather([both(one, other), both(other, one)]));
      }),
      FEW,
    );
    expect(message.match(/held by/g)).toHaveLength(2);
  });

  test('goes on as long as the heartbeat may still be what ends the wait: for 10,000 beats by default', {
    timeout: 60_000,
  }, async () => {
    const ended = await runVirtual(
      s.fn(function* () {
        const done = new Event();
        createTask(
          s.fn(function* () {
            for (let beats = 0; beats < 10_000; beats++) yield* s.wait(sleep(1));
            done.set();
          }),
        );
        yield* s.wait(done.wait());
        return getRunningLoop().time();
      }),
    );
    expect(ended).toBe(10_000);
  });

  test('goes on until a timer has fired that was set long ago', async () => {
    const ended = await runVirtual(
      s.fn(function* () {
        createTask(heartbeat);
        const done = new Event();
        getRunningLoop().callLater(300, () => done.set());
        yield* s.wait(done.wait());
        try {
          yield* s.wait(timeout(300, stuck));
        } catch {}
        return getRunningLoop().time();
      }),
      FEW,
    );
    expect(ended).toBe(600);
  });

  test('does not wait for ever for a timer of the far future', async () => {
    const message = await livelock(
      s.fn(function* () {
        createTask(heartbeat);
        getRunningLoop().callLater(1e9, () => {});
        yield* s.wait(stuck());
      }),
      FEW,
    );
    expect(message).toContain('For 400 timers or arrivals in a row');
  });

  test('goes on while one of those goes on of which it needs only one, or which it waits for at all', async () => {
    const busy = s.fn(function* () {
      for (let i = 0; i < 200; i++) yield* s.wait(sleep(1));
    });
    const first = s.fn(function* () {
      const tasks = [createTask(stuck), createTask(busy)];
      yield* s.wait(wait(tasks, { returnWhen: 'FIRST_COMPLETED' }));
      tasks[0]!.cancel();
      return getRunningLoop().time();
    });
    expect(await runVirtual(first, FEW)).toBe(200);
    const staggered = s.fn(function* () {
      yield* s.wait(gather(Array.from({ length: 500 }, (_, i) => () => sleep(i + 1))));
      return getRunningLoop().time();
    });
    expect(await runVirtual(staggered, FEW)).toBe(500);
  });

  test('goes on while the work of a queue is done that it waits for in join()', async () => {
    const joining = (items: number, done: number) =>
      s.fn(function* () {
        const queue = new Queue<number>();
        for (let i = 0; i < items; i++) queue.putNowait(i);
        const work = s.fn(function* () {
          for (let i = 0; ; i++) {
            yield* s.wait(queue.get());
            yield* s.wait(sleep(1));
            if (i < done) queue.taskDone();
          }
        });
        const tasks = [createTask(work), createTask(heartbeat)];
        yield* s.wait(queue.join());
        for (const task of tasks) task.cancel();
        return getRunningLoop().time();
      });
    expect(await runVirtual(joining(200, 200), FEW)).toBe(200);
    expect(await livelock(joining(200, 100), FEW)).toContain('waits for <Queue');
  });

  const lineForItem = () => {
    const queue = new Queue<number>();
    return { wait: (): AwaitableCoroutine<unknown> => queue.get(), next: () => queue.putNowait(1) };
  };
  const lineForUnit = () => {
    const semaphore = new Semaphore(0);
    return { wait: (): AwaitableCoroutine<unknown> => semaphore.acquire(), next: () => semaphore.release() };
  };
  test.each([
    { what: 'an item', make: lineForItem },
    { what: 'a unit', make: lineForUnit },
  ])('goes on while the line becomes shorter in which it waits for $what', async ({ make }) => {
    const queueing = (served: number) =>
      s.fn(function* () {
        const line = make();
        const serve = s.fn(function* () {
          for (let i = 0; i < served; i++) {
            yield* s.wait(sleep(1));
            line.next();
          }
        });
        const impatient = s.fn(function* () {
          for (;;) {
            try {
              yield* s.wait(timeout(3, () => line.wait()));
            } catch {}
          }
        });
        for (let i = 0; i < 200; i++) createTask(() => line.wait());
        yield* s.wait(sleep(0));
        const tasks = [createTask(serve), createTask(heartbeat)];
        getRunningLoop().callSoon(() => tasks.push(createTask(impatient)));
        yield* s.wait(line.wait());
        for (const task of tasks) task.cancel();
        return getRunningLoop().time();
      });
    expect(await runVirtual(queueing(201), FEW)).toBe(201);
    expect(await livelock(queueing(100), FEW)).toMatch(/Task-1 .*waits for <(Queue|Semaphore)/);
  });

  test('has a bound for all its timers as well', async () => {
    const message = await livelock(heartbeat, { maxBeats: 8 });
    expect(message).toMatch(/the program does not end[\s\S]*It has run for 80\d timers or arrivals[\s\S]*sleep\(\)/);
  });

  test('does not go on for ever with a task that refuses to be cancelled at the end', async () => {
    const main = s.fn(function* () {
      createTask(
        s.fn(function* () {
          for (;;) {
            try {
              yield* s.wait(sleep(1));
            } catch {}
          }
        }),
        { name: 'stubborn' },
      );
      yield* s.wait(sleep(5));
      return 'done';
    });
    expect(await runVirtual(main, FEW)).toBe('done');
    const failure = await runVirtual(main, { ...FEW, failOnLeaks: true }).catch((error: unknown) => error);
    const { errors } = failure as AggregateError;
    expect(errors[0]).toBeInstanceOf(LeakError);
    expect(String(errors[1])).toMatch(/LivelockError: .*the others were cancelled, but they go on[\s\S]*stubborn/);
  });

  test('is found by a sweep, undisturbed and when a cancellation has led to it', async () => {
    const main = (isAlwaysStuck: boolean) =>
      s.fn(function* () {
        const done = new Event();
        createTask(heartbeat, { name: 'heartbeat' });
        createTask(
          s.fn(function* () {
            yield* s.wait(sleep(5));
            if (!isAlwaysStuck) done.set();
          }),
          { name: 'setter' },
        );
        yield* s.wait(done.wait());
      });
    await expect(sweep(main(true), { ...FEW, failOnLeaks: false })).rejects.toThrow(
      /livelock: the main task is stuck[\s\S]*<Event[\s\S]*This goes on:\n {2}heartbeat/,
    );
    const failure = await sweep(main(false), { failOnLeaks: false }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(SweepFailure);
    const { message } = failure as SweepFailure;
    expect(message).toContain('setter was cancelled');
    expect(message).toMatch(/What its tasks do now:\n[\s\S]*<Event[\s\S]*heartbeat.* waits for sleep\(\)/);
  });

  test('is found by an exploration, long before its bound for all iterations', async () => {
    const main = s.fn(function* () {
      const done = new Event();
      const task = createTask(heartbeat, { name: 'heartbeat' });
      createTask(
        s.fn(function* () {
          const first = yield* s.wait(completion('first', { label: 'the reply' }));
          if (first === 'first' && getRunningLoop().time() < 0.5) done.set();
        }),
      );
      yield* s.wait(done.wait());
      task.cancel();
    });
    const failure = await explore(main, { maxBeats: 100, shrinkRuns: 50 }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(ExplorationFailure);
    const { error, message } = failure as ExplorationFailure;
    expect(String(error)).toMatch(/the main task is stuck[\s\S]*For 100 timers or arrivals in a row[\s\S]*heartbeat/);
    expect(message).toContain('{ maxBeats }');
  });
});

test('an async function that waits for a promise which is not of the library, beside a heartbeat, is stuck as well', async () => {
  const message = await livelock(
    async () => {
      createTask(async () => {
        for (;;) await sleep(1);
      });
      await new Promise(() => {});
    },
    { ...FEW, patience: 0.001 },
  );
  expect(message).toMatch(/waits for a promise that is not of this library[\s\S]*This goes on:/);
});

describe('an async function with branches, of which one stands still while another one sleeps again and again', () => {
  const stuck = async (): Promise<void> => {
    await new Event().wait();
  };
  const beat = async (times: number): Promise<void> => {
    for (let i = 0; i < times; i++) await sleep(1);
  };

  test('is stuck after ten times as many beats: it may need only the other one, but not for ever', async () => {
    for (const main of [
      async () => await Promise.all([beat(1e9), stuck()]),
      async () => await createTask(async () => await Promise.all([stuck(), beat(1e9)])),
    ]) {
      const message = await livelock(main, FEW);
      expect(message).toContain('For 400 timers or arrivals in a row');
      const [still, going] = message.split('This goes on:');
      expect(still).toMatch(/waits for <Event \[unset, waiters:1\]> at .*stuck\.test\.ts/);
      expect(still).not.toContain('sleep()');
      expect(going).toMatch(/waits for sleep\(\) at .*stuck\.test\.ts/);
      expect(going).not.toContain('<Event');
    }
  });

  test('goes on that long where the other one is what it needs', async () => {
    const main = async () => {
      await Promise.race([beat(390), stuck()]);
      return getRunningLoop().time();
    };
    expect(await runVirtual(main, FEW)).toBe(390);
  });

  test('goes on while none of its branches stands still', async () => {
    const main = async () => {
      await Promise.all([beat(1_000), beat(900)]);
      return getRunningLoop().time();
    };
    expect(await runVirtual(main, FEW)).toBe(1_000);
  });
});

describe('maxBeats', () => {
  test('is a whole number of at least 1, or Infinity', async () => {
    for (const maxBeats of [0, -1, 1.5, Number.NaN]) {
      await expect(runVirtual(() => sleep(1), { maxBeats })).rejects.toThrow('runVirtual: maxBeats');
      await expect(explore(() => sleep(1), { maxBeats })).rejects.toThrow('explore: maxBeats');
      await expect(sweep(() => sleep(1), { maxBeats })).rejects.toThrow('sweep: maxBeats');
      expect(() => checkTest('a test', async () => {}, { maxBeats })).toThrow('asyncTest: maxBeats');
    }
    await expect(runVirtual(() => sleep(1), { maxBeats: Number.POSITIVE_INFINITY })).resolves.toBeUndefined();
  });
});
