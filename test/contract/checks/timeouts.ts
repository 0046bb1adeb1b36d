import {
  CancelledError,
  createTask,
  currentTask,
  getRunningLoop,
  RuntimeError,
  sleep,
  type Timeout,
  TimeoutError,
  timeout,
  timeoutAt,
  waitFor,
} from 'asyncio-ts';
import { equal, ok, rejects, throws } from '../lib/expect.ts';
import { runVirtually } from '../lib/loops.ts';
import { subject } from '../lib/registry.ts';

const { check, program } = subject('timeouts');

program('waitFor gives the result in time, from inside the same task', function* (s) {
  const self = currentTask();
  const work = s.fn(function* () {
    yield* s.wait(sleep(1));
    return currentTask() === self; // a task that is returned would be awaited
  });
  equal(yield* s.wait(waitFor(work, 2)), true, 'the same task');
  equal([getRunningLoop().time(), yield* s.wait(waitFor(sleep(5, 'slept'), null))], [1, 'slept']);
});

program('waitFor cancels what takes too long', function* (s) {
  const future = getRunningLoop().createFuture();
  const error = yield* s.fails(waitFor(future, 2), TimeoutError);
  ok(error.cause instanceof CancelledError, 'the cancellation as the cause');
  equal([future.cancelled(), getRunningLoop().time(), currentTask()?.cancelling()], [true, 2, 0]);
});

program('waitFor waits for the clean-up of the awaitable that it cancels', function* (s) {
  const slow = s.fn(function* () {
    try {
      yield* s.wait(sleep(100));
    } finally {
      yield* s.wait(sleep(7));
    }
  });
  yield* s.fails(waitFor(slow, 1), TimeoutError);
  equal(getRunningLoop().time(), 8);
});

program('waitFor gives the value, or the error, of what refuses to be cancelled', function* (s) {
  const refuse = s.fn(function* () {
    yield* s.fails(sleep(100), CancelledError);
    return 'refused';
  });
  equal(yield* s.wait(waitFor(refuse, 1)), 'refused');
  const fail = s.fn(function* () {
    yield* s.fails(sleep(100), CancelledError);
    throw new RangeError('cleanup failed');
  });
  yield* s.fails(waitFor(fail, 1), RangeError, /cleanup failed/);
});

program('waitFor with zero seconds starts nothing, and returns a result that is there', function* (s) {
  let ran = false;
  const work = s.fn(function* () {
    ran = true;
    yield* s.wait(sleep(1));
  });
  yield* s.fails(waitFor(work, 0), TimeoutError);
  const done = getRunningLoop().createFuture<string>();
  done.setResult('done');
  equal([ran, yield* s.wait(waitFor(done, 0)), yield* s.wait(waitFor(done, -1))], [false, 'done', 'done']);
});

program('waitFor cancelled from outside is cancelled', function* (s) {
  const task = createTask(() => waitFor(sleep(100), 50));
  yield* s.wait(sleep(1));
  task.cancel('outside');
  equal((yield* s.fails(task, CancelledError)).message, 'outside');
});

program('a timeout gives what its body returns', function* (s) {
  let limit: Timeout | undefined;
  const body = s.fn(function* (given: Timeout) {
    limit = given;
    equal([given.when(), given.expired()], [2, false]);
    yield* s.wait(sleep(1));
    return 'in time';
  });
  equal(yield* s.wait(timeout(2, body)), 'in time');
  equal([limit?.expired(), getRunningLoop().time()], [false, 1]);
});

program('a timeout ends its body with TimeoutError', function* (s) {
  let limit: Timeout | undefined;
  const body = s.fn(function* (given: Timeout) {
    limit = given;
    yield* s.fails(sleep(100), CancelledError);
    throw new CancelledError();
  });
  const error = yield* s.fails(timeout({ milliseconds: 2_500 }, body), TimeoutError);
  ok(error.cause instanceof CancelledError, 'the cancellation as the cause');
  equal([limit?.expired(), getRunningLoop().time(), currentTask()?.cancelling()], [true, 2.5, 0]);
});

program('a timeout that came with a cancellation is a cancellation', function* (s) {
  const body = s.fn(function* () {
    yield* s.wait(sleep(100));
  });
  const task = createTask(() => timeout(1, body));
  yield* s.wait(sleep(0));
  getRunningLoop().callAt(1, () => task.cancel('outside'));
  yield* s.fails(task, CancelledError);
  equal([task.cancelling(), getRunningLoop().time()], [1, 1]);
});

program('of nested timeouts the one that is due ends its own body', function* (s) {
  const trace: string[] = [];
  const inner = s.fn(function* () {
    yield* s.wait(sleep(100));
  });
  const outer = s.fn(function* () {
    yield* s.fails(timeout(1, inner), TimeoutError);
    trace.push(`inner at ${getRunningLoop().time()}`);
    yield* s.wait(timeout(50, inner));
  });
  yield* s.fails(timeout(5, outer), TimeoutError);
  equal([trace, getRunningLoop().time()], [['inner at 1'], 5]);
});

program('a timeout can be moved, taken away, and set later', function* (s) {
  const loop = getRunningLoop();
  const moved = s.fn(function* (limit: Timeout) {
    limit.reschedule(null);
    yield* s.wait(sleep(10));
    limit.reschedule(loop.time() + 1);
    yield* s.wait(sleep(100));
  });
  yield* s.fails(timeout(1, moved), TimeoutError);
  equal(loop.time(), 11);
  const set = s.fn(function* (limit: Timeout) {
    limit.reschedule(loop.time() + 2);
    yield* s.wait(sleep(100));
  });
  yield* s.fails(timeout(null, set), TimeoutError);
  equal(loop.time(), 13);
});

program('a deadline in the past spares a body that does not wait', function* (s) {
  const quick = s.fn(function* () {
    return 'quick';
  });
  equal(yield* s.wait(timeout(-1, quick)), 'quick');
  const waiting = s.fn(function* () {
    yield* s.wait(sleep(0.1));
  });
  yield* s.fails(timeoutAt(getRunningLoop().time() - 5, waiting), TimeoutError);
  equal(getRunningLoop().time(), 0);
});

program('an error of the body passes a timeout', function* (s) {
  const body = s.fn(function* () {
    yield* s.wait(sleep(1));
    throw new RangeError('body');
  });
  yield* s.fails(timeout(5, body), RangeError, /body/);
});

check('a timeout is used once', async () => {
  await runVirtually(async () => {
    const limit = timeout(1);
    throws(() => limit.reschedule(5), RuntimeError, /not been entered/);
    await limit.enter();
    await limit.exit();
    throws(() => limit.reschedule(5), RuntimeError, /Cannot change state/);
    await rejects(limit.enter(), RuntimeError, /already been entered/);
  });
});
