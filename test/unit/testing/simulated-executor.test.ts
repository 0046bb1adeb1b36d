import { createTask, gather, getRunningLoop, sleep } from 'asyncio-ts';
import { BrokenProcessPool, BrokenThreadPool, toThread } from 'asyncio-ts/node';
import { ExplorationFailure, explore, runVirtual, SimulatedExecutor } from 'asyncio-ts/testing';
import { describe, expect, test } from 'vitest';
import { failure } from '../../support/programs.ts';
import { describeBoth } from '../../support/spellings.ts';
import { decided } from './network/support.ts';

describeBoth('a simulated executor', (s) => {
  test('runs so many jobs at a time, in the order in which they were submitted, in simulated time', async () => {
    const main = s.fn(function* () {
      const loop = getRunningLoop();
      const executor = new SimulatedExecutor({ workers: 2, takes: 5 });
      const began: [number, number][] = [];
      const job = (n: number) => {
        began.push([n, loop.time()]);
        return n * n;
      };
      const futures = [1, 2, 3].map((n) => loop.runInExecutor(executor, job, n));
      expect([executor.running, executor.queued]).toEqual([2, 1]);
      expect(`${executor} ${futures[0]}`).toBe(
        '<SimulatedExecutor workers=2 running=2 queued=1> <SimulatedJob job() pending>',
      );
      const squares = yield* s.wait(gather(...futures));
      yield* s.wait(executor.shutdown());
      return { squares, began, seconds: loop.time() };
    });
    expect(await runVirtual(main, { failOnLeaks: true })).toEqual({
      squares: [1, 4, 9],
      began: [
        [1, 0],
        [2, 0],
        [3, 5],
      ],
      seconds: 10,
    });
  });

  test('fails with what the function throws, and awaits what it gives', async () => {
    const main = s.fn(function* () {
      const loop = getRunningLoop();
      const executor = new SimulatedExecutor();
      const error = yield* failure(
        s,
        loop.runInExecutor(executor, () => {
          throw new TypeError('no');
        }),
      );
      const work = s.fn(function* (n: number) {
        yield* s.wait(sleep(3));
        if (n < 0) throw new RangeError('negative');
        return n;
      });
      const value = yield* s.wait(loop.runInExecutor(executor, work, 7));
      const other = yield* failure(s, loop.runInExecutor(executor, work, -7));
      return { error, value, other, seconds: loop.time() };
    });
    expect(await runVirtual(main, { failOnLeaks: true })).toMatchObject({
      error: { name: 'TypeError', message: 'no' },
      value: 7,
      other: { name: 'RangeError' },
      seconds: 6,
    });
  });

  test('is what toThread uses when it is the executor of the loop', async () => {
    const main = s.fn(function* () {
      const executor = new SimulatedExecutor({ takes: 1 });
      getRunningLoop().setDefaultExecutor(executor);
      const sum = yield* s.wait(toThread((a: number, b: number) => a + b, 1, 2));
      return [sum, getRunningLoop().time()];
    });
    expect(await runVirtual(main)).toEqual([3, 1]);
  });

  test('drops a job that waits when it is cancelled, and the result of one that runs', async () => {
    const main = s.fn(function* () {
      const loop = getRunningLoop();
      const executor = new SimulatedExecutor({ workers: 1, takes: 5 });
      const ran: string[] = [];
      const jobs = ['first', 'second', 'third'].map((name) => loop.runInExecutor(executor, () => ran.push(name)));
      const task = createTask(() => jobs[1]!);
      yield* s.wait(sleep(1));
      jobs[0]!.cancel();
      task.cancel();
      yield* failure(s, task);
      yield* s.wait(executor.shutdown());
      return { ran, cancelled: jobs.map((job) => job.cancelled()), seconds: loop.time() };
    });
    expect(await runVirtual(main)).toEqual({
      ran: ['first', 'third'],
      cancelled: [true, true, false],
      seconds: 10,
    });
  });

  test('accepts no more jobs when it is shut down, and does those that it has', async () => {
    const main = s.fn(function* () {
      const loop = getRunningLoop();
      const executor = new SimulatedExecutor({ workers: 1 });
      const job = loop.runInExecutor(executor, () => 'done');
      const over = executor.shutdown();
      expect(executor.shutdown()).toBe(over);
      expect(() => loop.runInExecutor(executor, () => 1)).toThrow('cannot schedule new futures after shutdown');
      yield* s.wait(over);
      expect(job.result()).toBe('done');
      yield* s.wait(new SimulatedExecutor()[Symbol.asyncDispose]());
    });
    await runVirtual(main);
  });

  test('loses workers when a test says so, with the errors of the real pools, and goes on with others', async () => {
    const main = s.fn(function* () {
      const loop = getRunningLoop();
      const executor = new SimulatedExecutor({ workers: 1, takes: 5 });
      const ran: string[] = [];
      const [first, second, third] = ['first', 'second', 'third'].map((name) =>
        loop.runInExecutor(executor, function work() {
          ran.push(name);
          return name;
        }),
      );
      yield* s.wait(sleep(1));
      executor.loseWorker();
      const error = yield* failure(s, first!);
      expect(error).toBeInstanceOf(BrokenThreadPool);
      expect(error).toMatchObject({
        code: 'WORKER_DIED',
        message: 'a worker has died while it ran work(): the simulation has ended it meanwhile',
      });
      expect(yield* s.wait(gather(second!, third!))).toEqual(['second', 'third']);
      expect([ran, loop.time()]).toEqual([['first', 'second', 'third'], 11]);
      const processes = new SimulatedExecutor({ of: 'processes' });
      processes.loseWorker();
      const lost = yield* failure(
        s,
        loop.runInExecutor(processes, () => ran.push('never')),
      );
      expect(lost).toBeInstanceOf(BrokenProcessPool);
      expect(yield* s.wait(loop.runInExecutor(processes, () => 'next'))).toBe('next');
      expect(ran).not.toContain('never');
    });
    await runVirtual(main, { failOnLeaks: true, failOnUnretrieved: true });
  });

  test('loses a worker before or after its function has run where it is decided so, as often as it may', async () => {
    for (const [way, ran] of [
      [0, 1],
      [1, 0],
      [2, 1],
    ] as const) {
      let count = 0;
      const main = s.fn(function* () {
        const executor = new SimulatedExecutor({ lose: true });
        const run = () => getRunningLoop().runInExecutor(executor, () => ++count);
        const one = s.fn(function* () {
          if (way === 0) return yield* s.wait(run());
          return yield* failure(s, run());
        });
        const first = yield* s.wait(one());
        const before = count;
        if (way > 0) yield* s.wait(run());
        return [first, before];
      });
      const {
        value,
        failure: failed,
        asked,
      } = await decided<unknown[]>(main, ({ kind }) => (kind === 'fault' ? way : undefined));
      expect(failed).toBe(null);
      expect(value!.value[1]).toBe(ran);
      if (way > 0) expect(value!.value[0]).toMatchObject({ code: 'WORKER_DIED' });
      expect(asked.filter(({ kind }) => kind === 'fault')).toHaveLength(1);
      expect(asked.find(({ kind }) => kind === 'fault')!.labels).toEqual([
        'no lost worker',
        'the worker of <anonymous>() is lost before the function runs',
        'the worker of <anonymous>() is lost when the function has run',
      ]);
    }
  });

  test('has results that come in any order under explore', async () => {
    const seen = new Set<string>();
    const main = s.fn(function* () {
      const executor = new SimulatedExecutor();
      const order: number[] = [];
      const one = s.fn(function* (n: number) {
        order.push(yield* s.wait(getRunningLoop().runInExecutor(executor, (m: number) => m, n)));
      });
      yield* s.wait(gather(one(1), one(2), one(3)));
      return order.join('');
    });
    const check = (order: string) => void seen.add(order);
    await explore(main, { schedules: 300, check });
    expect([...seen].sort()).toEqual(['123', '132', '213', '231', '312', '321']);
  });

  test('shows under explore a job that is not done again when its worker is lost, and one that is done twice', async () => {
    const program = (attempts: number) =>
      s.fn(function* () {
        const executor = new SimulatedExecutor({ lose: true });
        let sent = 0;
        for (let i = 1; i <= attempts; i++) {
          try {
            yield* s.wait(getRunningLoop().runInExecutor(executor, () => ++sent));
            break;
          } catch (error) {
            if (i === attempts) throw error;
          }
        }
        return sent;
      });
    const check = (sent: number) => expect(sent).toBe(1);
    const once = (await explore(program(1), { schedules: 100, check }).catch(
      (error: unknown) => error,
    )) as ExplorationFailure;
    expect(once).toBeInstanceOf(ExplorationFailure);
    expect(once.error).toMatchObject({ code: 'WORKER_DIED' });
    const twice = (await explore(program(2), { schedules: 100, check }).catch(
      (error: unknown) => error,
    )) as ExplorationFailure;
    expect(twice.explanation).toContain('is lost when the function has run');
  });
});

describe('new SimulatedExecutor()', () => {
  test('refuses what it cannot do, and another run than its own', async () => {
    expect(() => new SimulatedExecutor()).toThrow('works only in a simulated program');
    let executor: SimulatedExecutor | null = null;
    await runVirtual(async () => {
      executor = new SimulatedExecutor();
      expect(() => new SimulatedExecutor({ workers: 0 })).toThrow('workers must be a whole number of at least 1');
      expect(() => new SimulatedExecutor({ loose: 1 } as never)).toThrow('write { lose: … }');
      expect(() => new SimulatedExecutor({ of: 'fibers' } as never)).toThrow(
        "of is 'threads' or 'processes', got 'fibers'",
      );
    });
    await expect(runVirtual(async () => executor!.submit(() => 1))).rejects.toMatchObject({ code: 'OTHER_RUN' });
  });
});
