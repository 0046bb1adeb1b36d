import {
  CancelledError,
  Condition,
  coroutine,
  createTask,
  gather,
  getRunningLoop,
  Lock,
  RuntimeError,
  sleep,
} from 'asyncio-ts';
import { expect, test } from 'vitest';
import { lockLaws } from '../../support/laws/lock-laws.ts';
import { failure, iterations, program, thrownBy } from '../../support/programs.ts';
import { describeBoth } from '../../support/spellings.ts';

lockLaws(
  'Condition',
  () => new Condition(),
  (condition) => condition.lock.statistics().waiting,
);

describeBoth('a condition', (s) => {
  /** Tasks that wait for the condition once, and note what came of it. */
  const waiters = (condition: Condition, trace: string[], ...names: string[]) => {
    const wait = s.fn(function* (name: string) {
      yield* s.wait(condition.acquire());
      try {
        yield* s.wait(condition.wait());
        trace.push(`${name} woken`);
      } catch (error) {
        trace.push(`${name} ${(error as Error).name}`);
        throw error;
      } finally {
        expect(condition.locked()).toBe(true);
        condition.release();
      }
    });
    return names.map((name) => createTask(() => wait(name), { name }));
  };

  const notify = s.fn(function* (condition: Condition, count?: number) {
    yield* s.wait(condition.acquire());
    condition.notify(count);
    condition.release();
  });

  test(
    'gives its lock away while it waits, and has it again afterwards',
    program(s, function* () {
      const condition = new Condition();
      const trace: string[] = [];
      const tasks = waiters(condition, trace, 'a');
      yield* iterations(s, 1);
      expect(condition.locked()).toBe(false);
      yield* s.wait(condition.acquire());
      condition.notify();
      yield* iterations(s, 3);
      expect(trace).toEqual([]); // woken, but the lock is not free yet
      condition.release();
      yield* s.wait(gather(tasks));
      expect([trace, condition.locked()]).toEqual([['a woken'], false]);
    }),
  );

  test(
    'wakes the given number of tasks, in the order in which they came',
    program(s, function* () {
      const condition = new Condition();
      const trace: string[] = [];
      const tasks = waiters(condition, trace, 'a', 'b', 'c', 'd');
      yield* iterations(s, 1);
      yield* s.wait(notify(condition));
      yield* iterations(s, 3);
      expect(trace).toEqual(['a woken']);
      yield* s.wait(notify(condition, 0));
      yield* iterations(s, 3);
      expect(trace).toEqual(['a woken']);
      yield* s.wait(notify(condition, 2));
      yield* iterations(s, 5);
      expect(trace).toEqual(['a woken', 'b woken', 'c woken']);
      yield* s.wait(notify(condition, 100));
      yield* s.wait(gather(tasks));
      expect(trace).toEqual(['a woken', 'b woken', 'c woken', 'd woken']);
    }),
  );

  test(
    'wakes all with notifyAll, and they go on one after the other',
    program(s, function* () {
      const condition = new Condition();
      const trace: string[] = [];
      const tasks = waiters(condition, trace, 'a', 'b', 'c');
      yield* iterations(s, 1);
      yield* s.wait(condition.acquire());
      condition.notifyAll();
      condition.release();
      yield* s.wait(gather(tasks));
      expect(trace).toEqual(['a woken', 'b woken', 'c woken']);
    }),
  );

  test(
    'can be neither waited for nor notified without its lock',
    program(s, function* () {
      const condition = new Condition();
      for (const call of [() => condition.notify(), () => condition.notifyAll()])
        expect(thrownBy(call)).toBeInstanceOf(RuntimeError);
      expect(yield* failure(s, condition.wait())).toBeInstanceOf(RuntimeError);
      expect(condition.statistics()).toMatchObject({ locked: false, waiting: 0 });
    }),
  );

  test(
    'that is cancelled takes its lock first, however long that takes',
    program(s, function* () {
      const condition = new Condition();
      const trace: string[] = [];
      const [task] = waiters(condition, trace, 'a');
      yield* iterations(s, 1);
      yield* s.wait(condition.acquire());
      task!.cancel();
      yield* s.wait(sleep(10));
      expect(task!.done()).toBe(false);
      condition.release();
      expect(yield* failure(s, task!)).toBeInstanceOf(CancelledError);
      expect([trace, condition.locked(), getRunningLoop().time()]).toEqual([['a CancelledError'], false, 10]);
    }),
  );

  test(
    'puts further cancellations off until it has its lock, and raises the last one',
    program(s, function* () {
      const condition = new Condition();
      const trace: string[] = [];
      const [task] = waiters(condition, trace, 'a');
      yield* iterations(s, 1);
      yield* s.wait(condition.acquire());
      for (const message of ['first', 'second', 'third']) {
        task!.cancel(message);
        yield* iterations(s, 2);
        expect(task!.done()).toBe(false);
      }
      condition.release();
      const error = yield* failure(s, task!);
      expect(error).toBeInstanceOf(CancelledError);
      expect((error as Error).message).toBe('third');
      expect([trace, condition.locked()]).toEqual([['a CancelledError'], false]);
    }),
  );

  test(
    'passes the wake of a notified waiter that is cancelled on to the next one',
    program(s, function* () {
      const condition = new Condition();
      const trace: string[] = [];
      const [a, b] = waiters(condition, trace, 'a', 'b');
      yield* iterations(s, 1);
      yield* s.wait(condition.acquire());
      condition.notify();
      a!.cancel();
      condition.release();
      yield* s.wait(b!);
      expect(trace).toEqual(['a CancelledError', 'b woken']);
    }),
  );

  test(
    'may wake without a reason: a waiter that was never notified and is cancelled wakes the next one',
    program(s, function* () {
      const condition = new Condition();
      const trace: string[] = [];
      const [a, b] = waiters(condition, trace, 'a', 'b');
      yield* iterations(s, 1);
      a!.cancel();
      yield* s.wait(b!);
      expect(trace).toEqual(['a CancelledError', 'b woken']);
    }),
  );

  test(
    'waits for a predicate, which is asked at once and after each wake, and gives its answer',
    program(s, function* () {
      const condition = new Condition();
      const items: string[] = [];
      let asked = 0;
      const consume = s.fn(function* () {
        yield* s.wait(condition.acquire());
        const item = yield* s.wait(
          condition.waitFor(() => {
            asked++;
            return items[0];
          }),
        );
        condition.release();
        return item;
      });
      const task = createTask(consume);
      yield* iterations(s, 1);
      expect(asked).toBe(1);
      yield* s.wait(notify(condition));
      yield* iterations(s, 3);
      expect([asked, task.done()]).toEqual([2, false]);
      items.push('item');
      yield* s.wait(notify(condition));
      expect(yield* s.wait(task)).toBe('item');
      expect(asked).toBe(3);
    }),
  );

  test(
    'does not wait for a predicate that is true',
    program(s, function* () {
      const condition = new Condition();
      yield* s.wait(condition.acquire());
      let turns = 0;
      getRunningLoop().callSoon(() => turns++);
      expect(yield* s.wait(condition.waitFor(() => 'yes'))).toBe('yes');
      expect(turns).toBe(0);
    }),
  );

  test(
    'holds its lock when a predicate throws, and wakes no task for it',
    program(s, function* () {
      const condition = new Condition();
      const error = new Error('predicate');
      const body = s.fn(function* () {
        yield* s.wait(
          condition.waitFor(() => {
            throw error;
          }),
        );
      });
      expect(yield* failure(s, condition.with(body))).toBe(error);
      expect(condition.statistics()).toMatchObject({ locked: false, waiting: 0 });
    }),
  );

  test(
    'shares a lock with others when it is given one',
    program(s, function* () {
      const lock = new Lock();
      const [full, empty] = [new Condition(lock), new Condition(lock)];
      yield* s.wait(full.acquire());
      expect([full.lock === lock, lock.locked(), empty.locked()]).toEqual([true, true, true]);
      empty.release();
      expect(full.locked()).toBe(false);
    }),
  );

  test(
    "acquires a lock of one's own class again, whatever its acquire() awaits, and however often that is cancelled",
    program(s, function* () {
      const trace: string[] = [];
      class SlowLock extends Lock {
        override acquire() {
          return this.#slowly();
        }
        readonly #slowly = coroutine(
          s.fn(function* (this: void) {
            try {
              yield* s.wait(sleep(1));
              trace.push('slept');
            } catch (error) {
              trace.push('cancelled');
              throw error;
            }
            return yield* s.wait(quick());
          }),
        );
      }
      const lock: SlowLock = new SlowLock();
      const quick = () => Lock.prototype.acquire.call(lock);
      const condition = new Condition(lock);
      const task = createTask(() => condition.with(() => condition.wait()));
      yield* s.wait(sleep(2));
      expect(trace.splice(0)).toEqual(['slept']);
      task.cancel('waiting');
      yield* s.wait(sleep(0.5));
      task.cancel('acquiring');
      yield* s.wait(sleep(0.9));
      expect([trace.splice(0), task.done()]).toEqual([['cancelled'], false]);
      expect(yield* failure(s, task)).toMatchObject({ name: 'CancelledError', message: 'acquiring' });
      expect([trace, lock.locked(), getRunningLoop().time()]).toEqual([['slept'], false, 3.5]);
    }),
  );

  test(
    'throws what its lock throws when it is acquired again, instead of what has ended the wait',
    program(s, function* () {
      const lock = new Lock();
      const condition = new Condition(lock);
      const error = new Error('no lock');
      const wait = s.fn(function* () {
        yield* s.wait(lock.acquire());
        yield* s.wait(condition.wait());
      });
      const tasks = [createTask(wait), createTask(wait)];
      yield* iterations(s, 3);
      lock.acquire = () => {
        throw error;
      };
      tasks[0]!.cancel();
      expect(yield* failure(s, tasks[0])).toBe(error);
      expect(yield* failure(s, tasks[1])).toBe(error); // the wake was passed on
      expect(condition.statistics().waiting).toBe(0);
    }),
  );
});
