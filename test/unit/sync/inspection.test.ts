import { inspect } from 'node:util';
import {
  Barrier,
  BoundedSemaphore,
  BrokenBarrierError,
  Condition,
  createTask,
  Event as Flag,
  getRunningLoop,
  Lock,
  type Registry,
  Semaphore,
  sleep,
  type Task,
} from 'asyncio-ts';
import { describe, expect, test } from 'vitest';
import { failure, iterations, names, program } from '../../support/programs.ts';
import { describeBoth } from '../../support/spellings.ts';

/** What the process shows to tools that a task waits for. */
function waitsFor(name: string): string | null | undefined {
  const registry = (globalThis as { [key: symbol]: unknown })[Symbol.for('asyncio-ts')] as Registry;
  return registry.tasks(0, Number.POSITIVE_INFINITY).find((report) => report.name === name)?.waitsFor;
}

/** Statistics with tasks as their names. */
function named(statistics: object): object {
  const shown = (value: unknown) => (Array.isArray(value) ? names(value as Task<unknown>[]) : value);
  return Object.fromEntries(Object.entries(statistics).map(([key, value]) => [key, shown(value)]));
}

describe('a user-defined primitive', () => {
  test('is shown in one line, by Node too', () => {
    for (const [primitive, text] of [
      [new Lock(), '<Lock [unlocked]>'],
      [new Flag(), '<Event [unset]>'],
      [new Condition(), '<Condition [unlocked]>'],
      [new Semaphore(3), '<Semaphore [unlocked, value:3]>'],
      [new Semaphore(0), '<Semaphore [locked]>'],
      [new BoundedSemaphore(2), '<BoundedSemaphore [unlocked, value:2]>'],
      [new Barrier(2), '<Barrier [filling, waiters:0/2]>'],
    ] as const) {
      expect([String(primitive), inspect(primitive)]).toEqual([text, text]);
    }
  });

  test('is shown by the name of its class', () => {
    class DatabaseLock extends Lock {}
    expect(String(new DatabaseLock())).toBe('<DatabaseLock [unlocked]>');
  });
});

describeBoth('a primitive that tasks wait for', (s) => {
  test(
    'is, when a lock, shown with its holder and its waiters',
    program(s, function* () {
      const lock = new Lock();
      const hold = s.fn(function* () {
        using guard = yield* s.wait(lock.acquire());
        expect([String(guard), inspect(guard)]).toEqual(Array(2).fill('<Guard of <Lock [locked]>>'));
        yield* s.wait(sleep(1));
        guard[Symbol.dispose]();
        expect(String(guard)).toBe('<Guard released>');
      });
      const holder = createTask(hold, { name: 'holder' });
      const others = ['a', 'b'].map((name) => createTask(() => lock.with(() => sleep(0)), { name }));
      yield* iterations(s, 2);
      expect(inspect(lock)).toBe('<Lock [locked, waiters:2]>');
      const { holder: has, ...statistics } = lock.statistics();
      expect(named(statistics)).toEqual({ locked: true, waiting: 2, peakWaiting: 2, waiters: ['a', 'b'] });
      expect(has === holder).toBe(true);
      expect(waitsFor('a')).toMatch(/^acquire of <Lock \[locked, waiters:2\]>/);
      expect(names(lock.waiters.holders)).toEqual(['holder']);
      yield* s.wait(others[1]!);
      // The peak stays.
      expect(named(lock.statistics())).toEqual({
        locked: false,
        holder: null,
        waiting: 0,
        peakWaiting: 2,
        waiters: [],
      });
    }),
  );

  test(
    'is, when a lock acquired outside any task, shown without a holder',
    program(s, function* () {
      const lock = new Lock();
      getRunningLoop().callSoon(() => lock.acquire().next());
      yield* iterations(s, 1);
      expect(named(lock.statistics())).toEqual({ locked: true, holder: null, waiting: 0, peakWaiting: 0, waiters: [] });
      expect(lock.waiters.holders).toEqual([]);
    }),
  );

  test(
    'is, when a semaphore, shown with the tasks that have units',
    program(s, function* () {
      const semaphore = new Semaphore(2);
      const body = s.fn(function* () {
        yield* s.wait(sleep(1));
      });
      const tasks = ['a', 'b', 'c'].map((name) => createTask(() => semaphore.with(body), { name }));
      yield* iterations(s, 2);
      expect(named(semaphore.statistics())).toEqual({
        value: 0,
        leastValue: 0,
        holders: ['a', 'b'],
        waiting: 1,
        peakWaiting: 1,
        waiters: ['c'],
      });
      expect(waitsFor('c')).toMatch(/^acquire of <Semaphore \[locked, waiters:1\]>/);
      expect(names(semaphore.waiters.holders)).toEqual(['a', 'b']);
      yield* s.wait(tasks[0]!);
      yield* iterations(s, 1);
      expect(named(semaphore.statistics())).toEqual({
        value: 1,
        leastValue: 0,
        holders: ['c'],
        waiting: 0,
        peakWaiting: 1,
        waiters: [],
      });
    }),
  );

  test(
    'counts the units of each holder, and a stranger gives back those of the first',
    program(s, function* () {
      const semaphore = new Semaphore(5);
      const take = s.fn(function* (count: number) {
        for (let i = 0; i < count; i++) yield* s.wait(semaphore.acquire());
        yield* s.wait(sleep(1));
        semaphore.release();
        yield* s.wait(sleep(10));
      });
      createTask(() => take(2), { name: 'two' });
      createTask(() => take(1), { name: 'one' });
      yield* s.wait(sleep(0.5));
      expect(names(semaphore.statistics().holders)).toEqual(['two', 'one']);
      yield* s.wait(sleep(1));
      expect(names(semaphore.statistics().holders)).toEqual(['two']);
      semaphore.release();
      expect(semaphore.statistics().holders).toEqual([]);
      semaphore.release(); // one more than were taken: nobody's
      expect(semaphore.statistics()).toMatchObject({ value: 6, leastValue: 2, holders: [] });
    }),
  );

  test(
    'is, when an event, shown with its waiters',
    program(s, function* () {
      const event = new Flag();
      createTask(() => event.wait(), { name: 'a' });
      yield* iterations(s, 2);
      expect(inspect(event)).toBe('<Event [unset, waiters:1]>');
      expect(named(event.statistics())).toEqual({ isSet: false, waiting: 1, peakWaiting: 1, waiters: ['a'] });
      expect(waitsFor('a')).toBe('wait of <Event [unset, waiters:1]>');
      event.set();
      yield* iterations(s, 2);
      expect(inspect(event)).toBe('<Event [set]>');
      expect(named(event.statistics())).toEqual({ isSet: true, waiting: 0, peakWaiting: 1, waiters: [] });
    }),
  );

  test(
    'is, when a condition, shown with its waiters and the holder of its lock',
    program(s, function* () {
      const condition = new Condition();
      createTask(() => condition.with(() => condition.wait()), { name: 'a' });
      yield* iterations(s, 2);
      expect(inspect(condition)).toBe('<Condition [unlocked, waiters:1]>');
      expect(waitsFor('a')).toBe('wait of <Condition [unlocked, waiters:1]>');
      yield* s.wait(condition.acquire());
      const { holder, ...statistics } = condition.statistics();
      expect(named(statistics)).toEqual({ locked: true, waiting: 1, peakWaiting: 1, waiters: ['a'] });
      expect(holder === condition.lock.holder && holder !== null).toBe(true);
      condition.notify();
      condition.release();
      yield* iterations(s, 3);
      expect(named(condition.statistics())).toEqual({
        locked: false,
        holder: null,
        waiting: 0,
        peakWaiting: 1,
        waiters: [],
      });
    }),
  );

  test(
    'is, when a barrier, what the tasks at it are shown to wait for',
    program(s, function* () {
      const barrier = new Barrier(2);
      const waiting = createTask(() => barrier.wait(), { name: 'a' });
      yield* iterations(s, 2);
      expect(inspect(barrier)).toBe('<Barrier [filling, waiters:1/2]>');
      expect(named(barrier.statistics())).toEqual({ state: 'filling', parties: 2, waiting: 1, waiters: ['a'] });
      expect(waitsFor('a')).toBe('wait of <Barrier [filling, waiters:1/2]>');
      yield* s.wait(barrier.abort());
      expect(inspect(barrier)).toBe('<Barrier [broken]>');
      expect(yield* failure(s, waiting)).toBeInstanceOf(BrokenBarrierError);
    }),
  );
});
