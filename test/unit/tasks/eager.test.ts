import {
  addInstrument,
  allTasks,
  CancelledError,
  ContextVar,
  copyContext,
  coroutine,
  createEagerTaskFactory,
  createTask,
  currentTask,
  EventLoop,
  ExceptionGroup,
  eagerTaskFactory,
  getRunningLoop,
  sleep,
  Task,
  type TaskGroup,
  taskGroup,
} from 'asyncio-ts';
import { VirtualHost } from 'asyncio-ts/testing';
import { expect, test } from 'vitest';
import { failure, names, program, thrownBy } from '../../support/programs.ts';
import { describeBoth } from '../../support/spellings.ts';

const eager = { eagerStart: true };

describeBoth('an eager task', (s) => {
  test(
    'runs inside createTask up to its first suspension, and then like any other',
    program(s, function* () {
      const trace: string[] = [];
      const body = s.fn(function* () {
        trace.push('first segment');
        yield* s.wait(sleep(1));
        trace.push('second segment');
        return 'result';
      });
      const task = createTask(body, eager);
      trace.push('created');
      expect(task.done()).toBe(false);
      expect(yield* s.wait(task)).toBe('result');
      expect(trace).toEqual(['first segment', 'created', 'second segment']);
      expect(getRunningLoop().time()).toBe(1);
    }),
  );

  test(
    'is the current task meanwhile, and its maker is again afterwards',
    program(s, function* () {
      const outer = currentTask()!;
      const seen: Task<unknown>[] = [];
      const inner = s.fn(function* () {
        seen.push(currentTask()!);
      });
      const middle = s.fn(function* () {
        seen.push(currentTask()!);
        const task = createTask(inner, { ...eager, name: 'inner' });
        seen.push(currentTask()!);
        yield* s.wait(task);
      });
      const task = createTask(middle, { ...eager, name: 'middle' });
      expect(currentTask() === outer).toBe(true);
      yield* s.wait(task);
      expect(names(seen)).toEqual(['middle', 'inner', 'middle']);
    }),
  );

  test(
    'runs in a copy of the context of its maker',
    program(s, function* () {
      const variable = new ContextVar<string>('variable');
      variable.set('outer');
      const seen: string[] = [];
      const body = s.fn(function* () {
        seen.push(variable.get());
        variable.set('inner');
        yield* s.wait(sleep(0));
        seen.push(variable.get());
      });
      const task = createTask(body, eager);
      expect(variable.get()).toBe('outer');
      yield* s.wait(task);
      expect(seen).toEqual(['outer', 'inner']);
      expect(variable.get()).toBe('outer');
    }),
  );

  test(
    s.name === 'generator'
      ? 'that never suspends is done on return'
      : 'that never suspends has run on return, and is done a moment later, because it is an async function',
    program(s, function* () {
      let ran = false;
      const body = s.fn(function* () {
        ran = true;
        return 'result';
      });
      const task = createTask(body, eager);
      expect(ran).toBe(true);
      expect(task.done()).toBe(s.name === 'generator');
      expect(yield* s.wait(task)).toBe('result');
    }),
  );

  test(
    'keeps its error for the task that awaits it',
    program(s, function* () {
      const error = new Error('at once');
      const body = s.fn(function* () {
        throw error;
      });
      const task = createTask(body, eager);
      expect(yield* failure(s, task)).toBe(error);
    }),
  );

  test(
    'can be cancelled where it waits',
    program(s, function* () {
      const task = createTask(
        s.fn(function* () {
          yield* s.wait(sleep(60));
        }),
        eager,
      );
      task.cancel();
      expect(yield* failure(s, task)).toBeInstanceOf(CancelledError);
    }),
  );

  test(
    'is none with `eagerStart: false`, whatever the task factory of the loop',
    program(s, function* () {
      const loop = getRunningLoop();
      const begun: string[] = [];
      const body = (name: string) =>
        s.fn(function* () {
          begun.push(name);
        });
      for (const factory of [null, eagerTaskFactory, createEagerTaskFactory(Task)]) {
        loop.setTaskFactory(factory);
        const lazy = createTask(body('lazy'), { eagerStart: false });
        const grouped = taskGroup(function* (group) {
          group.createTask(body('grouped'), { eagerStart: false });
          expect(begun).toEqual(['lazy']);
        });
        expect(begun).toEqual([]);
        yield* s.wait(lazy);
        yield* s.wait(grouped);
        expect(begun.splice(0)).toEqual(['lazy', 'grouped']);
      }
      createTask(body('undefined is nothing'), { eagerStart: undefined });
      expect(begun).toEqual(['undefined is nothing']);
      loop.setTaskFactory(null);
    }),
  );

  test(
    'that cannot enter its context is refused; its coroutine is left for another task',
    program(s, function* () {
      const spawned: string[] = [];
      const detach = addInstrument({ taskSpawned: (task) => spawned.push(task.getName()) });
      const body = s.fn(function* () {
        yield* s.wait(sleep(1));
        return 'result';
      });
      const coro = coroutine(body)();
      const context = copyContext();
      for (const it of [body, coro]) {
        const refused = thrownBy(() =>
          context.run(() => new Task<unknown>(it, { ...eager, context, name: 'refused' })),
        );
        expect(refused).toMatchObject({ name: 'RuntimeError', code: 'CONTEXT_ENTERED' });
      }
      expect(names(allTasks())).toEqual([currentTask()!.getName()]);
      expect(yield* s.wait(createTask(coro, { ...eager, name: 'second try' }))).toBe('result');
      expect(spawned).toEqual(['second try']);
      detach();
    }),
  );

  test('is scheduled like any other while its loop does not run', async () => {
    const loop = new EventLoop({ host: new VirtualHost() });
    let ran = false;
    const body = s.fn(function* () {
      ran = true;
      return 'result';
    });
    const task = loop.createTask(body, eager);
    expect(ran).toBe(false);
    expect(await loop.runUntilComplete(task)).toBe('result');
    loop.close();
  });
});

describeBoth('an eager task of a task group', (s) => {
  test(
    'that fails at once fails the group where it next waits, not its maker',
    program(s, function* () {
      const seen: string[] = [];
      const failing = s.fn(function* () {
        throw new Error('at once');
      });
      const body = s.fn(function* (group: TaskGroup) {
        group.createTask(failing, eager);
        seen.push('went on');
        yield* s.wait(sleep(60));
      });
      const error = yield* failure(s, taskGroup(body));
      expect(error).toBeInstanceOf(ExceptionGroup);
      expect(error).toMatchObject({ errors: [{ message: 'at once' }] });
      expect(seen).toEqual(['went on']);
    }),
  );
});

describeBoth('an eager task factory', (s) => {
  test(
    'makes every task of the loop eager',
    program(s, function* () {
      getRunningLoop().setTaskFactory(eagerTaskFactory);
      let ran = false;
      const task = createTask(
        s.fn(function* () {
          ran = true;
          yield* s.wait(sleep(1));
        }),
        { name: 'named' },
      );
      expect(ran).toBe(true);
      expect(task.getName()).toBe('named');
      yield* s.wait(task);
    }),
  );

  test(
    'makes tasks of the class it was given, or by its function',
    program(s, function* () {
      class MyTask<T> extends Task<T> {}
      const body = s.fn(function* () {});
      const loop = getRunningLoop();
      loop.setTaskFactory(createEagerTaskFactory(MyTask));
      const byClass = createTask(body);
      loop.setTaskFactory(createEagerTaskFactory((coro, options) => new MyTask(coro, options)));
      const byFunction = createTask(body);
      expect([byClass, byFunction].map((task) => task instanceof MyTask)).toEqual([true, true]);
      yield* s.wait(byClass);
      yield* s.wait(byFunction);
    }),
  );
});
