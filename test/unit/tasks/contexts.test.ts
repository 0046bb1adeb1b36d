import { ContextVar, copyContext, coroutine, createTask, Future, gather, getRunningLoop, sleep } from 'asyncio-ts';
import { expect, test } from 'vitest';
import { iterations, program, thrownBy } from '../../support/programs.ts';
import { describeBoth } from '../../support/spellings.ts';

describeBoth('the context of a task', (s) => {
  const user = new ContextVar<string>('user', { default: 'nobody' });

  test(
    'is a copy of that of its maker, taken when it is made',
    program(s, function* () {
      const seen: string[] = [];
      const body = s.fn(function* () {
        seen.push(user.get());
        user.set('task');
        yield* s.wait(sleep(1));
        seen.push(user.get());
      });
      user.set('before');
      const task = createTask(body);
      user.set('after');
      yield* s.wait(task);
      expect(seen).toEqual(['before', 'task']);
      expect(user.get()).toBe('after');
    }),
  );

  test(
    'is its own across every await, whatever runs in between',
    program(s, function* () {
      const named = (name: string) =>
        s.fn(function* () {
          user.set(name);
          const seen: string[] = [];
          for (let i = 0; i < 3; i++) {
            yield* s.wait(sleep(0));
            seen.push(user.get());
          }
          return seen;
        });
      expect(yield* s.wait(gather(named('a'), named('b')))).toEqual([
        ['a', 'a', 'a'],
        ['b', 'b', 'b'],
      ]);
    }),
  );

  test(
    'leaves a coroutine as it was when it is refused',
    program(s, function* () {
      const work = coroutine(
        s.fn(function* () {
          return yield* s.wait(sleep(0, 'done'));
        }),
      )();
      expect(thrownBy(() => createTask(work, { context: 'none' as never }))).toBeInstanceOf(TypeError);
      expect(yield* s.wait(createTask(work))).toBe('done');
    }),
  );

  test(
    'is shared when it is given',
    program(s, function* () {
      const context = copyContext();
      const body = s.fn(function* () {
        user.set('shared');
        yield* s.wait(sleep(0));
      });
      const task = createTask(body, { context });
      expect(task.getContext()).toBe(context);
      yield* s.wait(task);
      const seen = s.fn(function* () {
        return user.get();
      });
      expect(yield* s.wait(createTask(seen, { context }))).toBe('shared');
      expect(context.get(user)).toBe('shared');
      expect(user.get()).toBe('nobody');
    }),
  );

  test(
    'is also that of the coroutines which it awaits',
    program(s, function* () {
      const inner = s.fn(function* () {
        user.set('inner');
        yield* s.wait(sleep(1));
      });
      yield* s.wait(inner());
      expect(user.get()).toBe('inner');
    }),
  );
});

describeBoth('the context of a callback', (s) => {
  const user = new ContextVar<string>('user', { default: 'nobody' });

  test(
    'is a copy taken when it is scheduled',
    program(s, function* () {
      const loop = getRunningLoop();
      const future = new Future<void>();
      const seen: string[] = [];
      const note = (what: string) => () => {
        seen.push(`${what} ${user.get()}`);
        user.set('callback');
      };
      user.set('before');
      loop.callSoon(note('soon'));
      loop.callLater(1, note('later'));
      future.addDoneCallback(note('done'));
      user.set('after');
      future.setResult();
      yield* s.wait(sleep(2));
      expect(seen).toEqual(['soon before', 'done before', 'later before']);
      expect(user.get()).toBe('after');
    }),
  );

  test(
    'is the very one that is given',
    program(s, function* () {
      const loop = getRunningLoop();
      const context = copyContext();
      const future = new Future<void>();
      loop.callSoonIn(context, () => user.set('soon'));
      yield* iterations(s, 1);
      expect(context.get(user)).toBe('soon');
      future.addDoneCallback(() => user.set('done'), { context });
      future.setResult();
      yield* iterations(s, 1);
      expect(context.get(user)).toBe('done');
      loop.callLaterIn(context, 1, () => user.set('later'));
      yield* s.wait(sleep(2));
      expect(context.get(user)).toBe('later');
      expect(user.get()).toBe('nobody');
    }),
  );
});
