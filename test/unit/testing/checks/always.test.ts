import { createTask, gather, getRunningLoop, Lock, sleep } from 'asyncio-ts';
import { always, CheckError, type ExplorationFailure, explore, runVirtual } from 'asyncio-ts/testing';
import { describe, expect, test } from 'vitest';
import { describeBoth } from '../../../support/spellings.ts';

const failureOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    (value) => {
      throw new Error(`expected a failure, got ${String(value)}`);
    },
    (error: unknown) => error,
  );

describeBoth('always', (s) => {
  test('ends the program after the first step that breaks it, and names the step, its place and the time', async () => {
    const seen: number[] = [];
    const main = s.fn(function* () {
      let balance = 100;
      always(
        () => balance >= 0,
        () => `the balance is ${balance}`,
      );
      const withdraw = s.fn(function* withdraw() {
        for (;;) {
          yield* s.wait(sleep(1));
          balance -= 40;
          seen.push(balance);
        }
      });
      createTask(withdraw, { name: 'greedy' });
      yield* s.wait(sleep(100));
    });
    const error = await failureOf(runVirtual(main));
    expect(error).toBeInstanceOf(CheckError);
    expect(error).toMatchObject({ code: 'ALWAYS' });
    expect((error as Error).message).toMatch(
      /^what must always hold does not hold: the balance is -20 \(it gave false\) after a step of greedy.* which now waits at \S+:\d+:\d+, at 3 s; it is checked since .*always\.test\.ts:\d+:\d+$/,
    );
    expect(seen).toEqual([60, 20, -20]);
  });

  test('sees what a callback of the loop breaks', async () => {
    const main = s.fn(function* () {
      let isOpen = true;
      always(() => isOpen);
      getRunningLoop().callLater(2, () => {
        isOpen = false;
      });
      yield* s.wait(sleep(100));
    });
    expect(await failureOf(runVirtual(main))).toMatchObject({
      message: expect.stringContaining('after a callback of the loop, at 2 s'),
    });
  });

  test('takes assertions, and has their error as its cause', async () => {
    const main = s.fn(function* () {
      const list: number[] = [];
      always(() => expect(list.length).toBeLessThan(2));
      for (let i = 0; i < 5; i++) {
        list.push(i);
        yield* s.wait(sleep(1));
      }
    });
    const error = (await failureOf(runVirtual(main))) as CheckError;
    expect(error.message).toContain('it threw AssertionError: expected 2 to be less than 2');
    expect(error.cause).toMatchObject({ name: 'AssertionError' });
  });

  test('fails the program even when its last step breaks it', async () => {
    const main = s.fn(function* () {
      let isFine = true;
      always(() => isFine);
      yield* s.wait(sleep(1));
      isFine = false;
    });
    expect(await failureOf(runVirtual(main))).toMatchObject({ code: 'ALWAYS' });
  });

  test('is thrown at once when it does not hold from the beginning', async () => {
    const main = s.fn(function* () {
      expect(() => always(() => null, 'there is a connection')).toThrow(
        'what must always hold does not hold: there is a connection (it gave null) from the beginning, at 0 s',
      );
      yield* s.wait(sleep(1));
    });
    await runVirtual(main);
  });

  test('is checked until it is ended, or the program: not in another program, nor while what is left is cleaned up', async () => {
    let looked = 0;
    let state = true;
    const main = s.fn(function* () {
      const check = always(() => {
        looked++;
        return state;
      });
      const left = s.fn(function* () {
        try {
          yield* s.wait(sleep(100));
        } finally {
          state = false;
        }
      });
      createTask(left);
      yield* s.wait(sleep(1));
      return check;
    });
    const check = await runVirtual(main);
    expect([looked > 2, state]).toEqual([true, false]);
    const before = looked;
    check.end();
    const other = s.fn(function* () {
      const ended = always(() => state === false);
      ended.end();
      ended[Symbol.dispose]();
      state = true;
      yield* s.wait(sleep(5));
    });
    await runVirtual(other);
    expect(looked).toBe(before);
  });

  test('finds what only some schedules break, and nothing where it always holds', async () => {
    const printing = (isLocked: boolean) =>
      s.fn(function* () {
        const lock = new Lock();
        let users = 0;
        always(() => users <= 1);
        const print = s.fn(function* (delay: number) {
          yield* s.wait(sleep(delay));
          if (isLocked) yield* s.wait(lock.acquire());
          users++;
          yield* s.wait(sleep(0.0005));
          users--;
          if (isLocked) lock.release();
        });
        yield* s.wait(gather(print(1), print(1.0007)));
      });
    const failure = (await failureOf(explore(printing(false), { schedules: 300 }))) as ExplorationFailure;
    expect(failure.error).toMatchObject({ code: 'ALWAYS' });
    await explore(printing(true), { schedules: 300 });
  });
});

describe('always()', () => {
  test('refuses what is no condition', async () => {
    await runVirtual(async () => {
      expect(() => always(true as never)).toThrow('always: a function is required, got true; write always(() => …)');
      expect(() => always(async () => true)).toThrow('must not wait');
      expect(() => always(() => true, 5 as never)).toThrow('always: message must be a function');
    });
    expect(() => always(() => true)).toThrow('always() works only in a simulated program');
  });
});
