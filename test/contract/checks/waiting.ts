import {
  ALL_COMPLETED,
  asCompleted,
  CancelledError,
  createTask,
  FIRST_COMPLETED,
  FIRST_EXCEPTION,
  getRunningLoop,
  shield,
  sleep,
  type Task,
  TimeoutError,
  ValueError,
  wait,
} from 'asyncio-ts';
import { equal, ok, throws } from '../lib/expect.ts';
import { runVirtually, virtualLoop } from '../lib/loops.ts';
import { subject } from '../lib/registry.ts';
import type { Spelling } from '../lib/spellings.ts';

const { check, checkBoth, program } = subject('waiting');

/** Tasks that sleep; a negative number makes one that fails. Each is named for its number. */
function tasksOf(s: Spelling, ...seconds: readonly number[]): Task<number>[] {
  const work = s.fn(function* (time: number) {
    yield* s.wait(sleep(Math.abs(time)));
    if (time < 0) throw new RangeError(`after ${-time} s`);
    return time;
  });
  return seconds.map((time) => createTask(() => work(time), { name: String(time) }));
}

const names = (tasks: Iterable<Task<unknown>>): string[] => Array.from(tasks, (task) => task.getName());

program('wait returns when all are done, without raising', function* (s) {
  const tasks = tasksOf(s, 3, -1, 2);
  const { done, pending } = yield* s.wait(wait(tasks));
  equal([names(done), pending.size, getRunningLoop().time()], [['3', '-1', '2'], 0, 3]);
  equal(String(tasks[1]?.exception()), 'RangeError: after 1 s');
});

program('wait returns at the first that is done', function* (s) {
  const [done, pending] = yield* s.wait(wait(tasksOf(s, 3, 1, 2), { returnWhen: FIRST_COMPLETED }));
  equal([names(done), names(pending), getRunningLoop().time()], [['1'], ['3', '2'], 1]);
});

program('wait returns at the first failure, which a cancellation is not', function* (s) {
  const tasks = tasksOf(s, 1, 9, -2, 3);
  getRunningLoop().callLater(1, () => tasks[1]?.cancel());
  const { done, pending } = yield* s.wait(wait(tasks, { returnWhen: FIRST_EXCEPTION }));
  equal([names(done), names(pending), getRunningLoop().time()], [['1', '9', '-2'], ['3'], 2]);
  tasks[2]?.exception();
});

program('wait returns at its time limit, and cancels nothing', function* (s) {
  const tasks = tasksOf(s, 1, 3);
  const { done, pending } = yield* s.wait(wait(tasks, { timeout: 2, returnWhen: ALL_COMPLETED }));
  equal([names(done), names(pending), getRunningLoop().time()], [['1'], ['3'], 2]);
  equal(yield* s.wait(tasks[1]), 3);
});

program('cancelling wait does not cancel its tasks', function* (s) {
  const tasks = tasksOf(s, 2, 3);
  const waiter = createTask(() => wait(tasks));
  yield* s.wait(sleep(1));
  waiter.cancel();
  yield* s.fails(waiter, CancelledError);
  equal([yield* s.wait(tasks[0]), yield* s.wait(tasks[1])], [2, 3]);
});

check('wait refuses nothing, coroutines and single futures', async () => {
  await runVirtually(async () => {
    const task = createTask(() => sleep(1));
    throws(() => wait([]), ValueError, /empty/);
    throws(() => wait([sleep(1)] as never), TypeError, /forbidden/);
    throws(() => wait(task as never), TypeError, /list of futures/);
    throws(() => wait([task], { returnWhen: 'SOME' as never }), ValueError, /returnWhen/);
  });
});

check('asCompleted gives the tasks themselves as they end', async () => {
  await runVirtually(async () => {
    const tasks = [3, 1, 2].map((seconds) => createTask(() => sleep(seconds, seconds)));
    const results: number[] = [];
    for await (const task of asCompleted(tasks)) {
      ok(tasks.includes(task as Task<number>), 'one of the tasks');
      results.push(task.result());
    }
    equal(results, [1, 2, 3]);
  });
});

program('asCompleted gives awaitables of the next result', function* (s) {
  const results: unknown[] = [];
  for (const next of asCompleted(tasksOf(s, 3, 1, -2))) {
    try {
      results.push(yield* s.wait(next));
    } catch (error) {
      results.push(String(error));
    }
  }
  equal(results, [1, 'RangeError: after 2 s', 3]);
});

program('asCompleted ends with TimeoutError when the time is up, and cancels nothing', function* (s) {
  const tasks = tasksOf(s, 1, 5);
  const [first, second] = asCompleted(tasks, { timeout: 2 });
  equal(yield* s.wait(first), 1);
  yield* s.fails(second, TimeoutError);
  equal([getRunningLoop().time(), yield* s.wait(tasks[1])], [2, 5]);
});

program('shield keeps the work running when the wait is cancelled', function* (s) {
  const [inner] = tasksOf(s, 5);
  const waiter = createTask(
    s.fn(function* () {
      yield* s.wait(shield(inner as Task<number>));
    }),
  );
  yield* s.wait(sleep(1));
  waiter.cancel();
  yield* s.fails(waiter, CancelledError);
  equal([getRunningLoop().time(), yield* s.wait(inner)], [1, 5]);
});

program('shield passes on the result, the error and the cancellation of the work', function* (s) {
  const [good, bad, cancelled] = tasksOf(s, 1, -2, 9) as [Task<number>, Task<number>, Task<number>];
  equal(yield* s.wait(shield(good)), 1);
  equal(shield(good) === good, true, 'work that is done');
  yield* s.fails(shield(bad), RangeError);
  getRunningLoop().callLater(1, () => cancelled.cancel());
  yield* s.fails(shield(cancelled), CancelledError);
});

checkBoth('shield reports work that fails to the exception handler when its error is never retrieved', async (s) => {
  const loop = virtualLoop();
  const messages: (string | undefined)[] = [];
  loop.setExceptionHandler((_loop, { message }) => messages.push(message));
  const main = s.fn(function* () {
    const inner = tasksOf(s, -2)[0] as Task<number>;
    const outer = shield(inner);
    yield* s.wait(sleep(1));
    outer.cancel();
    yield* s.wait(sleep(2));
    return [inner];
  });
  const kept = await loop.runUntilComplete(main);
  equal([kept[0]?.done(), messages.length], [true, 0]);
  loop.close();
  equal([messages.length, /shielded/.test(messages[0] ?? '')], [1, true]);
});

program('shield does not report work that fails when its error is retrieved later', function* (s) {
  const inner = tasksOf(s, -2)[0] as Task<number>;
  const outer = shield(inner);
  yield* s.wait(sleep(1));
  outer.cancel();
  yield* s.wait(sleep(1.25)); // later than half a second after its end, it would have been told
  ok(inner.exception() instanceof Error, 'its error');
});
