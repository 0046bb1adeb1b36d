import {
  type CoroutineFunction,
  createTask,
  currentTask,
  Event,
  Future,
  gather,
  getRunningLoop,
  Lock,
  Queue,
  rethrowIfCancelled,
  Semaphore,
  shield,
  sleep,
  type Task,
  taskGroup,
  timeout,
  wrapPromise,
} from 'asyncio-ts';
import {
  DeadlockError,
  LeakError,
  LivelockError,
  NondeterminismError,
  replay,
  StaleTokenError,
  type SweepEnding,
  SweepFailure,
  type SweepMain,
  type SweepMode,
  type SweepOptions,
  sweep,
  track,
} from 'asyncio-ts/testing';
import { describe, expect, test } from 'vitest';
import type { WithoutSetup, WithSetup } from '../../../../src/testing/sweep/options.ts';
import { describeBoth } from '../../../support/spellings.ts';

/** What a sweep finds; `null` when it finds nothing. */
async function found(main: CoroutineFunction<unknown>, options?: WithoutSetup): Promise<SweepFailure | null>;
async function found<S>(main: SweepMain<S>, options: WithSetup<S>): Promise<SweepFailure | null>;
async function found<S>(main: SweepMain<S>, options?: SweepOptions<S>): Promise<SweepFailure | null> {
  try {
    await sweep(main, options as WithSetup<S>);
    return null;
  } catch (error) {
    if (error instanceof SweepFailure) return error;
    throw error;
  }
}

const ALL: readonly SweepMode[] = [
  'cancel',
  'cancel-before',
  'cancel-after',
  'timeout',
  'timeout-before',
  'timeout-after',
];

describeBoth('a sweep', (s) => {
  test('ends each await of each task in six ways, and tells how many there were and where', async () => {
    const ends: string[] = [];
    const report = await sweep(
      s.fn(function* () {
        const child = s.fn(function* () {
          yield* s.wait(sleep(1));
          yield* s.wait(sleep(0));
        });
        yield* s.wait(createTask(child, { name: 'child' }));
      }),
      { check: (_state, { at }) => ends.push(at === null ? 'undisturbed' : `${at.task} ${at.operation} ${at.mode}`) },
    );
    expect(ends).toEqual([
      'undisturbed',
      ...ALL.map((mode) => `Task-1 task ${mode}`),
      ...ALL.map((mode) => `child sleep ${mode}`),
      'child sleep(0) cancel',
      'child sleep(0) timeout',
    ]);
    expect(report).toMatchObject({ runs: 14, awaits: 3, foreign: 0, leftOut: 0, error: null });
    expect(report.places.map(({ operation, awaits, runs }) => [operation, awaits, runs])).toEqual([
      ['task', 1, 6],
      ['sleep', 1, 6],
      ['sleep(0)', 1, 2],
    ]);
    for (const { place } of report.places) expect(place).toMatch(/spellings\.ts:\d+:\d+$/);
    expect(report.milliseconds).toBeGreaterThan(0);
  });

  test('cancels before and after what is waited for is done, in the same iteration', async () => {
    const seen = new Map<string, boolean[]>();
    await sweep(
      s.fn(function* (state: { log: boolean[] }) {
        const future = new Future<void>();
        getRunningLoop().callLater(1, () => {
          future.setResult();
        });
        try {
          yield* s.wait(future);
        } catch (error) {
          state.log.push(future.cancelled(), getRunningLoop().time() === 1);
          throw error;
        }
      }),
      {
        setup: () => ({ log: [] as boolean[] }),
        check: ({ log }, { at }) => seen.set(at === null ? 'undisturbed' : at.mode, log),
        expected: (error) => (error as Error).name === 'InvalidStateError', // the future is cancelled: the callback fails
        failOnLeaks: false, // the timer
      },
    );
    // Whether the future was cancelled, and whether it was the time at which it was to be done.
    expect(Object.fromEntries(seen)).toEqual({
      undisturbed: [],
      cancel: [true, false],
      'cancel-before': [true, true],
      'cancel-after': [false, true],
      timeout: [true, false],
      'timeout-before': [true, true],
      'timeout-after': [false, true],
    });
  });

  test('finds a lock that is not released', async () => {
    const failure = await found(
      s.fn(function* () {
        const lock = new Lock();
        yield* s.wait(lock.acquire());
        yield* s.wait(sleep(1));
        lock.release();
      }),
    );
    expect(failure!.error).toBeInstanceOf(LeakError);
    expect(failure!.cause).toBe(failure!.error);
    expect(failure!.code).toBe('SWEEP_FAILURE');
    expect(failure!.at).toMatchObject({ task: 'Task-1', operation: 'sleep', object: null, mode: 'cancel', index: 0 });
    expect(failure!.at.place).toMatch(/spellings\.ts:\d+:\d+$/);
    expect(failure!.token.length).toBeLessThanOrEqual(80);
    expect(failure!.message).toMatch(
      /^Task-1 was cancelled with task\.cancel\(\) while it waited: it awaited sleep\(\) at .*spellings\.ts:\d+:\d+\.\nThen: LeakError: this was not given back:\n {2}<Lock \[locked\]> is still held by Task-1, which has ended.*\nTo see it again: await replay\(main, 's1-0-0-[0-9a-z]+'\)$/,
    );
  });

  test('finds a lock that a task waits for in vain, and says who holds it', async () => {
    const failure = await found(
      s.fn(function* () {
        const lock = new Lock();
        const careless = s.fn(function* () {
          yield* s.wait(lock.acquire());
          yield* s.wait(sleep(1));
          lock.release();
        });
        yield* s.wait(
          taskGroup(
            s.fn(function* (group) {
              group.createTask(careless, { name: 'careless' });
              group.createTask(() => lock.with(s.fn(() => s.wait(sleep(1)))));
            }),
          ),
        );
      }),
      { tasks: ({ name }) => name === 'careless' },
    );
    expect(failure!.error).toBeInstanceOf(DeadlockError);
    expect(failure!.at).toMatchObject({ task: 'careless', operation: 'sleep' });
  });

  test('finds a unit of a semaphore that is not given back, and knows semaphores that only count', async () => {
    const careless = s.fn(function* () {
      const semaphore = new Semaphore(2);
      yield* s.wait(semaphore.acquire());
      yield* s.wait(sleep(1));
      semaphore.release();
    });
    expect(String((await found(careless))!.error)).toContain('has units that were taken by Task-1');
    const counter = s.fn(function* () {
      const events = new Semaphore(0);
      const count = s.fn(function* () {
        for (let i = 0; i < 2; i++) yield* s.wait(events.acquire());
      });
      yield* s.wait(
        taskGroup(
          s.fn(function* (group) {
            group.createTask(count);
            for (let i = 0; i < 2; i++) {
              yield* s.wait(sleep(1));
              events.release();
            }
          }),
        ),
      );
    });
    expect(await found(counter)).toBe(null);
  });

  test('finds an item that was taken and never done, when the program returns all the same', async () => {
    const failure = await found(
      s.fn(function* () {
        const queue = new Queue<number>();
        const work = s.fn(function* () {
          for (;;) {
            yield* s.wait(queue.get());
            yield* s.wait(sleep(1));
            queue.taskDone();
          }
        });
        queue.putNowait(1);
        const workers = [createTask(work, { name: 'worker' })];
        try {
          yield* s.wait(sleep(5));
        } finally {
          for (const worker of workers) worker.cancel();
          yield* s.wait(gather(workers, { returnExceptions: true }));
        }
      }),
      { tasks: ({ isMain }) => !isMain },
    );
    expect(failure!.at).toMatchObject({ task: 'worker', operation: 'sleep' });
    expect(String(failure!.error)).toContain('an item was taken and never reported with taskDone()');
  });

  test('finds an item that was taken and never done by the main function itself, which is cancelled', async () => {
    const main = (isCareful: boolean) =>
      s.fn(function* (queue: Queue<number>) {
        queue.putNowait(1);
        yield* s.wait(queue.get());
        try {
          yield* s.wait(sleep(1));
          if (!isCareful) queue.taskDone();
        } finally {
          if (isCareful) queue.taskDone();
        }
        yield* s.wait(queue.join());
      });
    const setup = (): Queue<number> => new Queue<number>();
    const failure = await found(main(false), { setup });
    expect(failure!.at).toMatchObject({ task: 'Task-1', operation: 'sleep' });
    expect(String(failure!.error)).toMatch(
      /an item was taken and never reported with taskDone\(\): call it in a finally/,
    );
    expect(await found(main(true), { setup })).toBe(null);
  });

  test('finds such an item in a group of workers that is cancelled with the main function', async () => {
    const main = (isCareful: boolean) =>
      s.fn(function* () {
        const queue = new Queue<number>();
        for (let i = 0; i < 3; i++) queue.putNowait(i);
        const work = s.fn(function* () {
          while (!queue.empty()) {
            yield* s.wait(queue.get());
            try {
              yield* s.wait(sleep(1));
              if (!isCareful) queue.taskDone();
            } finally {
              if (isCareful) queue.taskDone();
            }
          }
        });
        yield* s.wait(gather([work, work]));
      });
    const tasks = ({ isMain }: { isMain: boolean }): boolean => isMain;
    const failure = await found(main(false), { tasks });
    expect(failure!.at).toMatchObject({ task: 'Task-1' });
    expect(String(failure!.error)).toContain('taken and never reported');
    expect(await found(main(true), { tasks })).toBe(null);
  });

  test('asks for no taskDone() of a program that has none, nor of a queue that is shut down', async () => {
    const drains = s.fn(function* () {
      const queue = new Queue<number>();
      queue.putNowait(1);
      queue.putNowait(2);
      try {
        yield* s.wait(sleep(1));
      } catch (error) {
        while (!queue.empty()) queue.getNowait();
        throw error;
      }
    });
    expect(await found(drains)).toBe(null);
    const shutsDown = s.fn(function* () {
      const queue = new Queue<number>();
      try {
        queue.putNowait(1);
        yield* s.wait(queue.get());
        yield* s.wait(sleep(1));
        queue.taskDone();
      } finally {
        queue.shutdown();
      }
    });
    expect(await found(shutsDown)).toBe(null);
  });

  test('finds tasks and timers that are left behind', async () => {
    const task = await found(
      s.fn(function* () {
        const child = createTask(() => sleep(5), { name: 'child' });
        yield* s.wait(sleep(1));
        yield* s.wait(child);
      }),
    );
    expect((task!.error as LeakError).left[0]).toMatch(/^task child/);
    const timer = s.fn(function* () {
      const handle = getRunningLoop().callLater(5, () => {});
      yield* s.wait(sleep(1));
      handle.cancel();
    });
    expect((await found(timer))!.error).toBeInstanceOf(LeakError);
    expect(await found(timer, { failOnLeaks: false })).toBe(null);
  });

  test('finds resources that are not given back: pools, what they give, and things that have to be closed', async () => {
    class Client {
      closed = false;
      release(): void {
        this.closed = true;
      }
    }
    class Pool {
      readonly #free = [new Client(), new Client()]; // private, so that no proxy can stand in its place
      *take() {
        yield* sleep(1);
        return this.#free.pop()!;
      }
      async connect(): Promise<Client> {
        return this.#free.pop()!;
      }
      acquire(): Client {
        return this.#free.pop()!;
      }
      release(client: Client): void {
        this.#free.push(client);
      }
    }
    for (const isCareful of [false, true]) {
      const byPool = s.fn(function* (pool: Pool) {
        const client = pool.acquire();
        try {
          yield* s.wait(sleep(1));
          if (!isCareful) pool.release(client);
        } finally {
          if (isCareful) pool.release(client);
        }
      });
      const options = { setup: () => new Pool(), resources: (pool: Pool) => [pool] };
      const failure = await found(byPool, options);
      expect(failure === null).toBe(isCareful);
      if (!isCareful) expect(String(failure!.error)).toContain('what acquire() has given was not given back');
      const byClient = s.fn(function* () {
        for (const method of ['take', 'connect'] as const) {
          const pool = track(new Pool(), { acquire: method, release: 'none' });
          const client = (yield* s.wait(method === 'take' ? pool.take() : connected(pool))) as Client;
          try {
            yield* s.wait(sleep(1));
            if (!isCareful) client.release();
          } finally {
            if (isCareful) client.release();
          }
        }
      });
      expect((await found(byClient)) === null).toBe(isCareful);
      const byThing = s.fn(function* () {
        const file = track({ [Symbol.dispose]: () => {} });
        try {
          yield* s.wait(sleep(1));
          if (!isCareful) file[Symbol.dispose]();
        } finally {
          if (isCareful) file[Symbol.dispose]();
        }
      });
      expect((await found(byThing)) === null).toBe(isCareful);
    }
  });

  test('finds an error that comes out and was not there before, but not those that were', async () => {
    const disguise = s.fn(function* () {
      try {
        yield* s.wait(sleep(1));
      } catch (error) {
        throw new RangeError('the job has failed', { cause: error });
      }
    });
    const failure = await found(disguise);
    expect(failure!.error).toBeInstanceOf(RangeError);
    expect(await found(disguise, { expected: (error) => error instanceof RangeError })).toBe(null);
    // A task that awaits another one may tell its cancellation as it likes.
    const outcome = s.fn(function* () {
      const job = createTask(() => sleep(1));
      try {
        yield* s.wait(job);
      } catch (error) {
        if (currentTask()!.cancelling() > 0) throw error;
        throw new RangeError('the job has failed', { cause: error });
      }
    });
    expect(await found(outcome, { tasks: ({ isMain }) => !isMain })).toBe(null);
    const always = s.fn(function* () {
      yield* s.wait(sleep(1));
      throw new RangeError('always');
    });
    const report = await sweep(always);
    expect(report.error).toBeInstanceOf(RangeError);
  });

  test('finds an error that nobody looks at', async () => {
    const failure = await found(
      s.fn(function* () {
        const child = s.fn(function* () {
          try {
            yield* s.wait(sleep(1));
          } catch {
            throw new RangeError('lost');
          }
        });
        const task = createTask(child);
        yield* s.wait(sleep(2));
        void task;
      }),
    );
    expect(failure!.error).toMatchObject({ message: 'lost' });
  });

  test('tells which cancellations were swallowed', async () => {
    const report = await sweep(
      s.fn(function* () {
        const stubborn = s.fn(function* () {
          try {
            yield* s.wait(sleep(1));
          } catch {}
        });
        yield* s.wait(createTask(stubborn, { name: 'stubborn' }));
      }),
      { tasks: ({ isMain }) => !isMain },
    );
    expect(report.swallowed.map(({ task, mode }) => `${task} ${mode}`)).toEqual(ALL.map((mode) => `stubborn ${mode}`));
  });

  test('finds a program that goes on and on, in time or without', async () => {
    const endless = (seconds: number) =>
      s.fn(function* () {
        let isStubborn = false;
        for (let i = 0; i < 3 || isStubborn; i++) {
          try {
            yield* s.wait(sleep(seconds));
          } catch {
            isStubborn = true;
          }
        }
      });
    for (const seconds of [0, 1]) {
      const failure = await found(endless(seconds));
      expect(failure!.error).toBeInstanceOf(LivelockError);
    }
  });

  test('finds a task that is cancelled with another one, because both wait for the same', async () => {
    const program = (share: (future: Future<void>) => Iterable<unknown>) =>
      s.fn(function* () {
        const future = new Future<void>();
        const user = s.fn(() => s.wait(share(future)));
        const users = [createTask(user, { name: 'first' }), createTask(user, { name: 'second' })];
        yield* s.wait(
          taskGroup(
            s.fn(function* (group) {
              for (const one of users) group.createTask(() => gather([one], { returnExceptions: true }));
              yield* s.wait(sleep(1));
              if (!future.done()) future.setResult();
            }),
          ),
        );
      });
    const tasks = ({ name }: { name: string }) => name === 'first';
    const failure = await found(
      program((future) => future),
      { tasks },
    );
    expect(failure!.error).toMatchObject({ code: 'CANCELLED_ANOTHER' });
    expect(String(failure!.error)).toMatch(/second was cancelled as well, though nobody has asked for that/);
    expect(
      await found(
        program((future) => shield(future)),
        { tasks },
      ),
    ).toBe(null);
  });

  test('lets a task have the outcome of the one that it awaits, and end its own children', async () => {
    const program = s.fn(function* () {
      const child = createTask(() => sleep(1));
      const parent = createTask(() => child);
      yield* s.wait(gather([parent], { returnExceptions: true }));
    });
    expect(await found(program)).toBe(null);
  });

  test('shows the check how the run has ended, and runs it on the loop of the program when it is a coroutine', async () => {
    const endings: unknown[] = [];
    const report = await sweep(
      s.fn(function* (lock: Lock) {
        yield* s.wait(gather(...[1, 2].map(() => () => lock.with(s.fn(() => s.wait(sleep(1)))))));
        return 'done';
      }),
      {
        setup: () => new Lock(),
        modes: ['cancel', 'timeout'],
        tasks: ({ isMain }) => isMain,
        failOnLeaks: false,
        check: s.fn(function* (lock: Lock, { value, error }: SweepEnding) {
          yield* s.wait(lock.acquire()); // it has waiters of the program's loop
          endings.push(value ?? (error as Error).name);
        }),
      },
    );
    expect(report.runs).toBe(2);
    expect(endings).toEqual(['done', 'CancelledError', 'TimeoutError']);
  });

  test('tells what the check has thrown, and a check that never ends', async () => {
    const main = s.fn(() => s.wait(sleep(1)));
    const error = new RangeError('no');
    const failure = await found(main, {
      check: (_state, { at }) => {
        if (at !== null) throw error;
      },
    });
    expect(failure!.error).toBe(error);
    expect(failure!.message).toContain(', { check })');
    const waits = await found(main, {
      check: s.fn(function* (_state: undefined, { at }: SweepEnding) {
        if (at !== null) yield* s.wait(new Event().wait());
      }),
    });
    expect(waits!.error).toBeInstanceOf(DeadlockError);
    await expect(
      sweep(main, {
        check: () => {
          throw error;
        },
      }),
    ).rejects.toBe(error); // undisturbed already
  });

  test('gives a token with which replay() runs the failure again, until it is mended', async () => {
    const program = (isMended: boolean) =>
      s.fn(function* (queue: Queue<Lock>) {
        const lock = queue.getNowait();
        yield* s.wait(sleep(1));
        yield* s.wait(lock.acquire());
        try {
          yield* s.wait(sleep(1));
          if (!isMended) lock.release();
        } finally {
          if (isMended) lock.release();
        }
      });
    const options = {
      setup: () => {
        const queue = new Queue<Lock>();
        queue.putNowait(new Lock());
        return queue;
      },
    };
    const failure = await found(program(false), options);
    expect(failure!.token).toMatch(/^s1-0-1-[0-9a-z]{1,7}$/);
    expect(failure!.message).toContain(`await replay(main, '${failure!.token}', { setup })`);
    const again = await replay(program(false), failure!.token, options).catch((error: unknown) => error);
    expect(again).toBeInstanceOf(SweepFailure);
    expect(again).toMatchObject({ at: failure!.at, token: failure!.token, message: failure!.message });
    await expect(replay(program(true), failure!.token, options)).rejects.toThrow(StaleTokenError);
    // Another program, and what is no token.
    const other = s.fn(function* () {
      yield* s.wait(sleep(0));
      yield* s.wait(sleep(1));
    });
    await expect(replay(other, failure!.token)).rejects.toThrow(/is of another program, or this one has changed/);
    for (const token of ['s', 's1-9-0-0', 's2-0-0-0', `${failure!.token}z`, 's1-0-zz-1']) {
      await expect(replay(program(false), token, options)).rejects.toThrow(StaleTokenError);
    }
  });

  test('draws runs of as many places as it can when there are too many, the same ones each time', async () => {
    const program = s.fn(function* () {
      for (let i = 0; i < 50; i++) yield* s.wait(sleep(1));
      yield* s.wait(
        timeout(
          1,
          s.fn(() => s.wait(sleep(0.5))),
        ),
      );
    });
    const drawn = async (seed: number): Promise<string> => {
      const runs: string[] = [];
      const report = await sweep(program, {
        limit: 20,
        seed,
        check: (_state, { at }) => runs.push(`${at?.index} ${at?.mode}`),
      });
      expect(report).toMatchObject({ runs: 20, awaits: 51, leftOut: 51 * 6 - 20 });
      return runs.join();
    };
    expect(await drawn(1)).toBe(await drawn(1));
    expect(await drawn(1)).not.toBe(await drawn(2));
  });

  test('ends only the waits that are asked for', async () => {
    const seen = new Set<string>();
    await sweep(
      s.fn(function* () {
        const child = s.fn(() => s.wait(sleep(1)));
        yield* s.wait(gather(createTask(child, { name: 'one' }), createTask(child, { name: 'two' })));
      }),
      {
        modes: ['cancel-after', 'timeout'],
        tasks: ({ name }) => name === 'two',
        failOnLeaks: false,
        check: (_state, { at }) => at !== null && seen.add(`${at.task} ${at.mode}`),
      },
    );
    expect([...seen]).toEqual(['two cancel-after', 'two timeout']);
  });

  test('says so when the program does not do the same each time', async () => {
    let runs = 0;
    const fickle = s.fn(function* () {
      if (runs++ > 0) yield* s.wait(sleep(0));
      yield* s.wait(sleep(1));
    });
    await expect(sweep(fickle)).rejects.toThrow(NondeterminismError);
  });

  test('says so when the program does not come to an await any more, with what it asks for that differs from run to run', async () => {
    let runs = 0;
    const fickle = s.fn(function* () {
      yield* s.wait(sleep(1));
      const isLong = Math.random() < 2 && runs++ < 4;
      if (isLong) yield* s.wait(sleep(1));
    });
    const error = await sweep(fickle).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(NondeterminismError);
    expect(String(error)).toContain('the program did not come to its await number 2, which was sleep of Task-1');
    expect(String(error)).toContain('Math.random() at ');
  });

  test('is told apart from what the program loses or leaves without being disturbed', async () => {
    const leaks = s.fn(function* () {
      createTask(() => sleep(9));
      yield* s.wait(sleep(1));
    });
    await expect(sweep(leaks)).rejects.toThrow(LeakError);
    const stuck = s.fn(() => s.wait(new Event().wait()));
    await expect(sweep(stuck)).rejects.toThrow(DeadlockError);
    const mistaken = s.fn(function* () {
      throw new RangeError('at once');
    });
    await expect(sweep(mistaken)).rejects.toThrow('at once');
  });

  test('knows a timeout whose deadline is the sweep\u2019s by its error, which comes only out of that', async () => {
    const names: string[] = [];
    await sweep(
      s.fn(function* () {
        const child = s.fn(() =>
          s.wait(
            timeout(
              5,
              s.fn(() => s.wait(sleep(1))),
            ),
          ),
        );
        const task: Task<unknown> = createTask(child);
        try {
          yield* s.wait(task);
        } catch (error) {
          rethrowIfCancelled(error);
          names.push((error as Error).message);
        }
      }),
      { modes: ['timeout', 'timeout-before', 'timeout-after'], tasks: ({ isMain }) => !isMain },
    );
    expect(names).toEqual(['timed out after 0 s', 'timed out after 0 s', 'timed out after 0 s']);
  });

  test('sweeps tasks that the program makes eagerly, or with a factory of its own', async () => {
    const seen = new Set<string>();
    await sweep(
      s.fn(function* () {
        const loop = getRunningLoop();
        const factory = loop.getTaskFactory();
        if (factory !== null) loop.setTaskFactory((...args) => factory(...args));
        yield* s.wait(
          createTask(
            s.fn(() => s.wait(sleep(1))),
            { eagerStart: true },
          ),
        );
      }),
      { check: (_state, { at }) => at !== null && seen.add(`${at.task} ${at.mode}`) },
    );
    expect(seen.size).toBe(12);
  });
});

describe('a sweep', () => {
  test('counts waits for promises that are not of this library, and ends the others', async () => {
    const report = await sweep(async () => {
      await foreign();
      await sleep(1);
      await foreign();
    });
    expect(report).toMatchObject({ awaits: 1, foreign: 2, runs: 6 });
  });

  test('runs a generator program slowly whose callbacks of promises it could not see otherwise', async () => {
    const report = await sweep(function* () {
      let isSettled = false;
      void Promise.resolve().then(() => {
        isSettled = true;
      });
      yield* sleep(1);
      if (isSettled) yield* sleep(1);
      else yield* sleep(0);
    });
    expect(report).toMatchObject({ awaits: 2, runs: 12 });
  });

  test('takes a check that gives an assertion of a test library', async () => {
    const { runs } = await sweep(async () => await sleep(1), { check: () => expect(1).toBe(1) as never });
    expect(runs).toBe(6);
  });

  test('waits for real work as long as it is told, and for that of its check always', async () => {
    const turns = async (): Promise<void> => {
      for (let i = 0; i < 50; i++) await new Promise((resolve) => setImmediate(resolve));
    };
    const working = async (): Promise<void> => {
      await turns();
      await sleep(1);
    };
    const report = await sweep(working);
    expect(report.runs).toBeGreaterThan(0);
    await expect(sweep(working, { patience: 0 })).rejects.toThrow(DeadlockError);
    await sweep(async () => await sleep(1), { patience: 0, check: turns });

    let isCancelled = false;
    const worksWhenCancelled = async (): Promise<void> => {
      isCancelled = false;
      try {
        await sleep(1);
      } catch (error) {
        isCancelled = true;
        await turns();
        throw error;
      }
    };
    await sweep(worksWhenCancelled);
    expect(isCancelled).toBe(true);
    const failure = await sweep(worksWhenCancelled, { patience: 0 }).catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(SweepFailure);
    const { message, token } = failure as SweepFailure;
    expect(message).toMatch(/replay\(main, '.*', \{ patience \}\)/);
    await expect(replay(worksWhenCancelled, token, { patience: 0 })).rejects.toThrow(SweepFailure);
  });

  test('refuses what it cannot run', async () => {
    await expect(sweep(Promise.resolve() as never)).rejects.toThrow(/the program is run many times/);
    await expect(sweep(async () => {}, { mode: 'cancel' } as never)).rejects.toThrow(/write \{ modes: … \}/);
    await expect(sweep(async () => {}, { modes: ['abort' as never] })).rejects.toThrow(/there is no mode 'abort'/);
    await expect(sweep(async () => {}, { modes: [] })).rejects.toThrow(/at least one of/);
    await expect(sweep(async () => {}, { resources: 5 as never })).rejects.toThrow(
      /resources is a list, or a function that gives one, got 5/,
    );
    await expect(sweep(async () => await sleep(1), { tasks: () => false })).rejects.toThrow(
      /selects none of the 1 places/,
    );
    await expect(sweep(async () => {}, { limit: 0 })).rejects.toThrow(/limit/);
    await expect(sweep(async () => {}, { patience: -1 })).rejects.toThrow(/sweep: patience/);
    await expect(sweep(async () => {}, { check: 5 as never })).rejects.toThrow(/check/);
    await expect(sweep(async () => void track({}), {})).rejects.toThrow(/neither acquire\(\) and release\(\)/);
    await expect(sweep(async () => void track(Object.freeze({ close: () => {} })), {})).rejects.toThrow(/frozen/);
    expect(() => track(undefined as never)).toThrow('track: an object is required, got undefined; write track(pool)');
    await expect(sweep(async () => await sleep(1), { resources: [3 as never] })).rejects.toThrow(
      /track: an object is required, got 3/,
    );
    expect(track(Object.freeze({}))).toEqual({}); // outside a sweep it does nothing
  });

  test('runs one after the other', async () => {
    const reports = await Promise.all([sweep(() => sleep(1)), sweep(() => sleep(1))]);
    expect(reports.map(({ runs }) => runs)).toEqual([6, 6]);
    await expect(sweep(async () => await sweep(() => sleep(1)))).rejects.toThrow(
      /cannot be called from a running event loop/,
    );
  });

  test('leaves tracked objects as they were', async () => {
    const pool = { acquire: () => 1, release: () => {} };
    const { acquire, release } = pool;
    await sweep(
      async () => {
        pool.acquire();
        pool.release();
        await sleep(0);
      },
      { resources: [pool] },
    );
    expect(pool).toEqual({ acquire, release });
  });
});

/** A promise that is not of the library, and takes ten turns of the runtime. */
function foreign(): Promise<void> {
  let left = 10;
  return new Promise((resolve) => {
    const turn = (): void => {
      if (left-- === 0) resolve();
      else setImmediate(turn);
    };
    turn();
  });
}

/** A client that comes when nobody waits for it any more is given back. */
function connected(pool: { connect(): Promise<{ release(): void }> }): Future<{ release(): void }> {
  return wrapPromise(pool.connect(), { onLate: (client) => client.release() });
}
