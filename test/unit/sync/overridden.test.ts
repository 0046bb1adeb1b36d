import {
  type AwaitableCoroutine,
  CancelledError,
  Condition,
  createTask,
  type Guard,
  Lock,
  Semaphore,
  sleep,
  type Task,
} from 'asyncio-ts';
import { expect, test } from 'vitest';
import { failure } from '../../support/programs.ts';
import { describeBoth, runVirtually, type Spelling } from '../../support/spellings.ts';

/** Python's `async def acquire(self)` in a subclass: a second of its own, and then what is acquired. */
function slowly<T>(s: Spelling, acquire: () => AwaitableCoroutine<T>): AwaitableCoroutine<T> {
  return s.fn(function* () {
    yield* s.wait(sleep(1));
    return yield* s.wait(acquire());
  })() as object as AwaitableCoroutine<T>;
}

function slowClasses(s: Spelling) {
  class SlowLock extends Lock {
    override acquire(): AwaitableCoroutine<Guard> {
      return slowly(s, () => super.acquire());
    }
  }
  class SlowSemaphore extends Semaphore {
    override acquire(): AwaitableCoroutine<Guard> {
      return slowly(s, () => super.acquire());
    }
  }
  class SlowCondition extends Condition {
    override acquire(): AwaitableCoroutine<Guard> {
      return slowly(s, () => super.acquire());
    }
    override wait(): AwaitableCoroutine<true> {
      return slowly(s, () => super.wait());
    }
  }
  return { SlowLock, SlowSemaphore, SlowCondition };
}

describeBoth('a subclass may override a method by a coroutine function', (s) => {
  const { SlowLock, SlowSemaphore, SlowCondition } = slowClasses(s);
  const held = [
    ['Lock', () => new SlowLock()],
    ['Semaphore', () => new SlowSemaphore(1)],
    ['Condition', () => new SlowCondition()],
    ['Condition with such a lock', () => new Condition(new SlowLock())],
  ] as const;

  test.each(held)('%s.with() acquires by it', async (_name, make) => {
    const main = s.fn(function* () {
      const object = make();
      const body = s.fn(function* () {
        yield* s.wait(sleep(1));
        return object.locked();
      });
      const isHeld = yield* s.wait(object.with(body));
      return [isHeld, object.locked()];
    });
    expect(await runVirtually(main)).toEqual({ result: [true, false], seconds: 2 });
  });

  test.each(held)('%s.with(): a cancellation reaches it, and nothing stays acquired', async (_name, make) => {
    const main = s.fn(function* () {
      const object = make();
      const body = s.fn(function* () {
        yield* s.wait(sleep(60));
      });
      const holder = createTask(s.fn(() => s.wait(object.with(body))) as () => AwaitableCoroutine<void>);
      const cancelled: unknown[] = [];
      for (const seconds of [0.5, 1.5]) {
        // The first one is cancelled in its own second, the second one where it waits for the holder.
        const late = createTask(s.fn(() => s.wait(object.with(body))) as () => AwaitableCoroutine<void>);
        yield* s.wait(sleep(seconds));
        late.cancel();
        cancelled.push((yield* failure(s, late)) instanceof CancelledError);
      }
      holder.cancel();
      yield* failure(s, holder);
      return [...cancelled, object.locked()];
    });
    expect((await runVirtually(main)).result).toEqual([true, true, false]);
  });

  test('Condition.wait() acquires the lock again by it, also when it is cancelled meanwhile', async () => {
    const main = s.fn(function* () {
      const lock = new SlowLock();
      const condition = new Condition(lock);
      const trace: unknown[] = [];
      const waiting = s.fn(function* () {
        yield* s.wait(lock.acquire());
        try {
          yield* s.wait(condition.wait());
        } finally {
          trace.push(lock.locked());
          lock.release();
        }
      });
      const tasks: Task<void>[] = [createTask(waiting), createTask(waiting)];
      yield* s.wait(sleep(2));
      yield* s.wait(
        condition.with(
          s.fn(function* () {
            condition.notifyAll();
          }),
        ),
      );
      yield* s.wait(sleep(0.5));
      tasks[0]?.cancel();
      trace.push((yield* failure(s, tasks[0])) instanceof CancelledError);
      yield* s.wait(tasks[1]!);
      return [...trace, lock.locked()];
    });
    expect((await runVirtually(main)).result).toEqual([true, true, true, false]);
  });

  test('Condition.waitFor() waits by it', async () => {
    const main = s.fn(function* () {
      const condition = new SlowCondition();
      let isReady = false;
      const waits = s.fn(function* () {
        return yield* s.wait(
          condition.with(
            s.fn(function* () {
              return yield* s.wait(condition.waitFor(() => isReady && 'ready'));
            }),
          ),
        );
      });
      const task = createTask(waits);
      yield* s.wait(sleep(3));
      const notifies = s.fn(function* () {
        isReady = true;
        condition.notify();
      });
      yield* s.wait(condition.with(notifies));
      return yield* s.wait(task);
    });
    expect(await runVirtually(main)).toEqual({ result: 'ready', seconds: 4 });
  });

  test('a Condition takes a lock of the program', async () => {
    const main = s.fn(function* () {
      let isLocked = false;
      const lock = {
        acquire: s.fn(function* () {
          yield* s.wait(sleep(1));
          isLocked = true;
        }),
        release: () => {
          isLocked = false;
        },
        locked: () => isLocked,
      };
      const condition = new Condition(lock as object as Lock);
      const task = createTask(
        s.fn(function* () {
          yield* s.wait(lock.acquire());
          yield* s.wait(condition.wait());
          return lock.locked();
        }),
      );
      yield* s.wait(sleep(2));
      yield* s.wait(lock.acquire());
      condition.notify();
      lock.release();
      return yield* s.wait(task);
    });
    expect((await runVirtually(main)).result).toBe(true);
  });
});
