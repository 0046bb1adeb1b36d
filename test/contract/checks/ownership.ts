import {
  CancelledError,
  ContextVar,
  createTask,
  currentSignal,
  currentTask,
  Event,
  gather,
  getRunningLoop,
  Queue,
  run,
  shared,
  sleep,
  type Task,
  TimeoutError,
  taskGroup,
  timeout,
  wrapPromise,
} from 'asyncio-ts';
import { withAsyncContext } from '../lib/environment.ts';
import { equal, ok, rejects } from '../lib/expect.ts';
import { later, logged, runVirtually } from '../lib/loops.ts';
import { subject } from '../lib/registry.ts';

/** Ordinary JavaScript in a task: branches, races, promises of others. What needs knowledge that only Node has is in the unit tests. */
const { check, program } = subject('ownership');
/** Without `AsyncLocalStorage` it is not known which branch awaits. */
const { check: checkBranches } = subject('ownership', withAsyncContext);

/** The value of a promise, or the name of its error. */
async function outcome(awaited: unknown): Promise<unknown> {
  try {
    return await awaited;
  } catch (error) {
    return error instanceof Error ? error.name : error;
  }
}

program('a deadline ends its body, and nothing that is awaited before or after it', function* (s) {
  const event = new Event();
  const waiting = createTask(
    s.fn(function* () {
      yield* s.wait(event.wait());
      return 'heard';
    }),
  );
  const body = s.fn(function* () {
    yield* s.wait(event.wait());
  });
  yield* s.fails(timeout(1, body), TimeoutError);
  equal(yield* s.wait(sleep(5, 'went on')), 'went on');
  event.set();
  equal(yield* s.wait(waiting), 'heard');
  equal(currentTask()?.cancelling(), 0);
});

program('the count that a line sees is the sum of the deadlines around it', function* (s) {
  const counts: unknown[] = [];
  const body = s.fn(function* () {
    try {
      yield* s.wait(sleep(60));
    } finally {
      counts.push(currentTask()?.cancelling());
    }
  });
  const inner = s.fn(function* () {
    yield* s.wait(timeout(5, body));
  });
  yield* s.fails(timeout(1, inner), TimeoutError);
  yield* s.fails(timeout(1, body), TimeoutError);
  equal([...counts, currentTask()?.cancelling()], [1, 1, 0]);
});

program('the signal of a deadline is aborted with it, and that of its task is not', function* (s) {
  const ofTask = currentSignal();
  let ofDeadline: AbortSignal | undefined;
  const body = s.fn(function* () {
    ofDeadline = currentSignal();
    yield* s.wait(sleep(60));
  });
  yield* s.fails(timeout(1, body), TimeoutError);
  equal([ofDeadline?.aborted, ofTask?.aborted, currentSignal() === ofTask], [true, false, true]);
});

program('a wait passes its cancellation on, and the error says who asked for it first', function* (s) {
  const inner = createTask(() => sleep(60), { name: 'inner' });
  const outer = createTask(
    s.fn(function* () {
      yield* s.wait(inner);
    }),
    { name: 'outer' },
  );
  yield* s.wait(sleep(1));
  outer.cancel();
  yield* s.fails(outer, CancelledError, /^Task 'outer' was cancelled by Task-\d+$|^Task 'inner' was cancelled/);
  equal(inner.cancelled(), true);
  ok(inner.cancelRequest?.through?.includes("Task 'outer'"), 'the story to begin with the outer task');
});

program('a chain of 5,000 tasks that await each other is cancelled as a whole', function* (s) {
  const tasks: Task<unknown>[] = [createTask(() => sleep(60))];
  for (let i = 0; i < 5_000; i++) {
    const before = tasks[i] as Task<unknown>;
    tasks.push(
      createTask(
        s.fn(function* () {
          yield* s.wait(before);
        }),
      ),
    );
  }
  yield* s.wait(sleep(1));
  const last = tasks.at(-1) as Task<unknown>;
  last.cancel();
  yield* s.fails(last, CancelledError);
  equal(
    tasks.every((task) => task.cancelled()),
    true,
  );
});

program('work that is shared continues when waiters leave, and ends with the last of them', function* (s) {
  let runs = 0;
  const connect = shared(
    s.fn(function* () {
      runs++;
      return yield* s.wait(sleep(5, 'connection'));
    }),
  );
  const patient = createTask(() => connect());
  yield* s.fails(
    timeout(1, () => connect()),
    TimeoutError,
  );
  equal(yield* s.wait(patient), 'connection');
  equal(runs, 1);
});

check('each line of a cancelled task gets one CancelledError, and cleans up undisturbed', async () => {
  const log: string[] = [];
  const branch = async (name: string, wait: () => PromiseLike<unknown>) => {
    try {
      await wait();
    } catch (error) {
      log.push(`${name} ${(error as Error).name}`);
      throw error;
    } finally {
      await sleep(1);
      log.push(`${name} cleaned up`);
    }
  };
  await runVirtually(async () => {
    const task = createTask(() =>
      Promise.all([
        branch('a', () => sleep(60)),
        branch('b', () => new Event().wait()),
        branch('c', () => new Queue().get()),
      ]),
    );
    await sleep(1);
    task.cancel();
    await rejects(task, CancelledError);
    equal(task.cancelled(), true);
  });
  equal(
    log.sort(),
    ['a', 'b', 'c'].flatMap((name) => [`${name} CancelledError`, `${name} cleaned up`]),
  );
});

check('the loser of a race does not use up the next request, and what it waited for goes on', async () => {
  await runVirtually(async () => {
    const job = createTask(() => sleep(20, 'job'));
    const task = createTask(async () => {
      await Promise.race([job, sleep(1)]);
      await sleep(60);
    });
    await sleep(5);
    task.cancel();
    await rejects(task, CancelledError);
    equal(await job, 'job');
  });
});

check('a timeout does not wait for a plain body at a foreign promise after the deadline', async () => {
  await runVirtually(async () => {
    const forever = new Promise<never>(() => {});
    await rejects(
      timeout(1, () => forever),
      TimeoutError,
    );
    equal(getRunningLoop().time(), 1);
    equal(await sleep(1, 'went on'), 'went on');
  });
});

check('then, called by a program, gives a promise and calls back, whatever is passed to it', async () => {
  await runVirtually(async () => {
    const heard: unknown[] = [];
    const job = () => createTask(() => sleep(1, 'value'));
    for (const callback of [(value: unknown) => heard.push(value), heard.push.bind(heard)]) {
      const derived = job().then(callback, callback);
      ok(derived instanceof Promise, 'a promise');
      getRunningLoop();
      await sleep(2);
    }
    equal(heard, ['value', 'value']);
  });
  await runVirtually(async () => {
    const job = createTask(() => sleep(1, 'value'));
    equal(await wrapPromise(new Promise((resolve, reject) => job.then(resolve, reject))), 'value');
  });
});

check('a cancellation in disguise is one: AggregateError, AbortError, SuppressedError', async () => {
  const disguises: ((error: unknown) => unknown)[] = [
    (error) => new AggregateError([error]),
    (cause) => Object.assign(new Error('aborted', { cause }), { name: 'AbortError' }),
    (error) => Object.assign(new Error('suppressed'), { name: 'SuppressedError', error }),
  ];
  await runVirtually(async () => {
    for (const disguise of disguises) {
      const body = async () => {
        try {
          await sleep(60);
        } catch (error) {
          throw disguise(error);
        }
      };
      await rejects(timeout(1, body), TimeoutError);
      const task = createTask(body);
      await sleep(1);
      task.cancel();
      await rejects(task, CancelledError);
    }
    await rejects(
      timeout(1, () => Promise.any([sleep(60), sleep(50)])),
      TimeoutError,
    );
  });
});

check('a value that comes too late goes to onLate', async () => {
  const late: string[] = [];
  const { promise, resolve } = Promise.withResolvers<string>();
  await runVirtually(async () => {
    await rejects(
      timeout(1, () => wrapPromise(promise, { onLate: (value) => late.push(value) })),
      TimeoutError,
    );
    resolve('a connection');
    await sleep(1);
  });
  equal(late, ['a connection']);
});

check('lines that are left when run() ends are cancelled, have time to clean up, and are reported', async () => {
  const log: string[] = [];
  const line = async () => {
    try {
      await sleep(60);
    } catch (error) {
      log.push((error as Error).name);
    } finally {
      await sleep(1);
      log.push('cleaned up');
    }
  };
  const warnings = await logged('warn', () =>
    runVirtually(async () => {
      void line();
      await sleep(1);
    }),
  );
  equal(log, ['CancelledError', 'cleaned up']);
  equal(warnings.length, 1);
  ok(warnings[0]?.includes('left behind'), `a warning of what was left behind, got ${warnings[0]}`);
});

check('16,000 branches of one task come to their ends', async () => {
  const results = await runVirtually(() =>
    Promise.all(
      Array.from({ length: 16_000 }, async (_, i) => {
        await sleep(i % 3);
        return i;
      }),
    ),
  );
  equal([results.length, results[15_999]], [16_000, 15_999]);
});

checkBranches('a deadline in one branch never touches its siblings', async () => {
  await runVirtually(async () => {
    const limited = () => outcome(timeout(1, () => sleep(60)));
    const ends = await Promise.all([limited(), sleep(5, 'sibling'), limited()]);
    equal(ends, ['TimeoutError', 'sibling', 'TimeoutError']);
    equal(await gather(limited(), sleep(5, 'sibling')), ['TimeoutError', 'sibling']);
    equal(currentTask()?.cancelling(), 0);
  });
});

checkBranches('a group that fails in one branch never touches its siblings', async () => {
  await runVirtually(async () => {
    const failing = () =>
      taskGroup(async (group) => {
        group.createTask(async () => {
          await sleep(1);
          throw new RangeError('of a child');
        });
        await sleep(60);
      });
    equal(await Promise.all([outcome(failing()), sleep(5, 'sibling')]), ['ExceptionGroup', 'sibling']);
  });
});

checkBranches('a deadline is kept after a foreign promise', async () => {
  await run(async () => {
    const body = async () => {
      await later(1);
      await sleep(60);
    };
    const ends = await Promise.all([outcome(timeout(0.02, body)), sleep(0.05, 'sibling')]);
    equal(ends, ['TimeoutError', 'sibling']);
    equal(await sleep(0.001, 'went on'), 'went on');
  });
});

checkBranches('a callback has deadlines of its own, and those of the task do not end its waits', async () => {
  await run(async () => {
    const { promise, resolve } = Promise.withResolvers<unknown[]>();
    const callback = async () =>
      resolve(await Promise.all([outcome(timeout(0.01, () => sleep(60))), outcome(sleep(0.1, 'slept'))]));
    const task = createTask(async () => {
      setTimeout(callback, 1);
      await sleep(0.02);
      await outcome(timeout(0.01, () => sleep(60)));
      return await sleep(0.15, 'went on');
    });
    equal(await task, 'went on');
    equal(await promise, ['TimeoutError', 'slept']);
  });
});

checkBranches('a callback may await the task that has set it', async () => {
  await run(async () => {
    const { promise, resolve } = Promise.withResolvers<unknown>();
    const task: Task<string> = createTask(async () => {
      setTimeout(() => resolve(outcome(task)), 1);
      return await sleep(0.05, 'result');
    });
    equal(await task, 'result');
    equal(await promise, 'result');
  });
});

checkBranches('a then callback has deadlines of its own', async () => {
  await run(async () => {
    const chained = outcome(later(1).then(() => timeout(0.01, () => sleep(60))));
    equal(await sleep(0.05, 'slept'), 'slept');
    equal(await chained, 'TimeoutError');
  });
});

checkBranches('a variable that is set while the task waits elsewhere does not leak', async () => {
  const user = new ContextVar<string>('user');
  await run(async () => {
    user.set('main');
    const seen: unknown[] = [];
    const floating = async () => {
      await later(1);
      user.set('floating');
      await sleep(0.01);
      seen.push(user.get());
    };
    const line = floating();
    await sleep(0.05);
    await line;
    equal([user.get(), ...seen], ['main', 'floating']);
    await (async () => {
      await later(1);
      user.set('a helper');
    })();
    equal(user.get(), 'a helper');
  });
});

checkBranches('a function that is bound to its async context runs for the scope that it carries', async () => {
  const { AsyncLocalStorage } = process.getBuiltinModule('node:async_hooks');
  await run(async () => {
    const { promise, resolve } = Promise.withResolvers<unknown>();
    const limited = timeout(0.02, async () => {
      setTimeout(
        AsyncLocalStorage.bind(() => resolve(outcome(sleep(60)))),
        1,
      );
      await sleep(60);
    });
    await rejects(limited, TimeoutError);
    equal(await promise, 'CancelledError');
  });
});
