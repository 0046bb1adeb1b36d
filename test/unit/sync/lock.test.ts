import { createTask, Lock, RuntimeError, sleep } from 'asyncio-ts';
import { expect, test } from 'vitest';
import { lockLaws } from '../../support/laws/lock-laws.ts';
import { iterations, program, thrownBy } from '../../support/programs.ts';
import { describeBoth } from '../../support/spellings.ts';

lockLaws(
  'Lock',
  () => new Lock(),
  (lock) => lock.statistics().waiting,
);

describeBoth('a lock', (s) => {
  test(
    'is not handed over: it is free until the task that was woken takes it',
    program(s, function* () {
      const lock = new Lock();
      yield* s.wait(lock.acquire());
      const next = createTask(() => lock.acquire());
      yield* iterations(s, 1);
      lock.release();
      expect(lock.locked()).toBe(false);
      yield* iterations(s, 1);
      expect([lock.locked(), lock.holder?.getName()]).toEqual([true, next.getName()]);
    }),
  );

  test(
    'that is free cannot be released',
    program(s, function* () {
      const lock = new Lock();
      expect(thrownBy(() => lock.release())).toBeInstanceOf(RuntimeError);
      yield* s.wait(lock.acquire());
      lock.release();
      expect(thrownBy(() => lock.release())).toBeInstanceOf(RuntimeError);
    }),
  );

  test(
    'released and woken for a task that is cancelled can be taken by a newcomer, since no other task waits',
    program(s, function* () {
      const lock = new Lock();
      yield* s.wait(lock.acquire());
      const waiting = createTask(() => lock.acquire());
      yield* iterations(s, 1);
      waiting.cancel();
      lock.release();
      yield* s.wait(lock.acquire()); // at once: a cancelled waiter does not count
      expect(lock.locked()).toBe(true);
      yield* iterations(s, 1);
      expect([waiting.cancelled(), lock.locked()]).toEqual([true, true]);
    }),
  );

  test(
    'knows the task that holds it',
    program(s, function* () {
      const lock = new Lock();
      expect(lock.holder).toBe(null);
      const holding = s.fn(function* () {
        yield* s.wait(lock.acquire());
        yield* s.wait(sleep(1));
        lock.release();
      });
      const task = createTask(holding);
      yield* iterations(s, 1);
      expect(lock.holder === task).toBe(true);
      yield* s.wait(task);
      expect(lock.holder).toBe(null);
    }),
  );
});
