import { CancelledError, Event, ExceptionGroup, RuntimeError, sleep, type TaskGroup, taskGroup } from 'asyncio-ts';
import { describe } from 'vitest';
import {
  cancelAfter,
  check,
  ends,
  explored,
  exploredWithCancellation,
  pass,
  type Steps,
  start,
} from '../../../support/laws/explored.ts';
import type { Spelling } from '../../../support/spellings.ts';

/** Of a child that ends only when it is cancelled. */
const FOREVER = Number.POSITIVE_INFINITY;

/** Children of a group that note their beginning and their end. */
class Family {
  begun = 0;
  ended = 0;
  readonly #s: Spelling;

  constructor(s: Spelling) {
    this.#s = s;
  }

  *child(steps: number, error: Error | null = null): Steps<number> {
    this.begun++;
    try {
      if (steps === FOREVER) yield* this.#s.wait(new Event().wait());
      else yield* pass(this.#s, steps);
      if (error !== null) throw error;
      return steps;
    } finally {
      this.ended++;
    }
  }

  /** A group with children that take so many steps each, the last of which fails when there is an error. */
  *group(steps: readonly number[], error: Error | null = null): Steps {
    const s = this.#s;
    const body = s.fn(function* (this: void, group: TaskGroup) {
      for (const [i, count] of steps.entries()) {
        const isLast = i === steps.length - 1;
        group.createTask(
          s.fn(() => family.child(count, isLast ? error : null)),
          { name: `child ${i}` },
        );
      }
      yield* pass(s, 1);
    });
    const family = this;
    yield* s.wait(taskGroup(body));
  }

  /** Whoever has begun has ended. */
  isOver(): void {
    check(this.begun === this.ended, `${this.begun} have begun and ${this.ended} have ended`);
  }
}

describe('a task group', () => {
  explored(
    'ends when all its tasks have ended',
    (s) =>
      function* () {
        const family = new Family(s);
        yield* family.group([0, 1, 2]);
        check(family.ended === 3, `only ${family.ended} have ended`);
      },
  );

  explored(
    'cancels the others when one fails, waits for them, and throws the error in a group',
    (s) =>
      function* () {
        const family = new Family(s);
        const error = new Error('the error of a child');
        try {
          yield* family.group([FOREVER, FOREVER, 1], error);
          check(false, 'it has not failed');
        } catch (thrown) {
          check(thrown instanceof ExceptionGroup && thrown.errors.length === 1, String(thrown));
          check((thrown as ExceptionGroup).errors[0] === error, 'another error was thrown');
        }
        family.isOver();
      },
  );

  explored(
    'whose tasks fail together throws all errors, each once',
    (s) =>
      function* () {
        const errors = [new Error('one'), new Error('two')];
        const body = s.fn(function* (group: TaskGroup) {
          for (const error of errors) {
            group.createTask(
              s.fn(function* () {
                try {
                  yield* pass(s, 1);
                } finally {
                  yield* fail(error);
                }
              }),
            );
          }
        });
        try {
          yield* s.wait(taskGroup(body));
          check(false, 'it has not failed');
        } catch (thrown) {
          const found = (thrown as ExceptionGroup).errors;
          check(found.length <= 2 && new Set(found).size === found.length, String(thrown));
          check(
            found.every((error) => errors.includes(error as Error)),
            String(thrown),
          );
        }
      },
  );

  exploredWithCancellation(
    'takes no task any more when it ends, or cancels it',
    { victims: 1, steps: 5 },
    (s, { steps }) =>
      function* () {
        const family = new Family(s);
        const body = s.fn(function* (group: TaskGroup) {
          group.createTask(
            s.fn(function* () {
              try {
                yield* family.child(FOREVER);
              } finally {
                // Whoever cleans up may want another task for that.
                try {
                  group.createTask(s.fn(() => family.child(FOREVER)));
                } catch (error) {
                  check(error instanceof RuntimeError, String(error));
                }
              }
            }),
          );
        });
        const owner = start(s, 'owner', function* () {
          yield* s.wait(taskGroup(body));
        });
        yield* ends(s, [cancelAfter(s, owner, steps), owner]);
        family.isOver();
      },
  );

  exploredWithCancellation(
    'cancels its tasks and waits for them',
    { victims: 1, steps: 6 },
    (s, { steps }) =>
      function* () {
        const family = new Family(s);
        const owner = start(s, 'owner', () => family.group([0, FOREVER, 3]));
        yield* ends(s, [cancelAfter(s, owner, steps), owner]);
        family.isOver();
      },
  );

  exploredWithCancellation(
    'that is cancelled while a task fails is over in any case, with the error or the cancellation',
    { victims: 1, steps: 6 },
    (s, { steps }) =>
      function* () {
        const family = new Family(s);
        const error = new Error('the error of a child');
        const owner = start(s, 'owner', () => family.group([3, 1], error));
        const canceller = start(s, 'canceller', function* () {
          yield* pass(s, steps);
          owner.cancel();
        });
        yield* s.wait(canceller);
        try {
          yield* s.wait(owner);
          check(false, 'it has not failed');
        } catch (thrown) {
          const isError = thrown instanceof ExceptionGroup && thrown.errors.includes(error);
          check(isError || thrown instanceof CancelledError, String(thrown));
        }
        family.isOver();
      },
  );

  exploredWithCancellation(
    'goes on when one of its tasks is cancelled from outside',
    { victims: 2, steps: 4 },
    (s, { victim, steps }) =>
      function* () {
        const family = new Family(s);
        const body = s.fn(function* (group: TaskGroup) {
          const children = [1, 2].map((count, i) =>
            group.createTask(
              s.fn(() => family.child(count)),
              { name: `child ${i}` },
            ),
          );
          group.createTask(
            s.fn(function* () {
              yield* pass(s, steps);
              children[victim]!.cancel();
            }),
          );
          yield* s.wait(children[1 - victim]!);
        });
        yield* s.wait(taskGroup(body));
        family.isOver();
      },
  );

  exploredWithCancellation(
    'inside another one is over before that one',
    { victims: 1, steps: 6 },
    (s, { steps }) =>
      function* () {
        const family = new Family(s);
        let isInnerOver = true;
        const inner = s.fn(function* () {
          isInnerOver = false;
          try {
            yield* family.group([1, 2]);
          } finally {
            isInnerOver = true;
            family.isOver();
          }
        });
        const outer = s.fn(function* (group: TaskGroup) {
          group.createTask(inner);
          yield* s.wait(sleep(0));
        });
        const owner = start(s, 'owner', function* () {
          try {
            yield* s.wait(taskGroup(outer));
          } finally {
            check(isInnerOver, 'the outer group has ended before the inner one');
          }
        });
        yield* ends(s, [cancelAfter(s, owner, steps), owner]);
        family.isOver();
      },
  );
});

function* fail(error: Error): Steps<never> {
  throw error;
}
