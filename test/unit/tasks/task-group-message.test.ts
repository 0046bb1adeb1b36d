import { ExceptionGroup, sleep, type TaskGroup, taskGroup } from 'asyncio-ts';
import { expect, test } from 'vitest';
import { failure, program } from '../../support/programs.ts';
import { describeBoth, type Spelling } from '../../support/spellings.ts';

/** What a group says of what its tasks, and its body, have thrown. */
function* messageOf(s: Spelling, thrown: readonly unknown[], idle: number, ofBody?: unknown) {
  const fail = (error: unknown) =>
    s.fn(function* () {
      yield* s.wait(sleep(1));
      throw error;
    });
  const body = s.fn(function* (group: TaskGroup) {
    for (const error of thrown) group.createTask(fail(error));
    for (let i = 0; i < idle; i++) group.createTask(() => sleep(60));
    if (ofBody !== undefined) throw ofBody;
    yield* s.wait(sleep(60));
  });
  return (yield* failure(s, taskGroup(body))) as ExceptionGroup<unknown>;
}

describeBoth('the message of a task group', (s) => {
  test(
    'says how many tasks failed, and with what, also in String(error)',
    program(s, function* () {
      const error = yield* messageOf(s, [new RangeError('no user 1'), new RangeError('no user 2')], 3);
      expect(String(error)).toBe(
        'ExceptionGroup: unhandled errors in a TaskGroup (2 of 5 tasks failed: RangeError: no user 1; RangeError: no user 2)',
      );
    }),
  );

  test(
    'names the first three errors, and says how many more there are',
    program(s, function* () {
      const errors = ['a', 'b', 'c', 'd', 'e'].map((name) => new Error(name));
      const { message } = yield* messageOf(s, errors, 0);
      expect(message).toContain('5 of 5 tasks failed: Error: a; Error: b; Error: c; and 2 more');
    }),
  );

  test(
    'distinguishes the body from the tasks',
    program(s, function* () {
      const alone = yield* messageOf(s, [], 1, new Error('mine'));
      expect(alone.message).toContain('(the body failed: Error: mine)');
      const body = s.fn(function* (group: TaskGroup) {
        group.createTask(
          s.fn(function* () {
            throw new Error('its');
          }),
        );
        yield* failure(s, sleep(60));
        throw new Error('mine');
      });
      const both = (yield* failure(s, taskGroup(body))) as Error;
      expect(both.message).toContain('(the body and 1 of 1 task failed: Error: its; Error: mine)');
    }),
  );

  test(
    'is one line of bounded length, whatever was thrown',
    program(s, function* () {
      const hostile = Object.defineProperty(new Error(), 'message', {
        get() {
          throw new Error('not to be read');
        },
      });
      const { message, errors } = yield* messageOf(s, [new Error(`two\nlines ${'x'.repeat(500)}`), null, hostile], 0);
      expect(message).toMatch(/3 of 3 tasks failed: Error: two\\nlines x+\.\.\.; /);
      expect(message).not.toContain('\n');
      expect(message.length).toBeLessThan(400);
      expect(errors).toHaveLength(3);
    }),
  );

  test(
    'is not repeated by what the group is split into, which holds other errors',
    program(s, function* () {
      const error = yield* messageOf(s, [new RangeError('one'), new TypeError('other')], 0);
      const [ranges, rest] = error.split(RangeError);
      expect([ranges?.message, rest?.message]).toEqual(Array(2).fill('unhandled errors in a TaskGroup'));
      expect(error.split(ExceptionGroup)).toEqual([error, null]);
    }),
  );
});
