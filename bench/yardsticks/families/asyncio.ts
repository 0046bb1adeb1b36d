import {
  CancelledError,
  Condition,
  createTask,
  gather,
  Lock,
  Queue,
  Semaphore,
  sleep,
  type Task,
  TimeoutError,
  waitFor,
} from 'asyncio-ts';
import { completion } from 'asyncio-ts/testing';
import { check, type Family, type Kernel } from '../kernel.ts';
import { blocked } from '../waits.ts';
import {
  type AnyCondition,
  type AnyLock,
  ForgetfulCondition,
  ForgetfulLock,
  ForgetfulSemaphore,
  GenerousLock,
  LocklessCondition,
  LosingQueue,
  StuckSemaphore,
  swallowingWaitFor,
  UnfairSemaphore,
} from './asyncio/faulty.ts';

type Steps<T = void> = Generator<unknown, T, unknown>;

const WITHIN = 50;

/** A program with a primitive of asyncio as it was, and with the one of this library. */
function kernel<P>(definition: {
  readonly name: string;
  readonly bug: string;
  readonly program: (make: () => P) => () => Steps<unknown>;
  readonly faulty: () => P;
  readonly sound: () => P;
  readonly expects: Kernel['expects'];
}): Kernel {
  const { name, bug, program, faulty, sound, expects } = definition;
  const published = { figure: '–', within: WITHIN };
  return { name, bug, broken: program(faulty), fixed: program(sound), published, level: 'contract', expects };
}

/** Waits until something has come from outside, and cancels a task then. */
function* cancelWhenTold(task: Task<unknown>): Steps {
  yield* completion(undefined, { label: `the word to cancel ${task.getName()}` });
  task.cancel();
}

/** What is left of a task that may have been cancelled. */
function* end(task: Task<unknown>): Steps {
  try {
    yield* task;
  } catch (error) {
    if (!(error instanceof CancelledError)) throw error;
  }
}

/** Somebody holds it while something comes from outside; two wait for it in turn, and the first is cancelled at some time. */
function holderAndWaiters(make: () => AnyLock) {
  return function* main(): Steps {
    const lock = make();
    function* hold(): Steps {
      yield* lock.acquire();
      yield* completion(undefined, { label: 'the work of the holder' });
      lock.release();
    }
    function* take(): Steps {
      yield* lock.acquire();
      lock.release();
    }
    const holder = createTask(hold, { name: 'holder' });
    const first = createTask(take, { name: 'first' });
    const second = createTask(take, { name: 'second' });
    const canceller = createTask(() => cancelWhenTold(first), { name: 'canceller' });
    for (const task of [holder, canceller, first, second]) yield* end(task);
  };
}

/** The same with three, of whom the one in the middle is cancelled; no two may be inside. */
function neverTwoInside(make: () => AnyLock) {
  return function* main(): Steps {
    const lock = make();
    let inside = 0;
    function* hold(): Steps {
      yield* lock.acquire();
      yield* completion(undefined, { label: 'the work of the holder' });
      lock.release();
    }
    function* take(): Steps {
      yield* lock.acquire();
      try {
        check(++inside === 1, 'two tasks hold the lock');
        yield* sleep(0);
      } finally {
        inside--;
        lock.release();
      }
    }
    const tasks = [hold, take, take, take].map((body, i) => createTask(body, { name: `task ${i}` }));
    const canceller = createTask(() => cancelWhenTold(tasks[2]!), { name: 'canceller' });
    for (const task of [...tasks, canceller]) yield* end(task);
  };
}

/** A task comes when everything else is over. */
function holderAndLateComer(make: () => AnyLock) {
  return function* main(): Steps {
    const lock = make();
    function* hold(): Steps {
      yield* lock.acquire();
      yield* completion(undefined, { label: 'the work of the holder' });
      lock.release();
    }
    function* take(): Steps {
      yield* lock.acquire();
      lock.release();
    }
    const holder = createTask(hold, { name: 'holder' });
    const first = createTask(take, { name: 'first' });
    const canceller = createTask(() => cancelWhenTold(first), { name: 'canceller' });
    for (const task of [holder, canceller, first]) yield* end(task);
    yield* createTask(take, { name: 'late' });
  };
}

/** Who has released it asks for it again at once. */
function inTurn(make: () => AnyLock) {
  return function* main(): Steps {
    const lock = make();
    const got: string[] = [];
    function* takeTwice(name: string): Steps {
      for (let i = 0; i < 2; i++) {
        yield* lock.acquire();
        got.push(name);
        yield* completion(undefined, { label: `the work of ${name}` });
        lock.release();
      }
    }
    yield* gather([takeTwice('a'), takeTwice('b')]);
    check(got.join(' ') === 'a b a b', `the order was ${got.join(' ')}`);
  };
}

interface ConditionKit {
  readonly lock: Lock;
  readonly condition: AnyCondition;
}

function kit(make: (lock: Lock) => AnyCondition): () => ConditionKit {
  return () => {
    const lock = new Lock();
    return { lock, condition: make(lock) };
  };
}

/** Two consumers wait for an item; one of them is cancelled when there is one. */
function consumers(make: () => ConditionKit) {
  return function* main(): Steps {
    const { lock, condition } = make();
    const items: string[] = [];
    function* consume(): Steps {
      yield* lock.acquire();
      try {
        while (items.length === 0) yield* condition.wait();
        items.shift();
      } finally {
        lock.release();
      }
    }
    function* produce(): Steps {
      for (const item of ['first', 'second']) {
        yield* completion(undefined, { label: `the ${item} item` });
        yield* lock.acquire();
        items.push(item);
        condition.notify(1);
        lock.release();
        // The second one is for the case that the first consumer was served before it was cancelled.
        if (!first.done()) yield* sleep(1);
        if (!first.done() || first.cancelled()) return;
      }
    }
    const first = createTask(consume, { name: 'first' });
    const second = createTask(consume, { name: 'second' });
    const producer = createTask(produce, { name: 'producer' });
    const canceller = createTask(() => cancelWhenTold(first), { name: 'canceller' });
    for (const task of [producer, canceller, first, second]) yield* end(task);
  };
}

/** A consumer is notified while the lock is held for some time, and cancelled. */
function notifiedUnderLock(make: () => ConditionKit) {
  return function* main(): Steps {
    const { lock, condition } = make();
    function* consume(): Steps {
      yield* lock.acquire();
      try {
        yield* condition.wait();
      } finally {
        check(lock.holder?.getName() === 'consumer', 'a wait has ended without the lock');
        lock.release();
      }
    }
    function* produce(): Steps {
      yield* lock.acquire();
      condition.notify(1);
      yield* completion(undefined, { label: 'the work of the producer' });
      lock.release();
    }
    const consumer = createTask(consume, { name: 'consumer' });
    const producer = createTask(produce, { name: 'producer' });
    const canceller = createTask(() => cancelWhenTold(consumer), { name: 'canceller' });
    for (const task of [producer, canceller, consumer]) yield* end(task);
  };
}

type WaitFor = <T>(body: () => Steps<T>, timeout: number) => Iterable<unknown>;

/** Whether it has come in time. */
function* inTime(wait: Iterable<unknown>): Steps<boolean> {
  try {
    yield* wait;
    return true;
  } catch (error) {
    if (error instanceof TimeoutError) return false;
    throw error;
  }
}

/** A worker that fetches one thing after the other until it is cancelled. */
function cancelledWorker(make: () => WaitFor) {
  return function* main(): Steps {
    const waitsFor = make();
    let isCancelled = false;
    function* fetchOne(): Steps<string> {
      return (yield* completion('reply', { label: 'the reply' })) as string;
    }
    function* work(): Steps {
      for (let i = 0; i < 2; i++) {
        if (!(yield* inTime(waitsFor(fetchOne, 10)))) return;
        check(!isCancelled, 'the worker goes on after it was cancelled');
      }
    }
    const worker = createTask(work, { name: 'worker' });
    function* cancel(): Steps {
      yield* completion(undefined, { label: 'the word to end' });
      isCancelled = worker.cancel();
    }
    const canceller = createTask(cancel, { name: 'canceller' });
    for (const task of [canceller, worker]) yield* end(task);
  };
}

/** A lock is acquired for at most some time; who wants it is cancelled. */
function lockInTime(make: () => WaitFor) {
  return function* main(): Steps {
    const waitsFor = make();
    const lock = new Lock();
    function* hold(): Steps {
      yield* lock.acquire();
      yield* completion(undefined, { label: 'the work of the holder' });
      lock.release();
    }
    function* take(): Steps {
      yield* lock.acquire();
    }
    function* takeInTime(): Steps {
      if (yield* inTime(waitsFor(take, 10))) lock.release();
    }
    const holder = createTask(hold, { name: 'holder' });
    const taker = createTask(takeInTime, { name: 'taker' });
    const canceller = createTask(() => cancelWhenTold(taker), { name: 'canceller' });
    for (const task of [holder, canceller, taker]) yield* end(task);
    yield* createTask(take, { name: 'late' });
  };
}

interface AnyQueue {
  get(): Iterable<unknown>;
  putNowait(item: string): void;
}

/** Whoever waits for an item is cancelled when there is one. */
function cancelledGetter(make: () => AnyQueue) {
  return function* main(): Steps {
    const queue = make();
    let got = 0;
    function* get(): Steps {
      yield* queue.get();
      got++;
    }
    function* put(): Steps {
      yield* completion(undefined, { label: 'the item' });
      queue.putNowait('item');
    }
    const getter = createTask(get, { name: 'getter' });
    const putter = createTask(put, { name: 'putter' });
    const canceller = createTask(() => cancelWhenTold(getter), { name: 'canceller' });
    for (const task of [putter, canceller, getter]) yield* end(task);
    if (got === 0) yield* createTask(get, { name: 'late' });
  };
}

const soundWaitFor = (): WaitFor => (body, timeout) => waitFor(body(), timeout);

export const family: Family = {
  name: "asyncio's own bugs",
  about:
    'What CPython had to mend in its locks, semaphores, conditions and queues, and in `wait_for`: nearly always a task that is woken and cancelled ' +
    'at the same time. Each primitive is built as it was in the version with the bug; the fixed form uses the one of this library.',
  order: 20,
  kernels: [
    kernel<WaitFor>({
      name: 'bpo-42130',
      bug: 'wait_for() gives the result instead of the cancellation, when both come at once: whoever is cancelled goes on',
      program: cancelledWorker,
      faulty: () => (body, timeout) => swallowingWaitFor(createTask(body), timeout),
      sound: soundWaitFor,
      expects: 'the worker goes on after it was cancelled',
    }),
    kernel<WaitFor>({
      name: 'bpo-37658',
      bug: 'wait_for() is cancelled when what it waits for has just been done, and throws the result away: here a lock, which nobody will release',
      program: lockInTime,
      faulty: () => (body, timeout) => swallowingWaitFor(createTask(body, { name: 'inner' }), timeout, true),
      sound: soundWaitFor,
      expects: blocked({ late: '<Lock' }),
    }),
    kernel<AnyLock>({
      name: 'bpo-27585',
      bug: 'a task that is woken for a lock and cancelled does not wake the next one',
      program: holderAndWaiters,
      faulty: () => new ForgetfulLock(),
      sound: () => new Lock(),
      expects: blocked({ second: '<Lock>' }),
    }),
    kernel<AnyLock>({
      name: 'bpo-32734',
      bug: 'a task that is cancelled while a woken one has not taken the lock yet wakes another one, and both have it',
      program: neverTwoInside,
      faulty: () => new GenerousLock(),
      sound: () => new Lock(),
      expects: 'two tasks hold the lock',
    }),
    kernel<AnyLock>({
      name: 'asyncio#270',
      bug: 'a task that is woken for a semaphore and cancelled does not wake the next one',
      program: holderAndWaiters,
      faulty: () => new ForgetfulSemaphore(1),
      sound: () => new Semaphore(1),
      expects: blocked({ second: '<Semaphore>' }),
    }),
    kernel<AnyLock>({
      name: 'bpo-45997',
      bug: 'a task that releases a semaphore and asks for it again gets it past those who wait',
      program: inTurn,
      faulty: () => new UnfairSemaphore(1),
      sound: () => new Semaphore(1),
      expects: 'the order was',
    }),
    kernel<AnyLock>({
      name: 'gh-90155',
      bug: 'a semaphore remembers that it has woken a task, which is cancelled: nobody gets it any more',
      program: holderAndLateComer,
      faulty: () => new StuckSemaphore(1),
      sound: () => new Semaphore(1),
      expects: blocked({ late: '<Semaphore>' }),
    }),
    kernel<ConditionKit>({
      name: 'bpo-22970',
      bug: 'a task that is notified, and cancelled while it waits for the lock, goes on without the lock',
      program: notifiedUnderLock,
      faulty: kit((lock) => new LocklessCondition(lock)),
      sound: kit((lock) => new Condition(lock)),
      expects: 'a wait has ended without the lock',
    }),
    kernel<ConditionKit>({
      name: 'gh-112202',
      bug: 'a task that is notified and cancelled does not pass the notification on',
      program: consumers,
      faulty: kit((lock) => new ForgetfulCondition(lock)),
      sound: kit((lock) => new Condition(lock)),
      expects: blocked({ second: '<Condition>' }),
    }),
    kernel<AnyQueue>({
      name: 'bpo-23812',
      bug: 'an item goes to a task that is cancelled before it runs, and is lost',
      program: cancelledGetter,
      faulty: () => new LosingQueue<string>(),
      sound: () => new Queue<string>(),
      expects: blocked({ late: 'waits for' }),
    }),
  ],
};
