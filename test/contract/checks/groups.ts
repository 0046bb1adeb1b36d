import {
  CancelledError,
  createTask,
  currentTask,
  ExceptionGroup,
  getRunningLoop,
  RuntimeError,
  sleep,
  type Task,
  type TaskGroup,
  TimeoutError,
  taskGroup,
  timeout,
  ValueError,
} from 'asyncio-ts';
import { equal, throws } from '../lib/expect.ts';
import { subject } from '../lib/registry.ts';
import type { Spelling } from '../lib/spellings.ts';

const { program } = subject('task groups');

const napping = (s: Spelling) =>
  s.fn(function* (seconds: number) {
    yield* s.wait(sleep(seconds));
    return seconds;
  });

const failing = (s: Spelling) =>
  s.fn(function* (seconds: number, error: unknown) {
    yield* s.wait(sleep(seconds));
    throw error;
  });

program('a group gives what its body returns, when all its tasks are done', function* (s) {
  const nap = napping(s);
  const tasks: Task<number>[] = [];
  const body = s.fn(function* (group: TaskGroup) {
    for (const seconds of [3, 1]) tasks.push(group.createTask(() => nap(seconds)));
    yield* s.wait(sleep(2));
    return 'body';
  });
  equal(yield* s.wait(taskGroup(body)), 'body');
  equal([tasks.map((task) => task.result()), getRunningLoop().time()], [[3, 1], 3]);
});

program('a group without tasks is only its body', function* (s) {
  const body = s.fn(function* () {
    return 7;
  });
  equal(yield* s.wait(taskGroup(body)), 7);
});

program('one failure cancels the other tasks and the body, and all are waited for', function* (s) {
  const [nap, fail] = [napping(s), failing(s)];
  const trace: string[] = [];
  let sibling: Task<unknown> | undefined;
  const error = new ValueError('broken');
  const body = s.fn(function* (group: TaskGroup) {
    sibling = group.createTask(() => nap(100));
    group.createTask(() => fail(1, error));
    try {
      yield* s.wait(sleep(100));
    } finally {
      yield* s.wait(sleep(3));
      trace.push('body is clean');
    }
  });
  const group = yield* s.fails(taskGroup(body), ExceptionGroup, /unhandled errors in a TaskGroup/);
  equal([group.errors, sibling?.cancelled(), trace, getRunningLoop().time()], [[error], true, ['body is clean'], 4]);
  equal(currentTask()?.cancelling(), 0);
});

program('errors are in the order in which they happened, that of the body last', function* (s) {
  const fail = failing(s);
  const body = s.fn(function* (group: TaskGroup) {
    const cleaning = s.fn(function* () {
      yield* s.fails(sleep(100), CancelledError);
      throw new ValueError('two');
    });
    group.createTask(cleaning);
    group.createTask(() => fail(1, new ValueError('one')));
    yield* s.fails(sleep(100), CancelledError);
    throw new ValueError('body');
  });
  const group = yield* s.fails(taskGroup(body), ExceptionGroup);
  equal(group.errors.map(String), ['ValueError: one', 'ValueError: two', 'ValueError: body']);
});

program('an error of the body alone is grouped as well', function* (s) {
  const nap = napping(s);
  let sibling: Task<unknown> | undefined;
  const body = s.fn(function* (group: TaskGroup) {
    sibling = group.createTask(() => nap(100));
    yield* s.wait(sleep(1));
    throw new RangeError('body');
  });
  const group = yield* s.fails(taskGroup(body), ExceptionGroup);
  equal([group.errors.map(String), sibling?.cancelled()], [['RangeError: body'], true]);
});

program('a task that is cancelled alone is not a failure', function* (s) {
  const nap = napping(s);
  const body = s.fn(function* (group: TaskGroup) {
    const task = group.createTask(() => nap(100));
    const other = group.createTask(() => nap(2));
    yield* s.wait(sleep(1));
    task.cancel();
    return yield* s.wait(other);
  });
  equal([yield* s.wait(taskGroup(body)), getRunningLoop().time()], [2, 2]);
});

program('a group cancelled from outside cancels its tasks', function* (s) {
  const nap = napping(s);
  let inner: Task<unknown> | undefined;
  const body = s.fn(function* (group: TaskGroup) {
    inner = group.createTask(() => nap(100));
  });
  const task = createTask(() => taskGroup(body));
  yield* s.wait(sleep(1));
  task.cancel('outside');
  equal((yield* s.fails(task, CancelledError)).message, 'outside');
  equal(inner?.cancelled(), true);
});

program('cancel() ends a group without an error', function* (s) {
  const nap = napping(s);
  const trace: string[] = [];
  let task: Task<unknown> | undefined;
  const body = s.fn(function* (group: TaskGroup) {
    task = group.createTask(() => nap(100));
    yield* s.wait(sleep(1));
    group.cancel();
    yield* s.wait(sleep(100));
    trace.push('never reached');
  });
  yield* s.wait(taskGroup(body));
  equal([task?.cancelled(), trace, getRunningLoop().time(), currentTask()?.cancelling()], [true, [], 1, 0]);
});

program('tasks may start others while the group waits; afterwards it refuses', function* (s) {
  const nap = napping(s);
  let late: Task<number> | undefined;
  let kept: TaskGroup | undefined;
  const body = s.fn(function* (group: TaskGroup) {
    kept = group;
    const starting = s.fn(function* () {
      yield* s.wait(sleep(1));
      late = group.createTask(() => nap(4));
    });
    group.createTask(starting);
  });
  yield* s.wait(taskGroup(body));
  equal([late?.result(), getRunningLoop().time()], [4, 5]);
  throws(() => kept?.createTask(() => nap(1)), RuntimeError, /is finished/);
});

program('groups nest: an inner failure is one error of the outer group', function* (s) {
  const fail = failing(s);
  const inner = s.fn(function* (group: TaskGroup) {
    group.createTask(() => fail(1, new ValueError('deep')));
    group.createTask(() => fail(1, new TypeError('deep')));
  });
  const outer = s.fn(function* (group: TaskGroup) {
    group.createTask(() => taskGroup(inner));
    yield* s.wait(sleep(100));
  });
  const group = yield* s.fails(taskGroup(outer), ExceptionGroup);
  const [values, rest] = group.split(ValueError);
  const leaves = (part: ExceptionGroup | null) => (part?.errors[0] as ExceptionGroup | undefined)?.errors.map(String);
  equal([leaves(values), leaves(rest)], [['ValueError: deep'], ['TypeError: deep']]);
});

program('a timeout around a group is a plain TimeoutError', function* (s) {
  const nap = napping(s);
  const body = s.fn(function* (group: TaskGroup) {
    group.createTask(() => nap(100));
  });
  yield* s.fails(
    timeout(1, () => taskGroup(body)),
    TimeoutError,
  );
  equal(getRunningLoop().time(), 1);
});

program('a failure and a cancellation together: the group is thrown, then the cancellation', function* (s) {
  const fail = failing(s);
  const body = s.fn(function* (group: TaskGroup) {
    const cleaning = s.fn(function* () {
      yield* s.fails(sleep(100), CancelledError);
      yield* s.wait(fail(1, new ValueError('cleanup')));
    });
    group.createTask(cleaning);
  });
  const task = createTask(
    s.fn(function* () {
      yield* s.fails(taskGroup(body), ExceptionGroup);
      yield* s.wait(sleep(100));
    }),
  );
  yield* s.wait(sleep(1));
  task.cancel();
  yield* s.fails(task, CancelledError);
  equal([task.cancelling(), getRunningLoop().time()], [1, 2]);
});
