import { currentTask, type EventLoop, newEventLoop, sleep, type Task } from 'asyncio-ts';
import { equal, rejects } from '../lib/expect.ts';
import { later, virtualLoop } from '../lib/loops.ts';
import { subject } from '../lib/registry.ts';
import type { Spelling } from '../lib/spellings.ts';

const { checkBoth } = subject('awaiting outside of tasks');

const napping = (s: Spelling) =>
  s.fn(function* (result: string) {
    yield* s.wait(sleep(0.001));
    yield* s.wait(sleep(0.001));
    return result;
  });

const failing = (s: Spelling) =>
  s.fn(function* (): Generator<unknown, never, unknown> {
    yield* s.wait(sleep(0.001));
    throw new RangeError('of the task');
  });

/** Runs a loop while a function, which is no task of it, does its work. What the loop reports fails the check. */
async function beside(loop: EventLoop, fn: () => Promise<void>): Promise<void> {
  const reports: string[] = [];
  loop.setExceptionHandler((_loop, { message, exception }) => {
    reports.push(`${message}: ${exception}`);
  });
  const running = loop.runForever();
  try {
    await fn();
  } finally {
    loop.stop();
    await running;
    loop.close();
  }
  equal(reports, [], 'reports to the exception handler');
}

for (const [host, makeLoop] of [
  ['real', newEventLoop],
  ['simulated', virtualLoop],
] as const) {
  checkBoth(`a task made there is awaited there, in ${host} time`, async (s) => {
    const loop = makeLoop();
    const nap = napping(s);
    await beside(loop, async () => {
      equal(await loop.createTask(() => nap('one')), 'one');
      equal(await loop.createTask(() => nap('two')), 'two');
    });
  });

  checkBoth(`tasks that run already are awaited one after the other, in ${host} time`, async (s) => {
    const loop = makeLoop();
    const nap = napping(s);
    await beside(loop, async () => {
      const tasks = ['a', 'b', 'c'].map((name) => loop.createTask(() => nap(name)));
      const results: string[] = [];
      for (const task of tasks) results.push(await task);
      equal(results, ['a', 'b', 'c']);
    });
  });
}

checkBoth('a wait there goes well amid tasks that take turns', async (s) => {
  const loop = newEventLoop();
  const busy = s.fn(function* () {
    const self = currentTask();
    for (let i = 0; i < 60; i++) {
      yield* s.wait(sleep(0));
      equal(currentTask() === self, true, 'the same task as before');
    }
    return 'busy';
  });
  const short = s.fn(function* (result: number) {
    for (let i = 0; i < 3; i++) yield* s.wait(sleep(0));
    return result;
  });
  await beside(loop, async () => {
    const tasks = [1, 2, 3].map(() => loop.createTask(busy));
    const results: unknown[] = [];
    for (let i = 0; i < 5; i++) results.push(await loop.createTask(() => short(i)));
    equal(currentTask(loop), null);
    for (const task of tasks) results.push(await task);
    equal(results, [0, 1, 2, 3, 4, 'busy', 'busy', 'busy']);
  });
});

checkBoth('two waits for one task get the same result', async (s) => {
  const loop = newEventLoop();
  const nap = napping(s);
  await beside(loop, async () => {
    const task = loop.createTask(() => nap('both'));
    const waiter = async () => await task;
    equal(await Promise.all([waiter(), waiter(), task]), ['both', 'both', 'both']);
  });
});

checkBoth('an error is thrown there, and is then no unhandled one', async (s) => {
  const loop = newEventLoop();
  const fail = failing(s);
  await beside(loop, async () => {
    await rejects(loop.createTask(fail), RangeError, /of the task/);
    const task: Task<never> = loop.createTask(fail);
    await later(10);
    await rejects(task, RangeError, /of the task/);
    await rejects(task, RangeError, /of the task/);
  });
});

checkBoth('a wait there cancels nothing and belongs to no task', async (s) => {
  const loop = newEventLoop();
  const longNap = s.fn(function* () {
    yield* s.wait(sleep(20));
  });
  await beside(loop, async () => {
    const future = loop.createFuture<string>();
    const task = loop.createTask(longNap);
    const outside = (async () => await future)();
    await later(0);
    task.cancel();
    await later(10);
    equal([task.cancelled(), future.done()], [true, false]);
    future.setResult('later');
    equal(await outside, 'later');
  });
});

checkBoth('the methods of a promise work there', async (s) => {
  const loop = newEventLoop();
  const [nap, fail] = [napping(s), failing(s)];
  await beside(loop, async () => {
    equal(await loop.createTask(() => nap('x')).then((value) => `${value}!`), 'x!');
    equal(await loop.createTask(fail).catch((error: unknown) => String(error)), 'RangeError: of the task');
    let calls = 0;
    await loop.createTask(() => nap('x')).finally(() => calls++);
    equal(calls, 1);
  });
});

checkBoth('a future of the loop can be set there', async (s) => {
  const loop = newEventLoop();
  await beside(loop, async () => {
    const future = loop.createFuture<string>();
    const task = loop.createTask(
      s.fn(function* () {
        return yield* s.wait(future);
      }),
    );
    await later(1);
    future.setResult('from outside');
    equal(await task, 'from outside');
  });
});
