import { Barrier, BrokenBarrierError, CancelledError, createTask, gather, getRunningLoop, sleep } from 'asyncio-ts';
import { expect, test } from 'vitest';
import { failure, iterations, program } from '../../support/programs.ts';
import { describeBoth } from '../../support/spellings.ts';

describeBoth('a barrier', (s) => {
  const passers = (barrier: Barrier, count: number) =>
    Array.from({ length: count }, () => createTask(() => barrier.wait()));

  test(
    'lets all tasks through when the last one has arrived, and numbers them in order of arrival',
    program(s, function* () {
      const barrier = new Barrier(3);
      const pass = s.fn(function* (delay: number) {
        yield* s.wait(sleep(delay));
        return yield* s.wait(barrier.wait());
      });
      const indexes = yield* s.wait(gather([3, 1, 2].map((delay) => () => pass(delay))));
      expect([indexes, getRunningLoop().time()]).toEqual([[2, 0, 1], 3]);
      expect([barrier.nWaiting, barrier.broken, barrier.parties]).toEqual([0, false, 3]);
    }),
  );

  test(
    'of one party lets it through at once, again and again',
    program(s, function* () {
      const barrier = new Barrier(1);
      for (let i = 0; i < 3; i++) expect(yield* s.wait(barrier.wait())).toBe(0);
    }),
  );

  test(
    'can be used for one round after the other',
    program(s, function* () {
      const barrier = new Barrier(2);
      const rounds = s.fn(function* () {
        const indexes: number[] = [];
        for (let i = 0; i < 3; i++) indexes.push(yield* s.wait(barrier.wait()));
        return indexes;
      });
      const [a, b] = yield* s.wait(gather(createTask(rounds), createTask(rounds)));
      expect(a.map((index, i) => index + b[i]!)).toEqual([1, 1, 1]);
    }),
  );

  test(
    'is left by a waiter that is cancelled as if it had not come, and is not broken',
    program(s, function* () {
      const barrier = new Barrier(2);
      const [cancelled] = passers(barrier, 1);
      yield* iterations(s, 1);
      expect(barrier.nWaiting).toBe(1);
      cancelled!.cancel();
      expect(yield* failure(s, cancelled!)).toBeInstanceOf(CancelledError);
      expect([barrier.nWaiting, barrier.broken]).toEqual([0, false]);
      expect(yield* s.wait(gather(passers(barrier, 2)))).toEqual([0, 1]);
    }),
  );

  test(
    'throws into waiting tasks when it is reset, and can still be used',
    program(s, function* () {
      const barrier = new Barrier(3);
      const waiting = passers(barrier, 2);
      yield* iterations(s, 1);
      yield* s.wait(barrier.reset());
      for (const task of waiting) expect(yield* failure(s, task)).toBeInstanceOf(BrokenBarrierError);
      expect([barrier.broken, barrier.nWaiting]).toEqual([false, 0]);
      expect(yield* s.wait(gather(passers(barrier, 3)))).toEqual([0, 1, 2]);
    }),
  );

  test(
    'that is reset while no task waits stays as it is',
    program(s, function* () {
      const barrier = new Barrier(2);
      yield* s.wait(barrier.reset());
      expect(yield* s.wait(gather(passers(barrier, 2)))).toEqual([0, 1]);
    }),
  );

  test(
    'that is aborted is broken for waiting and arriving tasks, until it is reset',
    program(s, function* () {
      const barrier = new Barrier(2);
      const [waiting] = passers(barrier, 1);
      yield* iterations(s, 1);
      yield* s.wait(barrier.abort());
      expect(yield* failure(s, waiting!)).toBeInstanceOf(BrokenBarrierError);
      expect([barrier.broken, barrier.nWaiting]).toEqual([true, 0]);
      expect(yield* failure(s, barrier.wait())).toBeInstanceOf(BrokenBarrierError);
      yield* s.wait(barrier.reset());
      expect(barrier.broken).toBe(false);
      expect(yield* s.wait(gather(passers(barrier, 2)))).toEqual([0, 1]);
    }),
  );

  test(
    'makes tasks that arrive while a round leaves wait for the next one',
    program(s, function* () {
      const barrier = new Barrier(2);
      const [first] = passers(barrier, 1);
      yield* iterations(s, 1);
      const [second, third] = passers(barrier, 2); // the second opens it, the third comes while the first has not left
      expect(yield* s.wait(gather([first!, second!]))).toEqual([0, 1]);
      yield* iterations(s, 3);
      expect([third!.done(), barrier.nWaiting]).toEqual([false, 1]);
      expect(yield* s.wait(gather([third!, ...passers(barrier, 1)]))).toEqual([0, 1]);
    }),
  );
});
