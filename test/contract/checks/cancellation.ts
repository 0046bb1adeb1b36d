import {
  CancelledError,
  createTask,
  currentSignal,
  currentTask,
  type Future,
  getRunningLoop,
  sleep,
  type Task,
} from 'asyncio-ts';
import { equal, ok, throws } from '../lib/expect.ts';
import { runVirtually } from '../lib/loops.ts';
import { subject } from '../lib/registry.ts';

const { check, program } = subject('cancellation');

program('before its first step: the body never runs', function* (s) {
  let ran = false;
  const task = createTask(
    s.fn(function* () {
      ran = true;
      yield* s.wait(sleep(1));
    }),
  );
  ok(task.cancel('early') && !task.done(), 'the task to end later');
  equal((yield* s.fails(task, CancelledError)).message, 'early');
  equal([task.cancelled(), ran], [true, false]);
});

program('while waiting: the future at once, the task one iteration later, with the message', function* (s) {
  const future = getRunningLoop().createFuture();
  const task = createTask(
    s.fn(function* () {
      yield* s.wait(future);
    }),
  );
  yield* s.wait(sleep(0));
  ok(task.cancel('enough'), 'a request that is accepted');
  equal([future.cancelled(), task.done(), task.cancelling()], [true, false, 1]);
  equal((yield* s.fails(task, CancelledError)).message, 'enough');
  ok(task.cancelled() && !task.cancel(), 'a task that is over');
});

program('drops the timer of a sleep', function* (s) {
  const task = createTask(() => sleep(1_000));
  yield* s.wait(sleep(1));
  task.cancel();
  yield* s.fails(task, CancelledError);
  equal(getRunningLoop().time(), 1);
});

program('goes down the chain of awaits, and waits for the innermost end', function* (s) {
  const trace: string[] = [];
  const inner = createTask(
    s.fn(function* () {
      try {
        yield* s.wait(sleep(100));
      } finally {
        yield* s.wait(sleep(5));
        trace.push('inner');
      }
    }),
  );
  const outer = createTask(
    s.fn(function* () {
      try {
        yield* s.wait(inner);
      } finally {
        trace.push('outer');
      }
    }),
  );
  yield* s.wait(sleep(1));
  outer.cancel();
  yield* s.fails(outer, CancelledError);
  equal([inner.cancelled(), getRunningLoop().time(), trace], [true, 6, ['inner', 'outer']]);
});

program('refused by the inner task: the outer one gets the value, its request still counts', function* (s) {
  const inner = createTask(
    s.fn(function* () {
      try {
        yield* s.wait(sleep(100));
      } catch {
        return 'refused';
      }
      return 'not asked';
    }),
  );
  const outer = createTask(
    s.fn(function* () {
      return yield* s.wait(inner);
    }),
  );
  yield* s.wait(sleep(1));
  outer.cancel();
  equal([yield* s.wait(outer), outer.cancelled(), outer.cancelling()], ['refused', false, 1]);
});

program('of a task that two others await cancels both', function* (s) {
  const shared = createTask(() => sleep(100));
  const waiter = s.fn(function* () {
    yield* s.wait(shared);
  });
  const [a, b] = [createTask(waiter), createTask(waiter)];
  yield* s.wait(sleep(1));
  a.cancel();
  yield* s.fails(a, CancelledError);
  yield* s.fails(b, CancelledError);
  equal([a.cancelling(), b.cancelling()], [1, 0]);
});

program('between completion and wake-up still wins', function* (s) {
  const future = getRunningLoop().createFuture<number>();
  const task = createTask(
    s.fn(function* () {
      return yield* s.wait(future);
    }),
  );
  yield* s.wait(sleep(0));
  future.setResult(1);
  task.cancel();
  yield* s.fails(task, CancelledError);
  equal([future.result(), task.cancelled()], [1, true]);
});

program('asked for several times is delivered once, with the first message', function* (s) {
  const messages: string[] = [];
  const task = createTask(
    s.fn(function* () {
      const error = yield* s.fails(sleep(100), CancelledError);
      messages.push(error.message);
      yield* s.wait(sleep(1));
      return 'calm';
    }),
  );
  yield* s.wait(sleep(1));
  for (const message of ['one', 'two', 'three']) task.cancel(message);
  equal([yield* s.wait(task), task.cancelling(), messages], ['calm', 3, ['one']]);
});

program('during the cleanup interrupts the cleanup', function* (s) {
  const trace: string[] = [];
  const task = createTask(
    s.fn(function* () {
      try {
        yield* s.wait(sleep(100));
      } finally {
        const error = yield* s.fails(sleep(100), CancelledError);
        trace.push(error.message);
      }
    }),
  );
  yield* s.wait(sleep(1));
  task.cancel('first');
  yield* s.wait(sleep(1));
  task.cancel('second');
  yield* s.fails(task, CancelledError);
  equal([trace, getRunningLoop().time()], [['second'], 2]);
});

program('swallowed is not delivered again', function* (s) {
  const task = createTask(
    s.fn(function* () {
      yield* s.fails(sleep(100), CancelledError);
      yield* s.wait(sleep(100));
      return 'went on';
    }),
  );
  yield* s.wait(sleep(1));
  task.cancel();
  equal([yield* s.wait(task), task.cancelling(), getRunningLoop().time()], ['went on', 1, 101]);
});

program('of itself comes at the next wait that suspends', function* (s) {
  const trace: string[] = [];
  const future = getRunningLoop().createFuture();
  const task = createTask(
    s.fn(function* () {
      currentTask()?.cancel('myself');
      const done = getRunningLoop().createFuture<string>();
      done.setResult('a wait that need not suspend');
      trace.push(yield* s.wait(done));
      yield* s.wait(future);
    }),
  );
  equal((yield* s.fails(task, CancelledError)).message, 'myself');
  equal([trace.length, future.cancelled()], [1, true]);
});

program('of itself right before its end: a result is dropped, an error wins', function* (s) {
  const returning = createTask(
    s.fn(function* () {
      currentTask()?.cancel();
      return 'dropped';
    }),
  );
  yield* s.fails(returning, CancelledError);
  const throwing = createTask(
    s.fn(function* () {
      currentTask()?.cancel();
      throw new RangeError('wins');
    }),
  );
  yield* s.fails(throwing, RangeError, /wins/);
});

program('is what a task ends with that throws CancelledError, asked or not', function* (s) {
  const task = createTask(
    s.fn(function* () {
      yield* s.wait(sleep(1));
      throw new CancelledError('nobody asked');
    }),
  );
  yield* s.fails(task, CancelledError, /nobody asked/);
  equal([task.cancelled(), task.cancelling()], [true, 0]);
});

program('only the first CancelledError has the message', function* (s) {
  const task = createTask(() => sleep(1));
  yield* s.wait(sleep(0));
  task.cancel('message');
  equal((yield* s.fails(task, CancelledError)).message, 'message');
  equal(throws(() => task.result(), CancelledError).message, '');
  equal((yield* s.fails(task, CancelledError)).args, []);
});

program('uncancel takes a request back, at zero also one that is not delivered yet', function* (s) {
  const task = createTask(
    s.fn(function* () {
      const self = currentTask() as Task<unknown>;
      self.cancel();
      self.cancel();
      const counts = [self.uncancel(), self.uncancel(), self.uncancel()];
      yield* s.wait(sleep(1));
      return counts;
    }),
  );
  equal([yield* s.wait(task), task.cancelling()], [[1, 0, 0], 0]);
});

program('aborts the signal of the task at once, with the CancelledError as its reason', function* (s) {
  let reason: unknown;
  const task = createTask(
    s.fn(function* () {
      const signal = currentSignal();
      signal?.addEventListener('abort', () => {
        reason = signal.reason;
      });
      yield* s.wait(sleep(100));
    }),
  );
  yield* s.wait(sleep(1));
  ok(!task.signal.aborted, 'a signal that is not aborted');
  task.cancel('stop');
  ok(task.signal.aborted && reason instanceof CancelledError && reason.message === 'stop', 'an aborted signal');
  yield* s.fails(task, CancelledError);
});

program('says which task made the request, and when', function* (s) {
  const task = createTask(() => sleep(100));
  yield* s.wait(sleep(3));
  equal(task.cancelRequest, null);
  task.cancel('why');
  equal(task.cancelRequest?.by === currentTask(), true, 'this task');
  equal([task.cancelRequest?.message, task.cancelRequest?.at], ['why', 3]);
  yield* s.fails(task, CancelledError);
});

check('cancels all that an async function waits for at once', async () => {
  await runVirtually(async () => {
    const futures: Future<unknown>[] = [1, 2, 3].map(() => getRunningLoop().createFuture());
    const ended: string[] = [];
    const nested = async (future: Future<unknown>): Promise<void> => {
      try {
        await future;
      } finally {
        ended.push('nested');
      }
    };
    const task = createTask(async () => {
      await Promise.all(futures.map(nested));
    });
    await sleep(1);
    task.cancel();
    await sleep(1);
    equal([task.cancelled(), futures.map((future) => future.cancelled()), ended.length], [true, [true, true, true], 3]);
  });
});
