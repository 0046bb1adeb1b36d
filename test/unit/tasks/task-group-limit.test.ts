import { AsyncLocalStorage } from 'node:async_hooks';
import {
  CancelledError,
  coroutine,
  currentTask,
  eagerTaskFactory,
  getRunningLoop,
  sleep,
  type Task,
  TaskGroup,
  taskGroup,
} from 'asyncio-ts';
import { describe, expect, test } from 'vitest';
import { collectGarbage } from '../../support/gc.ts';
import { muteLog } from '../../support/loops.ts';
import { failure, iterations, program, thrownBy } from '../../support/programs.ts';
import { describeBoth, runVirtually, type Spelling } from '../../support/spellings.ts';

/** Makes coroutine functions that note when they begin and end. */
function noting(s: Spelling, notes: string[], seconds = 1) {
  return (name: string) =>
    s.fn(function* () {
      notes.push(`${name} begins at ${getRunningLoop().time()}`);
      yield* s.wait(sleep(seconds));
      return name;
    });
}

describeBoth('a task group with a limit', (s) => {
  test(
    'runs no more tasks than that at once, in the order in which they were made',
    program(s, function* () {
      const notes: string[] = [];
      const note = noting(s, notes);
      const tasks: Task<string>[] = [];
      const body = s.fn(function* (group: TaskGroup) {
        for (const name of ['a', 'b', 'c', 'd', 'e']) tasks.push(group.createTask(note(name), { name }));
        expect(group.tasks.size).toBe(5);
        yield* iterations(s, 1);
        expect(String(group)).toBe('<TaskGroup tasks=5 waiting=3 entered>');
      });
      yield* s.wait(taskGroup(body, { limit: 2 }));
      expect(notes).toEqual(['a', 'b', 'c', 'd', 'e'].map((name, i) => `${name} begins at ${Math.floor(i / 2)}`));
      expect(tasks.map((task) => task.result())).toEqual(['a', 'b', 'c', 'd', 'e']);
      expect(tasks[4]!.getName()).toBe('e');
    }),
  );

  test(
    'gives the slot of a task on that fails on purpose or is cancelled',
    program(s, function* () {
      const notes: string[] = [];
      const body = s.fn(function* (group: TaskGroup) {
        const first = group.createTask(noting(s, notes, 60)('a'));
        group.createTask(noting(s, notes)('b'));
        yield* s.wait(sleep(1));
        first.cancel();
      });
      yield* s.wait(taskGroup(body, { limit: 1 }));
      expect(notes).toEqual(['a begins at 0', 'b begins at 1']);
    }),
  );

  test(
    'never begins a task that is cancelled while it waits for its turn',
    program(s, function* () {
      const notes: string[] = [];
      const note = noting(s, notes);
      const body = s.fn(function* (group: TaskGroup) {
        group.createTask(note('a'));
        const second = group.createTask(note('b'));
        const third = group.createTask(coroutine(note('c'))());
        group.createTask(note('d'));
        third.cancel();
        yield* iterations(s, 2);
        second.cancel();
        expect(yield* failure(s, second)).toBeInstanceOf(CancelledError);
        expect(third.cancelled()).toBe(true);
      });
      yield* s.wait(taskGroup(body, { limit: 1 }));
      expect(notes).toEqual(['a begins at 0', 'd begins at 1']);
    }),
  );

  test(
    'begins none of those that wait after a failure',
    program(s, function* () {
      const notes: string[] = [];
      const body = s.fn(function* (group: TaskGroup) {
        group.createTask(
          s.fn(function* () {
            yield* s.wait(sleep(1));
            throw new Error('failed');
          }),
        );
        for (const name of ['a', 'b']) group.createTask(noting(s, notes)(name));
      });
      const error = yield* failure(s, taskGroup(body, { limit: 1 }));
      expect(error).toMatchObject({ name: 'ExceptionGroup', errors: [{ message: 'failed' }] });
      expect(notes).toEqual([]);
    }),
  );

  test(
    'takes coroutine objects, and runs them in their own task',
    program(s, function* () {
      const names: string[] = [];
      const work = coroutine(
        s.fn(function* (seconds: number) {
          yield* s.wait(sleep(seconds));
          names.push(currentTask()!.getName());
        }),
      );
      const body = s.fn(function* (group: TaskGroup) {
        group.createTask(work(2), { name: 'first' });
        group.createTask(sleep(1));
        group.createTask(work(1), { name: 'third' });
      });
      yield* s.wait(taskGroup(body, { limit: 1 }));
      expect(names).toEqual(['first', 'third']);
      expect(getRunningLoop().time()).toBe(4);
    }),
  );

  test(
    'begins eager tasks at once while there are slots',
    program(s, function* () {
      const notes: string[] = [];
      getRunningLoop().setTaskFactory(eagerTaskFactory);
      const body = s.fn(function* (group: TaskGroup) {
        group.createTask(noting(s, notes)('a'));
        expect(notes).toEqual(['a begins at 0']);
        group.createTask(noting(s, notes)('b'));
        expect(notes).toEqual(['a begins at 0']);
      });
      yield* s.wait(taskGroup(body, { limit: 1 }));
      expect(notes).toEqual(['a begins at 0', 'b begins at 1']);
      getRunningLoop().setTaskFactory(null);
    }),
  );

  test(
    'of Infinity runs all',
    program(s, function* () {
      const notes: string[] = [];
      const body = s.fn(function* (group: TaskGroup) {
        for (let i = 0; i < 50; i++) group.createTask(noting(s, notes)(`${i}`));
      });
      yield* s.wait(taskGroup(body, { limit: Number.POSITIVE_INFINITY }));
      expect(notes).toHaveLength(50);
      expect(getRunningLoop().time()).toBe(1);
    }),
  );

  test(
    'refuses a value that is not a coroutine',
    program(s, function* () {
      const body = s.fn(function* (group: TaskGroup) {
        expect(thrownBy(() => group.createTask(42 as never))).toMatchObject({ code: 'NOT_A_COROUTINE' });
      });
      yield* s.wait(taskGroup(body, { limit: 1 }));
    }),
  );
});

describe('the limit of a task group', () => {
  test('leaves no coroutine that debug mode would miss, when tasks are cancelled before their turn', async () => {
    const warnings = muteLog('warn');
    const lazy = coroutine(async () => {});
    const main = async () =>
      await taskGroup(
        async (group) => {
          group.createTask(sleep(1));
          const waiting = group.createTask(lazy());
          const unbegun = group.createTask(lazy());
          unbegun.cancel();
          await sleep(0);
          waiting.cancel();
        },
        { limit: 1 },
      );
    await runVirtually(main, { debug: true });
    await collectGarbage();
    expect(warnings.mock.calls).toEqual([]);
  });

  test('must be a whole number of at least 1', () => {
    for (const limit of [0, -1, 1.5, Number.NaN]) {
      expect(thrownBy(() => new TaskGroup({ limit }))).toMatchObject({ name: 'ValueError' });
      expect(thrownBy(() => taskGroup(async () => {}, { limit }))).toMatchObject({ name: 'ValueError' });
    }
    expect(thrownBy(() => new TaskGroup({ limit: '2' as never }))).toMatchObject({ name: 'TypeError' });
  });

  test('leaves tasks the async context that they were made in', async () => {
    const storage = new AsyncLocalStorage<number>();
    const seen: unknown[] = [];
    await runVirtually(() =>
      taskGroup(
        async (group) => {
          for (let i = 0; i < 3; i++) {
            storage.run(i, () =>
              group.createTask(async () => {
                await sleep(1);
                seen.push(storage.getStore());
              }),
            );
          }
        },
        { limit: 1 },
      ),
    );
    expect(seen).toEqual([0, 1, 2]);
  });
});
