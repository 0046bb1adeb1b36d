import { createTask, type EventLoop, type ExceptionContext, getRunningLoop, sleep, type Task, wait } from 'asyncio-ts';
import { equal, ok } from '../lib/expect.ts';
import { runVirtually, virtualLoop } from '../lib/loops.ts';
import { subject } from '../lib/registry.ts';
import type { Spelling } from '../lib/spellings.ts';

const { check, checkBoth } = subject('unretrieved errors');

const error = new RangeError('nobody looks');

const failing = (s: Spelling) =>
  s.fn(function* (): Generator<unknown, number, unknown> {
    yield* s.wait(sleep(1));
    throw error;
  });

/** What is reported when a loop is closed after a task of it has failed. */
async function reportsOf(
  s: Spelling,
  look: (task: Task<number>, loop: EventLoop) => void,
): Promise<ExceptionContext[]> {
  const reports: ExceptionContext[] = [];
  const loop = virtualLoop();
  loop.setExceptionHandler((_loop, context) => {
    reports.push(context);
  });
  const task = loop.createTask(failing(s));
  await loop.runUntilComplete(() => sleep(2));
  look(task, loop);
  await loop.runUntilComplete(() => sleep(2));
  equal(reports, [], 'reports before the loop is closed');
  loop.close();
  return reports;
}

checkBoth('are reported when the loop is closed, once', async (s) => {
  let failed: Task<unknown> | undefined;
  const reports = await reportsOf(s, (task) => {
    failed = task;
  });
  equal([reports.length, reports[0]?.exception], [1, error]);
  ok(reports[0]?.future === failed, 'the task that failed');
  ok(/Task exception was never retrieved/.test(reports[0]?.message ?? ''), 'a message that says so');
});

checkBoth('are those that result(), exception() and cancel() have not taken', async (s) => {
  equal(await reportsOf(s, (task) => task.exception()), []);
  equal(await reportsOf(s, (task) => task.cancel()), []);
  const take = (task: Task<number>): void => {
    try {
      task.result();
    } catch {
      // it is ours
    }
  };
  equal(await reportsOf(s, take), []);
});

checkBoth('are not those that were awaited, in a task or outside', async (s) => {
  const awaiting = s.fn(function* (task: Task<number>) {
    yield* s.fails(task, RangeError);
  });
  equal(await reportsOf(s, (task, loop) => loop.createTask(() => awaiting(task))), []);
  equal(await reportsOf(s, (task) => task.catch(() => {})), []);
});

checkBoth('are those that only a callback or wait() has seen', async (s) => {
  equal((await reportsOf(s, (task) => task.addDoneCallback(() => {}))).length, 1);
  equal((await reportsOf(s, (task, loop) => loop.createTask(() => wait([task])))).length, 1);
});

check('of futures are reported as well', async () => {
  const reports: ExceptionContext[] = [];
  await runVirtually(async () => {
    const loop = getRunningLoop();
    loop.setExceptionHandler((_loop, context) => {
      reports.push(context);
    });
    loop.createFuture().setException(error);
    createTask(() => sleep(1));
    await sleep(0);
  });
  equal(
    reports.map(({ message }) => message),
    ['Future exception was never retrieved'],
  );
});
