import {
  Barrier,
  BoundedSemaphore,
  BrokenBarrierError,
  CancelledError,
  Condition,
  createTask,
  Event,
  gather,
  getRunningLoop,
  Lock,
  newEventLoop,
  RuntimeError,
  Semaphore,
  sleep,
  ValueError,
} from 'asyncio-ts';
import { equal, ok, throws } from '../lib/expect.ts';
import { runVirtually } from '../lib/loops.ts';
import { subject } from '../lib/registry.ts';

const { check, program } = subject('locks');

program('a lock lets one in at a time, in order of arrival', function* (s) {
  const lock = new Lock();
  const trace: string[] = [];
  const work = s.fn(function* (name: string) {
    yield* s.wait(lock.acquire());
    trace.push(`${name} in`);
    yield* s.wait(sleep(1));
    trace.push(`${name} out`);
    lock.release();
  });
  yield* s.wait(
    gather(
      () => work('a'),
      () => work('b'),
      () => work('c'),
    ),
  );
  equal(trace, ['a in', 'a out', 'b in', 'b out', 'c in', 'c out']);
  equal([lock.locked(), getRunningLoop().time()], [false, 3]);
});

program('a free lock is taken without letting other tasks run, and only a held one can be released', function* (s) {
  const lock = new Lock();
  let turns = 0;
  getRunningLoop().callSoon(() => turns++);
  yield* s.wait(lock.acquire());
  equal([turns, lock.locked()], [0, true]);
  lock.release();
  throws(() => lock.release(), RuntimeError);
});

program('a waiter that is woken and cancelled at once passes the lock on', function* (s) {
  const lock = new Lock();
  yield* s.wait(lock.acquire());
  const work = s.fn(function* () {
    yield* s.wait(lock.acquire());
    lock.release();
  });
  const [first, second] = [createTask(work), createTask(work)];
  yield* s.wait(sleep(1));
  lock.release();
  first.cancel();
  yield* s.wait(second);
  ok(first.cancelled() && !lock.locked(), 'the second one to have had the lock');
});

program('with() holds a lock for a body, also for one that fails', function* (s) {
  const lock = new Lock();
  const body = s.fn(function* () {
    equal(lock.locked(), true);
    yield* s.wait(sleep(1));
    throw new RangeError('body');
  });
  yield* s.fails(lock.with(body), RangeError);
  equal(lock.locked(), false);
});

program('a semaphore lets as many in as it has units', function* (s) {
  const semaphore = new Semaphore(3);
  let most = 0;
  let inside = 0;
  const work = s.fn(function* () {
    yield* s.wait(semaphore.acquire());
    most = Math.max(most, ++inside);
    yield* s.wait(sleep(1));
    inside--;
    semaphore.release();
  });
  yield* s.wait(gather(Array.from({ length: 7 }, () => createTask(work))));
  equal([most, inside, getRunningLoop().time()], [3, 0, 3]);
});

check('a bounded semaphore cannot be released too often', async () => {
  throws(() => new BoundedSemaphore(1).release(), ValueError);
  throws(() => new Semaphore(-1), ValueError);
});

program('an event wakes all waiting tasks, even when it is cleared at once', function* (s) {
  const event = new Event();
  const waiter = s.fn(function* () {
    return yield* s.wait(event.wait());
  });
  const tasks = [createTask(waiter), createTask(waiter)];
  yield* s.wait(sleep(1));
  event.set();
  event.clear();
  equal([yield* s.wait(gather(tasks)), event.isSet()], [[true, true], false]);
});

program('a condition wakes the given number of tasks, each with the lock', function* (s) {
  const condition = new Condition();
  const trace: string[] = [];
  const waiter = s.fn(function* (name: string) {
    yield* s.wait(condition.acquire());
    yield* s.wait(condition.wait());
    equal(condition.locked(), true);
    trace.push(name);
    condition.release();
  });
  const tasks = ['a', 'b', 'c'].map((name) => createTask(() => waiter(name)));
  for (const [count, expected] of [
    [1, ['a']],
    [2, ['a', 'b', 'c']],
  ] as const) {
    yield* s.wait(sleep(1));
    yield* s.wait(condition.acquire());
    condition.notify(count);
    condition.release();
    yield* s.wait(sleep(1));
    equal(trace, expected);
  }
  yield* s.wait(gather(tasks));
  throws(() => condition.notify(), RuntimeError);
  yield* s.fails(condition.wait(), RuntimeError);
});

program('a condition that is cancelled takes its lock again first', function* (s) {
  const condition = new Condition();
  const waiter = s.fn(function* () {
    yield* s.wait(condition.acquire());
    try {
      yield* s.wait(condition.wait());
    } finally {
      equal(condition.locked(), true);
      condition.release();
    }
  });
  const task = createTask(waiter);
  yield* s.wait(sleep(1));
  task.cancel();
  yield* s.fails(task, CancelledError);
  equal(condition.locked(), false);
});

program('a barrier lets all through together, and can be broken', function* (s) {
  const barrier = new Barrier(3);
  const pass = s.fn(function* (delay: number) {
    yield* s.wait(sleep(delay));
    return yield* s.wait(barrier.wait());
  });
  equal(yield* s.wait(gather([1, 2, 3].map((delay) => () => pass(delay)))), [0, 1, 2]);
  equal(getRunningLoop().time(), 3);
  const waiting = createTask(() => pass(0));
  yield* s.wait(sleep(1));
  yield* s.wait(barrier.abort());
  yield* s.fails(waiting, BrokenBarrierError);
  yield* s.fails(barrier.wait(), BrokenBarrierError);
});

check('a lock belongs to the loop where someone first had to wait for it', async () => {
  const lock = new Lock();
  await runVirtually(async () => {
    await lock.acquire();
    const waiting = createTask(() => lock.acquire());
    await sleep(1);
    lock.release();
    await waiting;
  });
  const loop = newEventLoop();
  const error = await loop.runUntilComplete(async () => await lock.acquire()).catch((reason: unknown) => reason);
  ok(
    error instanceof RuntimeError && /different event loop/.test(error.message),
    `another loop to be refused: ${error}`,
  );
  loop.close();
});
