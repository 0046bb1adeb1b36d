import {
  createTask,
  FIRST_EXCEPTION,
  gather,
  getRunningLoop,
  shield,
  sleep,
  type Task,
  type TaskGroup,
  taskGroup,
  wait,
  waitFor,
} from 'asyncio-ts';
import { expect, test } from 'vitest';
import { names, program } from '../../support/programs.ts';
import { describeBoth } from '../../support/spellings.ts';

// JavaScript can throw values that are not errors. Whatever it is, the code that waits must get it.
describeBoth('a task that throws', (s) => {
  /** Whether waiting for something fails, whatever with. */
  function* fails(awaitable: unknown) {
    try {
      yield* s.wait(awaitable);
      return false;
    } catch {
      return true;
    }
  }

  for (const value of ['text', 0, '', undefined, null]) {
    const throwing = s.fn(function* (): Generator<unknown, never, unknown> {
      yield* s.wait(sleep(0));
      throw value;
    });
    const title = `${value === '' ? 'an empty string' : value}`;

    test(
      `${title} fails`,
      program(s, function* () {
        const task: Task<unknown> = createTask(throwing);
        expect(yield* fails(task)).toBe(true);
        expect([task.done(), task.cancelled()]).toEqual([true, false]);
        expect(yield* fails(waitFor(throwing, 1))).toBe(true);
        expect(yield* fails(shield(throwing))).toBe(true);
      }),
    );

    test(
      `${title} makes a gather fail`,
      program(s, function* () {
        expect(yield* fails(gather(throwing, sleep(5)))).toBe(true);
        expect(getRunningLoop().time()).toBe(0);
      }),
    );

    test(
      `${title} is among the results of a gather with returnExceptions`,
      program(s, function* () {
        const results = yield* s.wait(gather([throwing, sleep(0, 'slept')], { returnExceptions: true }));
        expect(results).toHaveLength(2);
        expect(results[1]).toBe('slept');
      }),
    );

    test(
      `${title} makes its task group fail`,
      program(s, function* () {
        const body = s.fn(function* (group: TaskGroup) {
          group.createTask(throwing);
          yield* s.wait(sleep(5));
        });
        expect(yield* fails(taskGroup(body))).toBe(true);
      }),
    );

    test(
      `${title} as the body of a task group makes an ExceptionGroup`,
      program(s, function* () {
        let error: unknown;
        try {
          yield* s.wait(taskGroup(throwing));
        } catch (caught) {
          error = caught;
        }
        expect(error).toMatchObject({ name: 'ExceptionGroup' });
      }),
    );

    test(
      `${title} ends a wait for the first exception`,
      program(s, function* () {
        const tasks = [createTask(throwing, { name: 'throwing' }), createTask(sleep(5), { name: 'slow' })];
        const { done } = yield* s.wait(wait(tasks, { returnWhen: FIRST_EXCEPTION }));
        expect(names(done)).toEqual(['throwing']);
        yield* fails(tasks[0]);
      }),
    );
  }
});
