import { type Coroutine, createTask, gather, Lock, Queue, sleep, timeout } from 'asyncio-ts';
import { completion } from 'asyncio-ts/testing';
import { expect, test } from 'vitest';
import { settingsOf } from '../../../../src/testing/explore/explore.ts';
import { Runs, traced } from '../../../../src/testing/explore/runs.ts';
import type { Level } from '../../../../src/testing/explore/schedule.ts';
import { RandomStrategy } from '../../../../src/testing/explore/strategies.ts';

type Main = () => Coroutine<unknown>;

/** Programs that have choices of all kinds, some of which come to a standstill. */
const programs: Readonly<Record<string, Main>> = {
  *'completions that come while tasks wait for a lock'() {
    const lock = new Lock();
    function* work() {
      yield* lock.acquire();
      yield* completion(1, { label: 'work' });
      lock.release();
    }
    const waiting = createTask(work);
    yield* gather([work, work, waiting]);
  },
  *'a task that is cancelled at some time'() {
    const lock = new Lock();
    function* work() {
      yield* lock.acquire();
      yield* completion(1, { label: 'work' });
      yield* sleep(0);
      lock.release();
    }
    const tasks = [createTask(work), createTask(work), createTask(work)];
    yield* completion(1, { label: 'the word' });
    tasks[1]!.cancel();
    yield* gather(tasks, { returnExceptions: true });
  },
  *'timers of one deadline, and a timeout'() {
    const queue = new Queue<number>();
    function* put(n: number) {
      yield* sleep(0.1);
      yield* queue.put(n);
    }
    function* get() {
      try {
        yield* timeout(0.1, function* () {
          yield* queue.get();
          yield* completion(1, { label: 'item' });
        });
      } catch {
        yield* sleep(0.0005);
      }
    }
    yield* gather([() => put(1), () => put(2), get, get]);
  },
};

for (const [name, main] of Object.entries(programs)) {
  test.each<Level>(['contract', 'any'])(
    `${name}: the same choices lead to the same run inside one call and with turns of the runtime (%s)`,
    async (level) => {
      const settings = settingsOf('explore', main, { level });
      const quick = new Runs(main, settings, true);
      const slow = new Runs(main, settings, false);
      const strategy = new RandomStrategy(7);
      let failures = 0;
      for (let run = 0; run < 60; run++) {
        strategy.begin(run);
        const one = await traced(quick, () => quick.run(strategy));
        strategy.begin(run);
        const other = await traced(slow, () => slow.run(strategy));
        expect(one.trace).toEqual(other.trace);
        expect(String(one.result?.error)).toBe(String(other.result?.error));
        if (one.result !== null) failures++;
      }
      expect(failures).toBeLessThan(60);
      quick.close();
      slow.close();
    },
  );
}
