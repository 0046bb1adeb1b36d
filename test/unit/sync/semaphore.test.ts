import { BoundedSemaphore, createTask, gather, Semaphore, ValueError } from 'asyncio-ts';
import { describe, expect, test } from 'vitest';
import { lockLaws } from '../../support/laws/lock-laws.ts';
import { semaphoreLaws } from '../../support/laws/semaphore-laws.ts';
import { iterations, program, thrownBy } from '../../support/programs.ts';
import { describeBoth } from '../../support/spellings.ts';

const waiting = (semaphore: Semaphore) => semaphore.statistics().waiting;
lockLaws('Semaphore(1)', () => new Semaphore(), waiting);
lockLaws('BoundedSemaphore(1)', () => new BoundedSemaphore(), waiting);
semaphoreLaws('Semaphore', (units) => new Semaphore(units));
semaphoreLaws('BoundedSemaphore', (units) => new BoundedSemaphore(units));

describeBoth('a semaphore', (s) => {
  test(
    'may be given more units than it had in the beginning',
    program(s, function* () {
      const semaphore = new Semaphore(0);
      const waiting = [1, 2].map(() => createTask(() => semaphore.acquire()));
      yield* iterations(s, 1);
      for (let i = 0; i < 3; i++) semaphore.release();
      yield* s.wait(gather(waiting));
      expect(semaphore.statistics()).toMatchObject({ value: 1, waiting: 0 });
    }),
  );

  test(
    'lets everybody pass when it has infinitely many units',
    program(s, function* () {
      const semaphore = new Semaphore(Number.POSITIVE_INFINITY);
      for (let i = 0; i < 5; i++) yield* s.wait(semaphore.acquire());
      expect(semaphore.locked()).toBe(false);
      semaphore.release();
    }),
  );
});

describe('a bounded semaphore', () => {
  test('cannot be released more often than it was acquired', () => {
    expect(thrownBy(() => new BoundedSemaphore(2).release())).toBeInstanceOf(ValueError);
  });
});
