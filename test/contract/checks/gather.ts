import { CancelledError, createTask, gather, getRunningLoop, sleep } from 'asyncio-ts';
import { equal, ok, throws } from '../lib/expect.ts';
import { subject } from '../lib/registry.ts';
import type { Spelling } from '../lib/spellings.ts';

const { check, program } = subject('gather');

const napping = (s: Spelling) =>
  s.fn(function* (seconds: number) {
    yield* s.wait(sleep(seconds));
    return seconds;
  });

const failing = (s: Spelling) =>
  s.fn(function* (seconds: number) {
    yield* s.wait(sleep(seconds));
    throw new RangeError(`after ${seconds} s`);
  });

program('runs side by side and gives results in the order of the arguments', function* (s) {
  const nap = napping(s);
  const results = yield* s.wait(
    gather(
      () => nap(3),
      createTask(() => nap(1)),
      nap(2),
    ),
  );
  equal([results, getRunningLoop().time()], [[3, 1, 2], 3]);
});

program('takes a list as well, and plain promises', function* (s) {
  const nap = napping(s);
  const results = yield* s.wait(gather([() => nap(1), Promise.resolve('promise')]));
  equal(results, [1, 'promise']);
});

program('of nothing is a finished future', function* (s) {
  const nothing = gather();
  equal([nothing.done(), nothing.result(), yield* s.wait(gather([]))], [true, [], []]);
});

program('runs an awaitable that is given twice only once', function* (s) {
  let calls = 0;
  const once = s.fn(function* () {
    calls++;
    yield* s.wait(sleep(1));
    return 'same';
  });
  const future = getRunningLoop().createFuture<string>();
  future.setResult('future');
  equal(yield* s.wait(gather(once, future, once, future)), ['same', 'future', 'same', 'future']);
  equal(calls, 1);
});

program('fails with the first error at once, and the others go on', function* (s) {
  const [nap, fail] = [napping(s), failing(s)];
  const slow = createTask(() => nap(5));
  yield* s.fails(
    gather(
      slow,
      () => fail(2),
      () => fail(3),
    ),
    RangeError,
    /after 2 s/,
  );
  equal([getRunningLoop().time(), slow.done()], [2, false]);
  equal([yield* s.wait(slow), getRunningLoop().time()], [5, 5]);
});

program('puts errors among the results when asked to', function* (s) {
  const [nap, fail] = [napping(s), failing(s)];
  const cancelled = createTask(() => nap(9));
  getRunningLoop().callLater(1, () => cancelled.cancel());
  const results: unknown[] = yield* s.wait(
    gather([() => nap(1), () => fail(2), cancelled, () => nap(3)], { returnExceptions: true }),
  );
  equal([results[0], String(results[1]), results[3]], [1, 'RangeError: after 2 s', 3]);
  ok(results[2] instanceof CancelledError, 'a CancelledError among the results');
});

program('cancelled cancels all that it waits for', function* (s) {
  const nap = napping(s);
  const tasks = [createTask(() => nap(5)), createTask(() => nap(6))];
  const all = gather(tasks);
  yield* s.wait(sleep(1));
  ok(all.cancel('stop') && !all.done(), 'an end only when the tasks have ended');
  equal((yield* s.fails(all, CancelledError)).message, 'stop');
  equal(
    tasks.map((task) => task.cancelled()),
    [true, true],
  );
});

program('fails with CancelledError when one of them is cancelled, and the others go on', function* (s) {
  const nap = napping(s);
  const [one, two] = [createTask(() => nap(5)), createTask(() => nap(6))];
  getRunningLoop().callLater(1, () => one.cancel());
  yield* s.fails(gather(one, two), CancelledError);
  equal([two.done(), yield* s.wait(two)], [false, 6]);
});

program('waited for by a task that is cancelled passes that on', function* (s) {
  const nap = napping(s);
  const tasks = [createTask(() => nap(5)), createTask(() => nap(6))];
  const waiter = createTask(
    s.fn(function* () {
      return yield* s.wait(gather(tasks));
    }),
  );
  yield* s.wait(sleep(1));
  waiter.cancel();
  yield* s.fails(waiter, CancelledError);
  equal(
    tasks.map((task) => task.cancelled()),
    [true, true],
  );
});

program('collects ninety-nine in order', function* (s) {
  const nap = s.fn(function* (i: number) {
    yield* s.wait(sleep(2));
    return i;
  });
  const numbers = Array.from({ length: 99 }, (_, i) => i);
  equal(yield* s.wait(gather(numbers.map((i) => () => nap(i)))), numbers);
  equal(getRunningLoop().time(), 2);
});

check('refuses what cannot be awaited', async () => {
  throws(() => gather(1 as never), TypeError, /argument 1/);
  throws(() => gather([null] as never), TypeError, /awaitable is required/);
});
