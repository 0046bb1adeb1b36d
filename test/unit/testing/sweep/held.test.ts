import { createTask, Lock, Semaphore, sleep } from 'asyncio-ts';
import { expect, onTestFinished, test } from 'vitest';
import { watchPrimitives } from '../../../../src/kernel/lowlevel.ts';
import { HeldPrimitives, newlyHeld } from '../../../../src/testing/sweep/held.ts';
import { program } from '../../../support/programs.ts';
import { describeBoth } from '../../../support/spellings.ts';

describeBoth('the primitives of a program', (s) => {
  test(
    'are known while somebody wants to know them: those that are made, and those that a task waits for',
    program(s, function* () {
      const old = new Lock();
      const unused = new Lock();
      const held = new HeldPrimitives();
      held.open();
      onTestFinished(() => void watchPrimitives(null));
      const made = new Semaphore(2);
      yield* s.wait(old.acquire());
      yield* s.wait(unused.acquire());
      yield* s.wait(made.acquire());
      const waiter = createTask(() => old.acquire());
      yield* s.wait(sleep(1));
      held.close();
      const later = new Lock();
      yield* s.wait(later.acquire());
      const told = newlyHeld(held.states(true), []);
      expect(told.map((text) => text.replace(/ .*/s, ''))).toEqual(['<Semaphore', '<Lock']);
      expect(told[1]).toContain('a task that is gone still wait'); // it waits still, and is taken for gone
      waiter.cancel();
      yield* s.wait(sleep(1));
      expect(newlyHeld(held.states(true), [])[1]).toContain('is still held by');
      old.release();
      made.release();
      expect(newlyHeld(held.states(true), [])).toEqual([]);
    }),
  );

  test(
    'do not count when they are held in the undisturbed run, too',
    program(s, function* () {
      const held = new HeldPrimitives();
      held.open();
      const lock = new Lock();
      held.close();
      yield* s.wait(lock.acquire());
      const states = held.states(true);
      expect(newlyHeld(states, states)).toEqual([]);
      expect(newlyHeld(states, [])).toHaveLength(1);
    }),
  );
});
