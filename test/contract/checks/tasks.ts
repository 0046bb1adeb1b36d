import {
  allTasks,
  createTask,
  currentTask,
  eagerTaskFactory,
  ensureFuture,
  getRunningLoop,
  RuntimeError,
  run,
  sleep,
  type Task,
} from 'asyncio-ts';
import { withAsyncContext, withoutAsyncContext } from '../lib/environment.ts';
import { equal, ok, throws } from '../lib/expect.ts';
import { runVirtually } from '../lib/loops.ts';
import { subject } from '../lib/registry.ts';

const { check, checkBoth, program } = subject('tasks');
// An async function started eagerly by another one: only where the runtime distinguishes the awaits of the two.
const eager = subject('tasks', withAsyncContext);
const inTurn = subject('tasks', withoutAsyncContext);

checkBoth('run gives the result of main', async (s) => {
  const main = s.fn(function* () {
    return yield* s.wait(sleep(0.001, 'done'));
  });
  equal(await run(main), 'done');
});

program('tasks run side by side, awaits one after the other', function* (s) {
  const loop = getRunningLoop();
  const nap = s.fn(function* (seconds: number) {
    yield* s.wait(sleep(seconds));
    return seconds;
  });
  const tasks = [createTask(() => nap(1)), createTask(() => nap(3))] as const;
  equal([yield* s.wait(tasks[0]), yield* s.wait(tasks[1]), loop.time()], [1, 3, 3]);
  equal([yield* s.wait(nap(1)), yield* s.wait(nap(3)), loop.time()], [1, 3, 7]);
});

program('createTask runs nothing now; first steps come in order of creation', function* (s) {
  const trace: string[] = [];
  const step = (name: string) =>
    s.fn(function* () {
      trace.push(`${name} begins`);
      yield* s.wait(sleep(0));
      trace.push(`${name} ends`);
    });
  for (const name of ['a', 'b', 'c']) createTask(step(name));
  equal(trace, []);
  yield* s.wait(sleep(0));
  equal(trace, ['a begins', 'b begins', 'c begins']);
  yield* s.wait(sleep(0));
  equal(trace.slice(3), ['a ends', 'b ends', 'c ends']);
});

program('a task that waits for a future is woken one iteration later, in order, between the callbacks', function* (s) {
  const loop = getRunningLoop();
  const trace: string[] = [];
  const future = loop.createFuture<void>();
  const waiter = (name: string) =>
    s.fn(function* () {
      yield* s.wait(future);
      trace.push(name);
    });
  for (const name of ['a', 'b']) createTask(waiter(name));
  yield* s.wait(sleep(0));
  loop.callSoon(() => trace.push('before'));
  future.setResult();
  loop.callSoon(() => trace.push('after'));
  equal(trace, []);
  yield* s.wait(sleep(0));
  equal(trace, ['before', 'a', 'b', 'after']);
});

program('a result takes one iteration for each task on its way, none for each coroutine', function* (s) {
  const loop = getRunningLoop();
  const future = loop.createFuture<string>();
  let iterations = 0;
  const count = (): void => {
    iterations++;
    loop.callSoon(count);
  };
  const inner = s.fn(function* () {
    return yield* s.wait(future);
  });
  const middle = s.fn(function* () {
    return yield* s.wait(inner());
  });
  const outer = createTask(middle);
  loop.callLater(1, () => {
    future.setResult('there');
    count();
  });
  equal(yield* s.wait(outer), 'there');
  equal(iterations, 2);
});

program('the current task is the one whose code runs, and none in a callback', function* (s) {
  const seen: (Task<unknown> | null)[] = [];
  const task = createTask(
    s.fn(function* () {
      seen.push(currentTask());
      yield* s.wait(sleep(1));
      seen.push(currentTask());
    }),
  );
  getRunningLoop().callSoon(() => seen.push(currentTask()));
  const self = currentTask();
  yield* s.wait(task);
  equal(seen[0] === task && seen[1] === null && seen[2] === task, true, 'task, none, task');
  equal(currentTask() === self && self !== task, true, 'main is main again');
});

program('allTasks are those that are not done', function* (s) {
  const nap = s.fn(function* () {
    yield* s.wait(sleep(1));
  });
  createTask(nap, { name: 'one' });
  const two = createTask(nap, { name: 'two' });
  const namesOf = () => Array.from(allTasks(), (task) => task.getName()).toSorted();
  currentTask()?.setName('main');
  equal(namesOf(), ['main', 'one', 'two']);
  two.cancel();
  yield* s.wait(sleep(0));
  equal(namesOf(), ['main', 'one']);
});

check('tasks have names: the given one, or a number of their own', async () => {
  await runVirtually(async () => {
    const task = createTask(() => sleep(0), { name: 'given' });
    equal(task.getName(), 'given');
    task.setName('other');
    equal(task.getName(), 'other');
    const names = [createTask(() => sleep(0)), createTask(() => sleep(0))].map((one) => one.getName());
    ok(names.every((name) => /^Task-\d+$/.test(name)) && names[0] !== names[1], 'names like Task-7');
  });
});

check('a task is a future that only its coroutine can set', async () => {
  await runVirtually(async () => {
    const task = createTask(() => sleep(0, 1));
    throws(() => task.setResult(2), RuntimeError, /set_result/);
    throws(() => task.setException(new Error('no')), RuntimeError, /set_exception/);
    equal(await task, 1);
  });
});

program('a task that waits for itself gets an error', function* (s) {
  const task: Task<unknown> = createTask(
    s.fn(function* (): Generator<unknown, void, unknown> {
      yield* s.wait(sleep(0));
      yield* s.wait(task);
    }),
  );
  yield* s.fails(task, RuntimeError, /await on itself/);
});

check('a value that is not a coroutine is refused at once', async () => {
  await runVirtually(async () => {
    for (const value of [undefined, null, 42, 'text', {}, []]) {
      throws(() => createTask(value as never), TypeError, /coroutine was expected/);
      throws(() => ensureFuture(value as never), TypeError, /awaitable is required/);
    }
  });
});

program('ensureFuture takes coroutines, futures and any awaitable object', function* (s) {
  const future = getRunningLoop().createFuture<number>();
  equal(ensureFuture(future) === future, true, 'a future is itself');
  const task = createTask(() => sleep(0, 1));
  equal(ensureFuture(task) === task, true, 'a task is itself');
  const nap = s.fn(function* () {
    return yield* s.wait(sleep(0, 2));
  });
  const awaitable = {
    *[Symbol.iterator]() {
      return yield* sleep(0, 3);
    },
  };
  const thenable = { then: (resolve: (value: number) => void) => resolve(4) } as PromiseLike<number>;
  const found: unknown[] = [];
  for (const one of [task, nap, awaitable, thenable]) found.push(yield* s.wait(ensureFuture<number>(one)));
  equal(found, [1, 2, 3, 4]);
});

program('ten thousand tasks end', function* (s) {
  const nap = s.fn(function* (i: number) {
    yield* s.wait(sleep(i % 7));
    return i;
  });
  const tasks = Array.from({ length: 10_000 }, (_, i) => createTask(() => nap(i)));
  let sum = 0;
  for (const task of tasks) sum += yield* s.wait(task);
  equal([sum, getRunningLoop().time()], [49_995_000, 6]);
});

checkBoth('a task without any reference to it runs to its end', async (s) => {
  const trace: string[] = [];
  const background = s.fn(function* () {
    for (let i = 0; i < 3; i++) yield* s.wait(sleep(1));
    trace.push('ended');
  });
  await runVirtually(() => {
    createTask(background);
    return sleep(10);
  });
  equal(trace, ['ended']);
});

eager.program('an eager task runs up to its first wait inside createTask', function* (s) {
  const self = currentTask();
  const trace: unknown[] = [];
  const task = createTask(
    s.fn(function* () {
      trace.push('begins');
      trace.push(currentTask()?.getName());
      yield* s.wait(sleep(1));
      trace.push('ends');
    }),
    { eagerStart: true, name: 'eager' },
  );
  equal(trace, ['begins', 'eager']);
  equal(currentTask() === self, true, 'main is current again');
  ok(!task.done(), 'the task to wait');
  yield* s.wait(task);
  equal(trace.at(-1), 'ends');
});

program('an eager task does not end the step of the task that makes it', function* (s) {
  const loop = getRunningLoop();
  const done = loop.createFuture<void>();
  done.setResult();
  let turns = 0;
  const maker = createTask(
    s.fn(function* () {
      loop.callSoon(() => turns++);
      const nap = s.fn(function* () {
        yield* s.wait(sleep(1));
      });
      createTask(nap, { eagerStart: true });
      for (let i = 0; i < 20; i++) yield* s.wait(done);
      return turns;
    }),
  );
  equal([yield* s.wait(maker), turns], [0, 1]);
});

inTurn.check('an async function that another one starts eagerly starts in its turn', async () => {
  const trace: string[] = [];
  await runVirtually(async () => {
    const task = createTask(async () => trace.push('begins'), { eagerStart: true });
    trace.push('made');
    await task;
  });
  equal(trace, ['made', 'begins']);
});

check('an eager generator that never waits is done on return, an async function is not', async () => {
  await runVirtually(async () => {
    const generator = createTask(
      function* () {
        return 1;
      },
      { eagerStart: true },
    );
    const asynchronous = createTask(async () => 2, { eagerStart: true });
    equal([generator.done(), asynchronous.done()], [true, false]);
    equal([await generator, await asynchronous], [1, 2]);
  });
});

eager.program('the eager task factory starts all tasks of its loop at once', function* (s) {
  getRunningLoop().setTaskFactory(eagerTaskFactory);
  let begun = 0;
  const task = createTask(
    s.fn(function* () {
      begun++;
      yield* s.wait(sleep(0));
    }),
  );
  equal(begun, 1);
  yield* s.wait(task);
});

check('a task returned by an async function is awaited; a set of tasks is not', async () => {
  const result = await runVirtually(async () => createTask(() => sleep(1, 'inner')));
  equal(result, 'inner');
});
