import { createTask, currentTask, gather, getRunningLoop, run, sleep, type Task, taskGroup, timeout } from 'asyncio-ts';
import { expect, test } from 'vitest';
import { failure, program } from '../../support/programs.ts';
import { describeBoth, type Spelling } from '../../support/spellings.ts';

/** CPython ends a request to such tasks with a RecursionError. Here the task to which the request comes back leaves its waits. */

function circleOf(s: Spelling, length: number): Task<unknown>[] {
  const tasks: Task<unknown>[] = [];
  for (let i = 0; i < length; i++) {
    tasks.push(
      createTask(
        s.fn(function* () {
          yield* s.wait(sleep(0));
          yield* s.wait(tasks[(i + 1) % length]!);
        }),
      ),
    );
  }
  return tasks;
}

describeBoth('tasks that await each other', (s) => {
  for (const length of [2, 3, 1_000]) {
    test(
      `in a circle of ${length} are all ended by one request, which counts once for each`,
      program(s, function* () {
        const tasks = circleOf(s, length);
        yield* s.wait(sleep(1));
        tasks[0]!.cancel('stop');
        yield* s.wait(sleep(1));
        expect(tasks.every((task) => task.cancelled())).toBe(true);
        expect(tasks.map((task) => task.cancelling())).toEqual(tasks.map(() => 1));
      }),
    );
  }

  test(
    'are ended with a group that one of them is in',
    program(s, function* () {
      const tasks = circleOf(s, 2);
      const body = s.fn(function* (group: { createTask(f: unknown): unknown }) {
        group.createTask(
          s.fn(function* () {
            yield* s.wait(gather(...tasks));
          }),
        );
        yield* s.wait(sleep(1));
        throw new RangeError('enough');
      });
      expect(yield* failure(s, taskGroup(body as never))).toMatchObject({ name: 'ExceptionGroup' });
      expect(tasks.map((task) => task.done())).toEqual([true, true]);
    }),
  );

  test('do not keep a run from ending', async () => {
    let tasks: Task<unknown>[] = [];
    await run(
      s.fn(function* () {
        tasks = circleOf(s, 2);
        yield* s.wait(sleep(0));
        yield* s.wait(sleep(0));
      }),
    );
    expect(tasks.map((task) => task.cancelled())).toEqual([true, true]);
  });

  test(
    'as parent and child do, are ended by a deadline',
    program(s, function* () {
      const parent = createTask(
        s.fn(function* () {
          const self = currentTask()!;
          const child = createTask(
            s.fn(function* () {
              yield* s.wait(self);
            }),
          );
          yield* s.wait(
            timeout(
              1,
              s.fn(function* () {
                yield* s.wait(child);
              }),
            ),
          );
        }),
      );
      yield* s.wait(sleep(2));
      expect(parent.done()).toBe(true);
      expect(getRunningLoop().time()).toBe(2);
    }),
  );

  test(
    'by way of one task twice, pass the request on to it twice: that is not a cycle',
    program(s, function* () {
      const leaf = createTask(
        s.fn(function* () {
          yield* s.wait(sleep(60));
        }),
      );
      const waits = s.fn(function* () {
        yield* s.wait(leaf);
      });
      const top = createTask(
        s.fn(function* () {
          yield* s.wait(gather(waits, waits));
        }),
      );
      yield* s.wait(sleep(1));
      top.cancel();
      yield* failure(s, top);
      expect([top.cancelled(), leaf.cancelled(), leaf.cancelling()]).toEqual([true, true, 2]);
    }),
  );
});
