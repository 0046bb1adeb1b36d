import { CancelledError, createTask, Event, gather, getRunningLoop } from 'asyncio-ts';
import { expect, test } from 'vitest';
import { failure, iterations, program } from '../../support/programs.ts';
import { describeBoth } from '../../support/spellings.ts';

describeBoth('an event', (s) => {
  const waiters = (event: Event, woken: string[], ...names: string[]) => {
    const wait = s.fn(function* (name: string) {
      const result = yield* s.wait(event.wait());
      woken.push(name);
      return [result, event.isSet()];
    });
    return names.map((name) => createTask(() => wait(name)));
  };

  test(
    'that is set is waited for without giving others a turn',
    program(s, function* () {
      const event = new Event();
      expect(event.isSet()).toBe(false);
      event.set();
      let turns = 0;
      getRunningLoop().callSoon(() => turns++);
      expect(yield* s.wait(event.wait())).toBe(true);
      expect([turns, event.isSet()]).toEqual([0, true]);
    }),
  );

  test(
    'wakes all waiting tasks, in the order in which they came',
    program(s, function* () {
      const event = new Event();
      const woken: string[] = [];
      const tasks = waiters(event, woken, 'a', 'b', 'c');
      yield* iterations(s, 3);
      expect(woken).toEqual([]);
      event.set();
      yield* iterations(s, 1);
      expect(woken).toEqual(['a', 'b', 'c']);
      yield* s.wait(gather(tasks));
    }),
  );

  test(
    'that is set and cleared at once still wakes all waiting tasks, and those who come later wait',
    program(s, function* () {
      const event = new Event();
      const woken: string[] = [];
      const tasks = waiters(event, woken, 'a', 'b');
      yield* iterations(s, 1);
      event.set();
      event.clear();
      const [late] = waiters(event, woken, 'late');
      expect(yield* s.wait(gather(tasks))).toEqual([
        [true, false],
        [true, false],
      ]);
      yield* iterations(s, 3);
      expect([woken, late!.done()]).toEqual([['a', 'b'], false]);
      event.set();
      expect(yield* s.wait(late!)).toEqual([true, true]);
    }),
  );

  test(
    'may be set twice and cleared twice',
    program(s, function* () {
      const event = new Event();
      event.set();
      event.set();
      expect(event.isSet()).toBe(true);
      event.clear();
      event.clear();
      expect(event.isSet()).toBe(false);
      yield* iterations(s, 1);
    }),
  );

  test(
    'forgets a waiter that is cancelled, before or after it was woken',
    program(s, function* () {
      const event = new Event();
      const woken: string[] = [];
      const [a, b, c] = waiters(event, woken, 'a', 'b', 'c');
      yield* iterations(s, 1);
      a!.cancel();
      expect(yield* failure(s, a!)).toBeInstanceOf(CancelledError);
      event.set();
      b!.cancel();
      expect(yield* failure(s, b!)).toBeInstanceOf(CancelledError);
      yield* s.wait(c!);
      expect([woken, event.statistics().waiting]).toEqual([['c'], 0]);
    }),
  );
});
