import {
  Barrier,
  BoundedSemaphore,
  BrokenBarrierError,
  Condition,
  createTask,
  Event,
  gather,
  Lock,
  Semaphore,
  sleep,
  type Task,
  taskGroup,
} from 'asyncio-ts';
import { sweep } from 'asyncio-ts/testing';
import { expect, test } from 'vitest';
import { describeBoth, type Spelling } from '../../../support/spellings.ts';
import { many } from './support.ts';

/** Three tasks hold something one after the other, each in a way of its own. */
function threeUsers<H extends Lock | Semaphore>(s: Spelling) {
  return s.fn(function* (held: H) {
    const within = s.fn(function* () {
      yield* s.wait(held.with(s.fn(() => s.wait(sleep(1)))));
    });
    const byHand = s.fn(function* () {
      yield* s.wait(held.acquire());
      try {
        yield* s.wait(sleep(0));
        yield* s.wait(sleep(1));
      } finally {
        held.release();
      }
    });
    const guarded = s.fn(function* () {
      const guard = yield* s.wait(held.acquire());
      try {
        yield* s.wait(sleep(1));
      } finally {
        guard[Symbol.dispose]();
      }
    });
    yield* s.wait(
      taskGroup(
        s.fn(function* (group) {
          for (const user of [within, byHand, guarded, within]) group.createTask(user);
        }),
      ),
    );
  });
}

describeBoth('whichever await is cancelled', (s) => {
  test('a lock is free at the end', async () => {
    const report = await sweep(threeUsers<Lock>(s), {
      setup: () => new Lock(),
      check: (lock) => expect(lock.statistics()).toMatchObject({ locked: false, waiting: 0 }),
    });
    many(report, 36);
  });

  test.each([1, 2, 3])('a semaphore of %i has all its units at the end, and can be taken', async (units) => {
    const report = await sweep(threeUsers<Semaphore>(s), {
      setup: () => new Semaphore(units),
      check: s.fn(function* (semaphore: Semaphore) {
        expect(semaphore.statistics()).toMatchObject({ value: units, waiting: 0, holders: [] });
        for (let i = 0; i < units; i++) yield* s.wait(semaphore.acquire());
      }),
    });
    many(report, 36);
  });

  test('a bounded semaphore is released as often as it is acquired', async () => {
    const report = await sweep(threeUsers<BoundedSemaphore>(s), {
      setup: () => new BoundedSemaphore(2),
      check: (semaphore) => expect(semaphore.statistics()).toMatchObject({ value: 2, waiting: 0 }),
    });
    many(report, 36);
  });

  test('a condition loses no wake-up: who was notified and is cancelled passes it on', async () => {
    const main = s.fn(function* ({ condition, items, got }: Shop) {
      const consume = s.fn(function* () {
        yield* s.wait(condition.acquire());
        try {
          while (items.length === 0) yield* s.wait(condition.wait());
          got.push(items.shift()!);
        } finally {
          condition.release();
        }
      });
      const produce = s.fn(function* () {
        for (let i = 0; i < 3; i++) {
          yield* s.wait(
            condition.with(
              s.fn(function* () {
                items.push(i);
                condition.notify();
                yield* s.wait(sleep(0));
              }),
            ),
          );
        }
      });
      // One more than there are items: who is cancelled has somebody who takes his place.
      const consumers = [consume, consume, consume, consume].map((f) => createTask(f));
      const producer = createTask(produce);
      try {
        yield* s.wait(gather([producer], { returnExceptions: true }));
        yield* s.wait(sleep(5));
      } finally {
        const all = [producer, ...consumers];
        for (const task of all) task.cancel();
        yield* s.wait(gather(all, { returnExceptions: true }));
      }
    });
    const report = await sweep(main, {
      setup: (): Shop => ({ condition: new Condition(), items: [], got: [] }),
      check: ({ condition, got, items }, { error }) => {
        expect(condition.statistics()).toMatchObject({ locked: false, waiting: 0 });
        if (error === null) expect(items).toEqual([]);
        expect([...got, ...items]).toEqual([0, 1, 2].slice(0, got.length + items.length));
      },
    });
    many(report, 50);
  });

  test('waitFor() of a condition ends with the lock held, and gives it back', async () => {
    const main = s.fn(function* (condition: Condition) {
      let isOpen = false;
      const wait = s.fn(() => s.wait(condition.with(s.fn(() => s.wait(condition.waitFor(() => isOpen))))));
      const open = s.fn(function* () {
        yield* s.wait(sleep(1));
        yield* s.wait(
          condition.with(
            s.fn(function* () {
              isOpen = true;
              condition.notifyAll();
              yield* s.wait(sleep(1));
            }),
          ),
        );
      });
      const waiters = [createTask(wait), createTask(wait)];
      try {
        yield* s.wait(gather([open], { returnExceptions: true }));
      } finally {
        if (!isOpen) for (const waiter of waiters) waiter.cancel();
        yield* s.wait(gather([...waiters], { returnExceptions: true }));
      }
    });
    const report = await sweep(main, {
      setup: () => new Condition(),
      check: (condition) => expect(condition.statistics()).toMatchObject({ locked: false, waiting: 0 }),
    });
    many(report, 30);
  });

  test('an event keeps nobody waiting who is gone, and wakes the others', async () => {
    const main = s.fn(function* ({ event, woken }: { event: Event; woken: number[] }) {
      const wait = (i: number) =>
        s.fn(function* () {
          yield* s.wait(event.wait());
          woken.push(i);
        });
      const set = s.fn(function* () {
        try {
          yield* s.wait(sleep(1));
        } finally {
          event.set();
        }
      });
      yield* s.wait(
        taskGroup(
          s.fn(function* (group) {
            for (let i = 0; i < 3; i++) group.createTask(wait(i));
            group.createTask(set);
          }),
        ),
      );
    });
    const report = await sweep(main, {
      setup: () => ({ event: new Event(), woken: [] }),
      modes: ['cancel', 'cancel-before', 'cancel-after'],
      check: ({ event, woken }, { at, error }) => {
        expect(event.statistics().waiting).toBe(0);
        const lost = at === null || at.operation !== 'wait' ? 0 : 1;
        if (error === null) expect(woken.length).toBe(3 - lost);
      },
    });
    many(report, 15);
  });

  test('a barrier forgets who is cancelled, and opens when one comes in its place', async () => {
    const main = s.fn(function* (barrier: Barrier) {
      const arrive = s.fn(() => s.wait(barrier.wait()));
      const arrivals = [1, 2, 3].map((seconds) =>
        createTask(
          s.fn(function* () {
            yield* s.wait(sleep(seconds));
            return yield* s.wait(arrive());
          }),
        ),
      );
      try {
        yield* s.wait(sleep(5));
        for (; barrier.nWaiting > 0; yield* s.wait(sleep(1))) arrivals.push(createTask(arrive));
        yield* s.wait(gather([...arrivals], { returnExceptions: true }));
      } finally {
        for (const arrival of arrivals) arrival.cancel();
        yield* s.wait(gather([...arrivals], { returnExceptions: true }));
      }
    });
    const report = await sweep(main, {
      setup: () => new Barrier(3),
      check: (barrier) => {
        expect(barrier.statistics()).toMatchObject({ state: 'filling', waiting: 0, waiters: [] });
        expect(barrier.count).toBe(0);
      },
    });
    many(report, 36);
  });

  test('a barrier that is aborted or reset lets all go', async () => {
    const main = s.fn(function* (barrier: Barrier) {
      const arrive = s.fn(() => s.wait(barrier.wait()));
      const end = s.fn(function* () {
        yield* s.wait(sleep(1));
        yield* s.wait(barrier.reset());
        yield* s.wait(sleep(1));
        yield* s.wait(barrier.abort());
      });
      const arrivals = [createTask(arrive), createTask(arrive)];
      try {
        yield* s.wait(gather([end], { returnExceptions: true }));
      } finally {
        for (const arrival of arrivals) arrival.cancel();
        yield* s.wait(gather([...arrivals], { returnExceptions: true }));
      }
    });
    const report = await sweep(main, {
      setup: () => new Barrier(3),
      expected: (error) => error instanceof BrokenBarrierError,
      check: (barrier) => expect(barrier.count).toBe(0),
    });
    many(report, 12);
  });
});

/** Neither cancelled nor ended by the sweep's deadline. */
function _isComplete(task: Task<unknown>): boolean {
  return !task.cancelled() && task.exception() === null;
}

interface Shop {
  readonly condition: Condition;
  readonly items: number[];
  readonly got: number[];
}
