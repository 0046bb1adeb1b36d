import { CancelledError, createTask, gather, getRunningLoop, sleep } from 'asyncio-ts';
import { expect, test } from 'vitest';
import { failure, iterations, program } from '../programs.ts';
import { describeBoth, type Spelling } from '../spellings.ts';
import type { LockLike } from './lock-laws.ts';

/** Whatever lets a number of tasks at a time pass. */
export interface SemaphoreLike extends LockLike {
  statistics(): { readonly value: number; readonly waiting: number };
}

/** Tasks that take a unit and keep it. */
function takers(s: Spelling, semaphore: SemaphoreLike, got: string[], names: readonly string[]) {
  const take = s.fn(function* (name: string) {
    yield* s.wait(semaphore.acquire());
    got.push(name);
  });
  return names.map((name) => createTask(() => take(name), { name }));
}

/**
 * What is true of every semaphore.
 *
 * @param make one with so many units, none of them taken
 */
export function semaphoreLaws(name: string, make: (units: number) => SemaphoreLike): void {
  describeBoth(`${name}`, (s) => {
    test.each([1, 2, 3, 7, 10])(
      'with %i units lets as many in at once, and the others when one of them leaves',
      (units) =>
        program(s, function* () {
          const semaphore = make(units);
          let inside = 0;
          let most = 0;
          const work = s.fn(function* () {
            yield* s.wait(semaphore.acquire());
            most = Math.max(most, ++inside);
            yield* s.wait(sleep(1));
            inside--;
            semaphore.release();
          });
          yield* s.wait(gather(Array.from({ length: 7 }, () => createTask(work))));
          expect([most, inside]).toEqual([Math.min(units, 7), 0]);
          expect(getRunningLoop().time()).toBe(Math.ceil(7 / units));
          expect(semaphore.statistics()).toMatchObject({ value: units, waiting: 0 });
        })(),
    );

    test(
      'is locked when no unit is left',
      program(s, function* () {
        const semaphore = make(2);
        yield* s.wait(semaphore.acquire());
        expect(semaphore.locked()).toBe(false);
        yield* s.wait(semaphore.acquire());
        expect(semaphore.locked()).toBe(true);
        semaphore.release();
        expect(semaphore.locked()).toBe(false);
      }),
    );

    test(
      'reserves the unit of a release for the task that waits: no other task can take it first',
      program(s, function* () {
        const semaphore = make(1);
        yield* s.wait(semaphore.acquire());
        const got: string[] = [];
        const [waiting] = takers(s, semaphore, got, ['waiting']);
        yield* iterations(s, 1);
        semaphore.release();
        expect(semaphore.statistics().value).toBe(0);
        expect(semaphore.locked()).toBe(true);
        const [newcomer] = takers(s, semaphore, got, ['newcomer']);
        yield* s.wait(waiting!);
        yield* iterations(s, 1);
        expect([got, newcomer!.done()]).toEqual([['waiting'], false]);
        semaphore.release();
        yield* s.wait(newcomer!);
      }),
    );

    test(
      'is locked to newcomers while somebody waits, though units have been released',
      program(s, function* () {
        const semaphore = make(2);
        yield* s.wait(semaphore.acquire());
        yield* s.wait(semaphore.acquire());
        const got: string[] = [];
        const tasks = takers(s, semaphore, got, ['a', 'b']);
        yield* iterations(s, 1);
        semaphore.release();
        semaphore.release();
        expect(semaphore.locked()).toBe(true);
        tasks.push(...takers(s, semaphore, got, ['c']));
        yield* iterations(s, 1);
        expect(got).toEqual(['a', 'b']);
        semaphore.release();
        yield* s.wait(gather(tasks));
        expect(got).toEqual(['a', 'b', 'c']);
      }),
    );

    test(
      'takes a reserved unit back from a waiter that is cancelled, and wakes the next one',
      program(s, function* () {
        const semaphore = make(1);
        yield* s.wait(semaphore.acquire());
        const got: string[] = [];
        const [a, b] = takers(s, semaphore, got, ['a', 'b']);
        yield* iterations(s, 1);
        semaphore.release();
        a!.cancel();
        expect(yield* failure(s, a!)).toBeInstanceOf(CancelledError);
        yield* s.wait(b!);
        expect([got, semaphore.statistics().value]).toEqual([['b'], 0]);
      }),
    );

    test(
      'has its unit again when the task for which it was reserved is cancelled and no other task waits',
      program(s, function* () {
        const semaphore = make(1);
        yield* s.wait(semaphore.acquire());
        const [task] = takers(s, semaphore, [], ['a']);
        yield* iterations(s, 1);
        semaphore.release();
        task!.cancel();
        yield* iterations(s, 1);
        expect(semaphore.statistics()).toMatchObject({ value: 1, waiting: 0 });
        expect(semaphore.locked()).toBe(false);
      }),
    );

    test(
      'leaves its units alone when a waiter is cancelled that had none',
      program(s, function* () {
        const semaphore = make(1);
        yield* s.wait(semaphore.acquire());
        const got: string[] = [];
        const [a, b] = takers(s, semaphore, got, ['a', 'b']);
        yield* iterations(s, 1);
        a!.cancel();
        yield* iterations(s, 3);
        expect([got, semaphore.statistics().value, b!.done()]).toEqual([[], 0, false]);
        semaphore.release();
        yield* s.wait(b!);
      }),
    );

    test(
      'wakes as many as there are units when several are released at once',
      program(s, function* () {
        const semaphore = make(3);
        for (let i = 0; i < 3; i++) yield* s.wait(semaphore.acquire());
        const got: string[] = [];
        const tasks = takers(s, semaphore, got, ['a', 'b', 'c', 'd', 'e']);
        yield* iterations(s, 1);
        for (let i = 0; i < 3; i++) semaphore.release();
        yield* iterations(s, 1);
        expect(got).toEqual(['a', 'b', 'c']);
        for (let i = 0; i < 2; i++) semaphore.release();
        yield* s.wait(gather(tasks));
        expect(got).toEqual(['a', 'b', 'c', 'd', 'e']);
      }),
    );

    test(
      'without any unit lets no task pass',
      program(s, function* () {
        const semaphore = make(0);
        const [task] = takers(s, semaphore, [], ['a']);
        yield* iterations(s, 3);
        expect([task!.done(), semaphore.locked()]).toEqual([false, true]);
        task!.cancel();
        yield* iterations(s, 1);
        expect(semaphore.statistics()).toMatchObject({ value: 0, waiting: 0 });
      }),
    );
  });
}
