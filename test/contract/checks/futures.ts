import {
  CancelledError,
  ensureFuture,
  type Future,
  getRunningLoop,
  InvalidStateError,
  isfuture,
  newEventLoop,
  RuntimeError,
  sleep,
  ValueError,
  wrapPromise,
} from 'asyncio-ts';
import { equal, ok, rejects, throws } from '../lib/expect.ts';
import { macrotask, manualLoop, runVirtually } from '../lib/loops.ts';
import { subject } from '../lib/registry.ts';

const { check, program } = subject('futures');

check('a future is pending until it has a result', async () => {
  const { loop } = manualLoop();
  const future = loop.createFuture<number>();
  equal([future.state, future.done(), future.cancelled()], ['pending', false, false]);
  throws(() => future.result(), InvalidStateError, /not ready/);
  throws(() => future.exception(), InvalidStateError, /not set/);
  future.setResult(42);
  equal([future.state, future.done(), future.cancelled()], ['finished', true, false]);
  equal([future.result(), future.exception()], [42, null]);
  equal(future.getLoop() === loop, true);
});

check('a future can fail, by an error or by a class of errors', async () => {
  const { loop } = manualLoop();
  const error = new TypeError('wrong');
  const future = loop.createFuture();
  future.setException(error);
  equal([future.state, future.exception()], ['finished', error]);
  equal(
    throws(() => future.result(), TypeError),
    error,
  );
  const other = loop.createFuture();
  other.setException(ValueError);
  ok(other.exception() instanceof ValueError, 'an error of the class');
});

check('a future is set only once', async () => {
  const { loop } = manualLoop();
  const future = loop.createFuture<number>();
  future.setResult(1);
  throws(() => future.setResult(2), InvalidStateError, /already/);
  throws(() => future.setException(new Error('late')), InvalidStateError, /already/);
  equal([future.cancel(), future.result()], [false, 1]);
});

check('a cancelled future throws CancelledError with the message', async () => {
  const { loop } = manualLoop();
  const future = loop.createFuture();
  equal([future.cancel('enough'), future.cancel('again')], [true, false]);
  equal([future.state, future.cancelled(), future.done()], ['cancelled', true, true]);
  equal(throws(() => future.result(), CancelledError).message, 'enough');
  equal(throws(() => future.exception(), CancelledError).args, ['enough']);
});

check('callbacks never run synchronously, and in order of registration', async () => {
  const { loop } = manualLoop();
  const trace: string[] = [];
  const future = loop.createFuture<number>();
  future.addDoneCallback((done) => trace.push(`first ${done.result()}`));
  future.addDoneCallback(() => trace.push('second'));
  future.setResult(1);
  future.addDoneCallback(() => trace.push('third'));
  equal(trace, []);
  loop.runOnce();
  equal(trace, ['first 1', 'second', 'third']);
});

check('a callback can be taken back, however often it was added, until the future is done', async () => {
  const { loop } = manualLoop();
  let calls = 0;
  const callback = (): void => {
    calls++;
  };
  const future = loop.createFuture<void>();
  future.addDoneCallback(callback);
  future.addDoneCallback(() => {});
  future.addDoneCallback(callback);
  equal([future.removeDoneCallback(callback), future.removeDoneCallback(callback)], [2, 0]);
  future.addDoneCallback(callback);
  future.setResult();
  equal(future.removeDoneCallback(callback), 0);
  loop.runOnce();
  equal(calls, 1);
});

check('an error in one callback does not keep the others from running', async () => {
  const { loop } = manualLoop();
  const reports: unknown[] = [];
  loop.setExceptionHandler((_loop, { exception }) => {
    reports.push(exception);
  });
  const error = new Error('broken');
  const future = loop.createFuture<void>();
  future.addDoneCallback(() => {
    throw error;
  });
  let calls = 0;
  future.addDoneCallback(() => calls++);
  future.setResult();
  loop.runOnce();
  equal([calls, reports], [1, [error]]);
});

program('waiting for a future gives its result or its error', function* (s) {
  const loop = getRunningLoop();
  const good = loop.createFuture<string>();
  loop.callLater(1, () => good.setResult('good'));
  equal(yield* s.wait(good), 'good');
  const bad = loop.createFuture<string>();
  const error = new ValueError('bad');
  loop.callLater(1, () => bad.setException(error));
  equal(yield* s.fails(bad, ValueError), error);
  equal(loop.time(), 2);
});

program('waiting for a future that is done does not let other tasks run', function* (s) {
  const loop = getRunningLoop();
  const future = loop.createFuture<number>();
  future.setResult(7);
  let turns = 0;
  loop.callSoon(() => turns++);
  equal([yield* s.wait(future), yield* s.wait(future), turns], [7, 7, 0]);
});

program('a future of another loop cannot be waited for', function* (s) {
  const other = newEventLoop();
  yield* s.fails(other.createFuture(), RuntimeError, /different loop/);
  yield* s.wait(sleep(0));
  throws(() => ensureFuture(other.createFuture(), { loop: getRunningLoop() }), ValueError, /different loop/);
  other.close();
});

program('a cancelled future cancels the task that waits for it', function* (s) {
  const loop = getRunningLoop();
  const future = loop.createFuture();
  const task = loop.createTask(
    s.fn(function* () {
      yield* s.wait(future);
    }),
  );
  loop.callLater(1, () => future.cancel('by the future'));
  equal((yield* s.fails(task, CancelledError)).message, 'by the future');
  equal([task.cancelled(), task.cancelling()], [true, 0]);
});

check('isfuture knows futures and tasks, and nothing else', async () => {
  const { loop } = manualLoop();
  const task = loop.createTask(() => sleep(1));
  equal([loop.createFuture(), task].map(isfuture), [true, true]);
  equal([Promise.resolve(), sleep(1), null, 1, () => {}].map(isfuture), [false, false, false, false, false]);
});

check('a future has the methods of a promise', async () => {
  const { loop, iterate } = manualLoop();
  const future = loop.createFuture<number>();
  const trace: unknown[] = [];
  future.then((value) => trace.push(value));
  future.finally(() => trace.push('finally'));
  const failing = loop.createFuture<number>();
  failing.catch((error: unknown) => trace.push(error));
  future.setResult(1);
  failing.setException('reason');
  await iterate();
  equal(trace.toSorted(), [1, 'finally', 'reason']);
});

check('toString shows the state', async () => {
  const { loop } = manualLoop();
  const pending: Future<unknown> = loop.createFuture();
  const finished = loop.createFuture<string>();
  finished.setResult('x');
  const cancelled = loop.createFuture();
  cancelled.cancel();
  equal([pending, finished, cancelled].map(String), [
    '<Future pending>',
    "<Future finished result='x'>",
    '<Future cancelled>',
  ]);
});

program('a wrapped promise is a future of its outcome', function* (s) {
  equal(yield* s.wait(wrapPromise(Promise.resolve(3))), 3);
  const error = new Error('no');
  equal(yield* s.fails(wrapPromise(Promise.reject(error)), Error), error);
});

check('a wrapped promise can be cancelled, and onCancel is called', async () => {
  const reasons: unknown[] = [];
  const never = new Promise<never>(() => {});
  const outcome = runVirtually(async () => {
    const future = wrapPromise(never, { onCancel: (reason) => reasons.push(reason.message) });
    getRunningLoop().callLater(1, () => future.cancel('stop it'));
    await future;
  });
  equal((await rejects(outcome, CancelledError)).message, 'stop it');
  await macrotask();
  equal(reasons, ['stop it']);
});
