import {
  ContextVar,
  createTask,
  currentTask,
  EventLoop,
  Future,
  getRunningLoop,
  run,
  sleep,
  timeout,
} from 'asyncio-ts';
import { describe, expect, test } from 'vitest';
import { manualLoop } from '../../support/loops.ts';
import { runInProcess } from '../../support/processes.ts';
import { outcome, SimulatedRuntime } from '../../support/simulated-runtime.ts';
import { describeBoth } from '../../support/spellings.ts';

/** Two loops in one thread, and a program that has replaced the global `Promise`. */

/** Runs main functions side by side, each on a loop of its own. */
function sideBySide<T>(...mains: (() => Promise<T>)[]): Promise<T[]> {
  return Promise.all(
    mains.map((main) => run(main, { loopFactory: () => new EventLoop({ host: new SimulatedRuntime().host }) })),
  );
}

describe('two loops in one thread with open steps at once', () => {
  /** Waits for settled promises many times, so that its step is open while the other loop runs. */
  const open = async () => {
    const [loop, task] = [getRunningLoop(), currentTask()];
    for (let round = 0; round < 20; round++) {
      for (let i = 0; i < 50; i++) await null;
      expect(getRunningLoop() === loop).toBe(true);
      expect(currentTask() === task).toBe(true);
      await sleep(0);
      await new Promise((resolve) => setImmediate(resolve));
      expect(getRunningLoop() === loop).toBe(true);
      expect(currentTask() === task).toBe(true);
    }
    return loop;
  };

  test('keep their tasks and loops apart', async () => {
    const [one, other] = await sideBySide(open, open);
    expect(one === other).toBe(false);
  });

  test('keep deadlines, counts and variables apart', async () => {
    const variable = new ContextVar<string>('variable');
    const main = (name: string) => async () => {
      variable.set(name);
      const ends: unknown[] = [];
      for (let i = 0; i < 5; i++) {
        const both = [outcome(timeout(1, () => sleep(60))), outcome(timeout(50, () => open().then(() => 'open')))];
        ends.push(...(await Promise.all(both)), variable.get(), currentTask()!.cancelling());
      }
      return ends;
    };
    const [one, other] = await sideBySide(main('one'), main('other'));
    expect(one).toEqual(Array(5).fill(['TimeoutError', 'open', 'one', 0]).flat());
    expect(other).toEqual(Array(5).fill(['TimeoutError', 'open', 'other', 0]).flat());
  });

  test('cancel their own tasks alone', async () => {
    const promises = Array.from({ length: 2 }, () => Promise.withResolvers<void>());
    const main = (own: number, other: number) => async () => {
      const task = createTask(async () => {
        await promises[own]!.promise;
        await sleep(5);
        return 'to its end';
      });
      await sleep(1);
      if (own === 0) task.cancel();
      promises[other]!.resolve();
      return await outcome(task);
    };
    expect(await sideBySide(main(0, 1), main(1, 0))).toEqual(['CancelledError', 'to its end']);
  });

  test('of which one sets a future of the other: the waiter continues on its own loop', async () => {
    const made = Promise.withResolvers<[Future<string>]>();
    const waiting = async () => {
      const future = new Future<string>();
      made.resolve([future]);
      const value = await Promise.all([future, open()]).then(([first]) => first);
      return [value, getRunningLoop() === future.getLoop()];
    };
    const setting = async () => {
      const [future] = await made.promise;
      await open();
      future.setResult('set by the other');
      return ['set'];
    };
    expect(await sideBySide<unknown[]>(waiting, setting)).toEqual([['set by the other', true], ['set']]);
  });

  test('of which one awaits a future of the other get an error that it belongs to another loop', async () => {
    const made = Promise.withResolvers<[Future<string>]>();
    const over = Promise.withResolvers<void>();
    const waiting = async () => {
      made.resolve([new Future<string>()]);
      await over.promise;
      return 'over';
    };
    const awaiting = async () => {
      const [future] = await made.promise;
      const error: unknown = await (async () => await future)().then(String, (thrown: unknown) => thrown);
      over.resolve();
      return error;
    };
    const [, error] = await sideBySide<unknown>(waiting, awaiting);
    expect(error).toMatchObject({ name: 'RuntimeError' });
  });
});

describeBoth('two loops that are driven by hand', (s) => {
  test('take turns without confusing their steps', async () => {
    const [one, other] = [manualLoop(), manualLoop()];
    const log: string[] = [];
    const body = (name: string) =>
      s.fn(function* () {
        for (let i = 0; i < 3; i++) {
          log.push(`${name} ${currentTask()!.getName()}`);
          yield* s.wait(sleep(0));
        }
        return name;
      });
    const tasks = [
      one.loop.createTask(body('one'), { name: 'of one' }),
      other.loop.createTask(body('other'), { name: 'of other' }),
    ];
    for (let i = 0; i < 5; i++) {
      await one.iterate();
      await other.iterate();
    }
    expect(tasks.map((task) => task.result())).toEqual(['one', 'other']);
    expect(log).toEqual(Array(3).fill(['one of one', 'other of other']).flat());
  });
});

describe('a global Promise that was replaced by a subclass before the library is loaded', () => {
  test('changes nothing: cancellations, deadlines, callbacks, then and context variables', () => {
    const { stdout, stderr, status } = runInProcess(`
      const Native = Promise;
      globalThis.Promise = class TracedPromise extends Native {
        constructor(executor) { super((resolve, reject) => executor((value) => resolve(value), (error) => reject(error))); }
      };
      const { ContextVar, createTask, currentTask, gather, run, sleep, taskGroup, timeout } = await import('asyncio-ts');
      const name = (promise) => promise.then((value) => value, (error) => error.name);
      const foreign = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
      const log = [];
      const variable = new ContextVar('variable', { default: 'none' });
      await run(async () => {
        const inner = createTask(() => sleep(5));
        const task = createTask(async () => { await inner; });
        await sleep(0.001);
        task.cancel();
        log.push(await name(task), inner.cancelled());

        log.push(await Promise.all([name(timeout(0.005, () => sleep(5))), sleep(0.02, 'sibling')]));
        log.push(await name(timeout(0.005, async () => { await foreign(10); await sleep(5); })));
        log.push(await name(timeout(0.005, () => foreign(50))));
        log.push(await name(timeout(0.005, async () => { await gather(() => sleep(5)); })));

        const job = createTask(() => sleep(0.001, 'job'));
        log.push(await new Promise((resolve, reject) => job.then(resolve, reject)), job.then(() => {}) instanceof Native);

        const racing = createTask(async () => { await Promise.race([sleep(0.001), sleep(5)]); await foreign(20); await sleep(5); });
        await sleep(0.01);
        racing.cancel();
        log.push(await name(racing));

        variable.set('main');
        const seen = await new Promise((resolve) => setTimeout(async () => {
          variable.set('handler');
          await sleep(0.001);
          resolve([variable.get(), currentTask()]);
        }, 1));
        log.push(seen, variable.get());
      });
      console.log(JSON.stringify(log));
    `);
    expect(stderr).toBe('');
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toEqual([
      'CancelledError',
      true,
      ['TimeoutError', 'sibling'],
      'TimeoutError',
      'TimeoutError',
      'TimeoutError',
      'job',
      true,
      'CancelledError',
      ['handler', null],
      'main',
    ]);
  });
});
