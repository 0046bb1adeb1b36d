import {
  type AwaitableCoroutine,
  Condition,
  createTask,
  Event as Flag,
  gather,
  getRunningLoop,
  iscoroutine,
  isfuture,
  Lock,
  PriorityQueue,
  Queue,
  Semaphore,
  sleep,
} from 'asyncio-ts';
import { describe, expect, test } from 'vitest';
import { WrittenCoroutine } from '../../../src/kernel/written-coroutine.ts';
import { manualLoop } from '../../support/loops.ts';
import { failure, iterations, program } from '../../support/programs.ts';
import { describeBoth } from '../../support/spellings.ts';

/** A coroutine whose frame is written by hand, and what it waits at. */
interface Made {
  readonly coroutine: AwaitableCoroutine<unknown>;
  /** How many wait there. */
  waiting(): number;
  /** Ends the wait. */
  wake(): void;
}

function heldLock(): Lock {
  const lock = new Lock();
  lock.acquire().next();
  return lock;
}

function fullQueue(): Queue<string> {
  const queue = new Queue<string>(1);
  queue.putNowait('item');
  return queue;
}

/** All of them, made so that they have to wait. */
const KINDS: readonly [name: string, make: () => Made][] = [
  [
    'Lock.acquire()',
    () => {
      const lock = heldLock();
      return { coroutine: lock.acquire(), waiting: () => lock.statistics().waiting, wake: () => lock.release() };
    },
  ],
  [
    'Semaphore.acquire()',
    () => {
      const units = new Semaphore(0);
      return { coroutine: units.acquire(), waiting: () => units.statistics().waiting, wake: () => units.release() };
    },
  ],
  [
    'Event.wait()',
    () => {
      const event = new Flag();
      return { coroutine: event.wait(), waiting: () => event.statistics().waiting, wake: () => event.set() };
    },
  ],
  [
    'Condition.wait()',
    () => {
      const condition = new Condition(heldLock());
      const wake = () => {
        condition.acquire().next();
        condition.notify();
        condition.release();
      };
      return { coroutine: condition.wait(), waiting: () => condition.statistics().waiting, wake };
    },
  ],
  [
    'Queue.put()',
    () => {
      const queue = fullQueue();
      return { coroutine: queue.put('b'), waiting: () => queue.statistics().putting, wake: () => queue.getNowait() };
    },
  ],
  [
    'Queue.get()',
    () => {
      const queue = new Queue<string>();
      return { coroutine: queue.get(), waiting: () => queue.statistics().getting, wake: () => queue.putNowait('a') };
    },
  ],
  [
    'Queue.join()',
    () => {
      const queue = fullQueue();
      return { coroutine: queue.join(), waiting: () => queue.statistics().joining, wake: () => queue.taskDone() };
    },
  ],
];

/** Those that wait in no queue. */
const SLEEPS: readonly [name: string, make: () => Made][] = (
  [
    ['sleep(1)', () => sleep(1)],
    ['sleep(0, result)', () => sleep(0, 'result')],
  ] as const
).map(([name, make]) => [name, () => ({ coroutine: make(), waiting: () => 0, wake: () => {} })]);

describeBoth('a coroutine of the library that is not a generator', (s) => {
  const reused = { name: 'RuntimeError', code: 'COROUTINE_REUSED' };

  test.each([...KINDS, ...SLEEPS])('can be awaited once, and by one at a time: %s', (_name, make) =>
    program(s, function* () {
      const { coroutine, wake } = make();
      const take = s.fn(function* () {
        return yield* s.wait(coroutine);
      });
      const [first, second] = [createTask(take), createTask(take)];
      yield* iterations(s, 2);
      expect(yield* failure(s, second)).toMatchObject(reused);
      expect(() => createTask(coroutine)).toThrow(expect.objectContaining(reused));
      wake();
      yield* s.wait(first);
      expect(yield* failure(s, coroutine)).toMatchObject(reused);
    })(),
  );

  test.each([...KINDS, ...SLEEPS])('can be made a task, and is not awaited then: %s', (_name, make) =>
    program(s, function* () {
      const { coroutine, wake } = make();
      const task = createTask(coroutine);
      expect(yield* failure(s, coroutine)).toMatchObject(reused);
      yield* iterations(s, 1);
      wake();
      yield* s.wait(task);
      expect(task.done()).toBe(true);
    })(),
  );

  test.each(KINDS)('leaves its queue when its task is cancelled: %s', (_name, make) =>
    program(s, function* () {
      const { coroutine, waiting } = make();
      const body = s.fn(function* () {
        yield* s.wait(coroutine);
      });
      const task = createTask(body);
      yield* iterations(s, 2);
      expect(waiting()).toBe(1);
      task.cancel('why');
      expect(yield* failure(s, task)).toMatchObject({ name: 'CancelledError', message: 'why' });
      expect(waiting()).toBe(0);
    })(),
  );
});

describe('a coroutine of the library that is not a generator', () => {
  test.each([...KINDS, ...SLEEPS])('looks like a generator of the library: %s', (_name, make) => {
    using loop = manualLoop().loop;
    loop.runOnce();
    const { coroutine } = make();
    expect(coroutine).toBeInstanceOf(WrittenCoroutine);
    expect([iscoroutine(coroutine), isfuture(coroutine), 'then' in coroutine]).toEqual([true, false, true]);
    expect(Object.prototype.toString.call(coroutine)).toBe('[object Generator]');
    expect(String(coroutine)).toMatch(/^<coroutine [\w.]+\(\) created>$/);
    const { then } = coroutine;
    expect(then).toBe(sleep(1).then);
  });

  test.each([...KINDS, ...SLEEPS])('is over once an error was thrown into it, begun or not: %s', (_name, make) => {
    byHand(() => {
      const fresh = make().coroutine;
      expect(() => fresh.throw(new Error('thrown'))).toThrow('thrown');
      expect(fresh.next().done).toBe(true);
      const { coroutine, waiting } = make();
      expect(coroutine.next().done).toBe(false);
      expect(() => coroutine.throw(new Error('thrown'))).toThrow('thrown');
      expect(waiting()).toBe(0);
    });
  });

  test.each([...KINDS, ...SLEEPS])('leaves its queue when it is closed by return(), and is over: %s', (_name, make) => {
    byHand(() => {
      const { coroutine, waiting } = make();
      coroutine.next();
      expect(coroutine.return('value')).toEqual({ done: true, value: 'value' });
      expect(waiting()).toBe(0);
      expect(coroutine.next().done).toBe(true);
    });
  });

  test.each([...KINDS, ...SLEEPS])('has one of its kind that stays alive, not begun: %s', (_name, make) => {
    const kind = make().coroutine.constructor as typeof Object & { readonly exemplar?: unknown };
    expect(Object.hasOwn(kind, 'exemplar')).toBe(true);
    expect(kind.exemplar).toBeInstanceOf(kind);
  });

  test('passes the wake-up on when it is closed after it has come', () => {
    byHand(() => {
      const lock = heldLock();
      const [first, second] = [lock.acquire(), lock.acquire()];
      first.next();
      second.next();
      lock.release();
      first.return(undefined as never);
      expect(second.next().done).toBe(true);
      expect(lock.locked()).toBe(true);
    });
  });

  test('may be resumed by the loop at any place only if no code of a program runs in it', () => {
    const isQuiet = (coroutine: unknown) => (coroutine as WrittenCoroutine<unknown>)._isQuiet;
    class Loud extends Queue<number> {
      override getNowait(): number {
        return super.getNowait();
      }
    }
    expect([...KINDS, ...SLEEPS].filter(([, make]) => !isQuiet(make().coroutine)).map(([name]) => name)).toEqual([
      'Condition.wait()', // its lock may be anybody's
    ]);
    expect([new PriorityQueue<number>(), new Loud()].map((queue) => isQuiet(queue.get()))).toEqual([false, false]);
  });
});

describeBoth('gather of coroutines of the library', (s) => {
  test(
    'runs one that is given twice once',
    program(s, function* () {
      const once = sleep(1, 'slept');
      expect(yield* s.wait(gather(once, sleep(2), once))).toEqual(['slept', undefined, 'slept']);
      expect(getRunningLoop().time()).toBe(2);
    }),
  );
});

/** Runs a function as a callback of a loop. */
function byHand(fn: () => void): void {
  const { loop } = manualLoop();
  let failed: { readonly error: unknown } | null = null;
  let ran = false;
  loop.callSoon(() => {
    ran = true;
    try {
      fn();
    } catch (error) {
      failed = { error };
    }
  });
  loop.runOnce();
  expect([ran, failed]).toEqual([true, null]);
}
