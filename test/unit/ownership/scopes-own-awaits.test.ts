import { EventEmitter } from 'node:events';
import {
  createTask,
  currentTask,
  Event,
  Future,
  gather,
  getRunningLoop,
  Lock,
  Queue,
  shield,
  sleep,
  taskGroup,
  timeout,
  waitFor,
} from 'asyncio-ts';
import { StreamReader } from 'asyncio-ts/node';
import { describe, expect, test } from 'vitest';
import { failure, program } from '../../support/programs.ts';
import { outcome, simulated } from '../../support/simulated-runtime.ts';
import { describeBoth } from '../../support/spellings.ts';

/** R1: a wait belongs to the innermost scope of the line that makes it; cancelling a scope reaches it and the scopes inside, nothing else. */

describeBoth('the end of a scope', (s) => {
  test(
    'reaches the scopes inside it, the innermost first',
    program(s, function* () {
      const trace: string[] = [];
      const note = (name: string, body: () => Generator<unknown, unknown, unknown>) =>
        s.fn(function* () {
          try {
            yield* body();
          } finally {
            trace.push(name);
          }
        });
      const innermost = note('innermost', function* () {
        yield* s.wait(sleep(60));
      });
      const middle = note('middle', function* () {
        yield* s.wait(timeout(50, innermost));
      });
      const error = yield* failure(s, timeout(1, middle));
      expect(error).toMatchObject({ name: 'TimeoutError' });
      expect(trace).toEqual(['innermost', 'middle']);
      expect(getRunningLoop().time()).toBe(1);
    }),
  );

  test(
    'leaves the scope around it alone: what it awaits next is not cancelled',
    program(s, function* () {
      const outer = s.fn(function* () {
        yield* failure(
          s,
          timeout(
            1,
            s.fn(function* () {
              yield* s.wait(sleep(60));
            }),
          ),
        );
        return yield* s.wait(sleep(5, 'went on'));
      });
      expect(yield* s.wait(timeout(10, outer))).toBe('went on');
      expect(currentTask()!.cancelling()).toBe(0);
    }),
  );

  test(
    'reaches nothing that is begun after it was left',
    program(s, function* () {
      const inTime = s.fn(function* () {
        return yield* s.wait(sleep(1, 'in time'));
      });
      expect(yield* s.wait(timeout(2, inTime))).toBe('in time');
      expect(yield* s.wait(sleep(10, 'later'))).toBe('later');
    }),
  );

  test(
    'reaches no other task that uses the same things',
    program(s, function* () {
      const lock = new Lock();
      const queue = new Queue<string>();
      yield* s.wait(lock.acquire());
      const others = [
        createTask(
          s.fn(function* () {
            yield* s.wait(lock.acquire());
            return 'has the lock';
          }),
        ),
        createTask(
          s.fn(function* () {
            return yield* s.wait(queue.get());
          }),
        ),
      ];
      const limited = s.fn(function* () {
        yield* s.wait(lock.acquire());
      });
      expect(yield* failure(s, timeout(1, limited))).toMatchObject({ name: 'TimeoutError' });
      lock.release();
      queue.putNowait('an item');
      expect(yield* s.wait(gather(others))).toEqual(['has the lock', 'an item']);
    }),
  );

  test(
    'reaches a group inside a deadline, and its tasks',
    program(s, function* () {
      const ended: string[] = [];
      const child = s.fn(function* () {
        try {
          yield* s.wait(sleep(60));
        } finally {
          ended.push('child');
        }
      });
      const body = s.fn(function* () {
        yield* s.wait(
          taskGroup(
            s.fn(function* (group) {
              group.createTask(child);
              yield* s.wait(sleep(50));
            }),
          ),
        );
      });
      expect(yield* failure(s, timeout(1, body))).toMatchObject({ name: 'TimeoutError' });
      expect(ended).toEqual(['child']);
    }),
  );

  test(
    'ends a shielded wait, and not what is shielded',
    program(s, function* () {
      const work = s.fn(function* () {
        return yield* s.wait(sleep(5, 'committed'));
      });
      const inner = createTask(work);
      const limited = s.fn(function* () {
        yield* s.wait(shield(inner));
      });
      expect(yield* failure(s, timeout(1, limited))).toMatchObject({ name: 'TimeoutError' });
      expect(yield* s.wait(inner)).toBe('committed');
    }),
  );
});

describe('a deadline in one branch', () => {
  const limited = async () => await timeout(1, () => sleep(60));
  const sibling = async () => await sleep(5, 'sibling');

  test(
    'never touches a sibling branch, in whatever order they begin',
    simulated(async () => {
      for (const branches of [
        [limited, sibling],
        [sibling, limited],
        [limited, sibling, limited],
      ]) {
        const ends = await Promise.all(branches.map((branch) => outcome(branch())));
        expect(ends).toEqual(branches.map((branch) => (branch === limited ? 'TimeoutError' : 'sibling')));
      }
    }),
  );

  test(
    'never touches a sibling under gather, allSettled, any or race',
    simulated(async () => {
      expect(await gather(outcome(limited()), sibling())).toEqual(['TimeoutError', 'sibling']);
      const settled = await Promise.allSettled([limited(), sibling()]);
      expect(settled.map(({ status }) => status)).toEqual(['rejected', 'fulfilled']);
      expect(await Promise.any([limited(), sibling()])).toBe('sibling');
      const rest = sibling();
      expect(await Promise.race([outcome(limited()), rest])).toBe('TimeoutError');
      expect(await rest).toBe('sibling');
    }),
  );

  test(
    'ends the branches that were begun inside it',
    simulated(async () => {
      const ended: string[] = [];
      const branch = async (name: string) => {
        try {
          await sleep(60);
        } finally {
          ended.push(name);
        }
      };
      const both = () => Promise.all([branch('a'), branch('b')]);
      expect(await Promise.all([outcome(timeout(1, both)), sibling()])).toEqual(['TimeoutError', 'sibling']);
      expect(ended.toSorted()).toEqual(['a', 'b']);
    }),
  );

  test(
    'holds across steps of the branch, and steps of its siblings meanwhile',
    simulated(async () => {
      const steps = async () => {
        for (let i = 0; i < 20; i++) await sleep(0.1);
        return 'never';
      };
      const busy = async () => {
        for (let i = 0; i < 30; i++) await sleep(0.1);
        return 'busy';
      };
      expect(await Promise.all([outcome(timeout(1, steps)), busy()])).toEqual(['TimeoutError', 'busy']);
    }),
  );

  test(
    'holds for what its body awaits after a promise that is not of the library',
    simulated(async ({ foreign }) => {
      const body = async () => {
        await foreign(0.5);
        await sleep(60);
      };
      expect(await Promise.all([outcome(timeout(1, body)), sibling()])).toEqual(['TimeoutError', 'sibling']);
      expect(getRunningLoop().time()).toBe(5);
    }),
  );

  test(
    'leaves a stream alone that was made elsewhere',
    simulated(async () => {
      const reader = new StreamReader();
      const reading = async () => new TextDecoder().decode(await reader.readline());
      const both = Promise.all([reading(), outcome(limited())]);
      getRunningLoop().callLater(2, () => reader.feedData(new TextEncoder().encode('a line\n')));
      expect(await both).toEqual(['a line\n', 'TimeoutError']);
      getRunningLoop().callLater(2, () => reader.feedData(new TextEncoder().encode('another\n')));
      expect(await outcome(timeout(1, () => reader.readline()))).toBe('TimeoutError');
      expect(await reading()).toBe('another\n');
    }),
  );

  test(
    'leaves a task alone whose async context a handler has inherited',
    simulated(async ({ timer }) => {
      const ends: unknown[] = [];
      const task = createTask(async () => {
        timer(0.5, async () => {
          ends.push(await outcome(timeout(1, () => sleep(60))));
        });
        return await sleep(5, 'went on');
      });
      expect(await task).toBe('went on');
      expect(ends).toEqual(['TimeoutError']);
    }),
  );

  test(
    'is one of two in one expression, each of which ends its own body',
    simulated(async () => {
      const ends = await Promise.allSettled([timeout(1, () => sleep(60)), timeout(10, () => sleep(2, 'b'))]);
      expect(ends).toMatchObject([
        { status: 'rejected', reason: { name: 'TimeoutError' } },
        { status: 'fulfilled', value: 'b' },
      ]);
    }),
  );

  test(
    'holds for waitFor as well, with an async function and with a coroutine of the library',
    simulated(async () => {
      const event = new Event();
      const ends = await Promise.all([
        outcome(waitFor(() => sleep(60), 1)),
        outcome(waitFor(event.wait(), 2)),
        outcome(waitFor(new Future(), 3)),
        sibling(),
      ]);
      expect(ends).toEqual(['TimeoutError', 'TimeoutError', 'TimeoutError', 'sibling']);
    }),
  );
});

describe('a task group in one branch', () => {
  test(
    'that fails ends its own body and tasks, and no sibling',
    simulated(async () => {
      const group = async () =>
        await taskGroup(async (g) => {
          g.createTask(async () => {
            await sleep(1);
            throw new RangeError('of a child');
          });
          await sleep(60);
        });
      const ends = await Promise.all([outcome(group()), sleep(5, 'sibling')]);
      expect(ends).toEqual(['ExceptionGroup', 'sibling']);
    }),
  );

  test(
    'that is cancelled from inside ends its own body, and no sibling',
    simulated(async () => {
      const group = async () =>
        await taskGroup(async (g) => {
          getRunningLoop().callLater(1, () => g.cancel());
          await sleep(60);
        });
      expect(await Promise.all([group(), sleep(5, 'sibling')])).toEqual([undefined, 'sibling']);
    }),
  );
});

describe('a wait belongs to the line that makes it', () => {
  test(
    'a deadline around an await of a promise that was made before cannot end its function',
    simulated(async () => {
      const ends: string[] = [];
      const work = async () => {
        await sleep(5);
        ends.push('work');
        return 'result';
      };
      const promise = work();
      const error = await timeout(1, async () => await promise).then(String, (reason: Error) => reason);
      // The body awaits nothing of the library: it is over when the promise settles, and the deadline is reported then.
      expect(error).toMatchObject({ name: 'TimeoutError', late: 'result' });
      expect(ends).toEqual(['work']);
      expect(getRunningLoop().time()).toBe(5);
    }),
  );

  test(
    'a deadline of a plain function that returns such a promise takes effect, and the function goes on',
    simulated(async () => {
      const promise = sleepingFunction(5);
      expect(await outcome(timeout(1, () => promise))).toBe('TimeoutError');
      expect(getRunningLoop().time()).toBe(1);
      expect(await promise).toBe('slept');
    }),
  );

  test(
    'a listener belongs to the line that emits, not to the one that registered it',
    simulated(async () => {
      const emitter = new EventEmitter();
      const heard: unknown[] = [];
      const registering = createTask(async () => {
        emitter.on('x', async () => {
          heard.push([currentTask()?.getName(), await outcome(sleep(3, 'slept'))]);
        });
        return await sleep(0.5, 'registered');
      });
      expect(await registering).toBe('registered');
      const emitting = createTask(
        async () =>
          await outcome(
            timeout(1, async () => {
              emitter.emit('x');
              await sleep(60);
            }),
          ),
        { name: 'emitting' },
      );
      expect(await emitting).toBe('TimeoutError');
      await sleep(10);
      expect(heard).toEqual([['emitting', 'CancelledError']]);
    }),
  );

  test(
    'a listener does not end with a deadline of the task that has registered it',
    simulated(async () => {
      const emitter = new EventEmitter();
      const heard: unknown[] = [];
      const registering = createTask(async () => {
        await outcome(
          timeout(1, async () => {
            emitter.on('x', async () => heard.push(await outcome(sleep(3, 'slept'))));
            await sleep(60);
          }),
        );
        return await sleep(10, 'went on');
      });
      await sleep(0.5);
      emitter.emit('x'); // main emits
      expect(await registering).toBe('went on');
      expect(heard).toEqual(['slept']);
    }),
  );

  test(
    'a consumer that was started by a call outlives a deadline around other work',
    simulated(async () => {
      const queue = new Queue<string | null>();
      const got: string[] = [];
      const consume = async () => {
        for (let item = await queue.get(); item !== null; item = await queue.get()) got.push(item);
        return 'consumed';
      };
      const consumer = consume();
      queue.putNowait('a');
      expect(await outcome(timeout(1, () => sleep(60)))).toBe('TimeoutError');
      queue.putNowait('b');
      queue.putNowait(null);
      expect(await consumer).toBe('consumed');
      expect(got).toEqual(['a', 'b']);
    }),
  );

  test(
    'a call inside a deadline that is not awaited there ends with it',
    simulated(async () => {
      const ends: unknown[] = [];
      const floating = async () => {
        ends.push(await outcome(sleep(60)));
      };
      await outcome(
        timeout(1, async () => {
          void floating();
          await sleep(50);
        }),
      );
      await sleep(0);
      expect(ends).toEqual(['CancelledError']);
      expect(getRunningLoop().time()).toBe(1);
    }),
  );
});

describe('an async generator', () => {
  /** Brings an item every three seconds, whatever happens to the wait before. */
  async function* items(): AsyncGenerator<string> {
    for (let i = 0; ; i++) {
      const end = await outcome(sleep(3, `item ${i}`));
      yield String(end);
    }
  }

  test(
    'waits in the scope of the line that asks for the next item',
    simulated(async () => {
      const source = items();
      const next = async () => (await source.next()).value;
      expect(await next()).toBe('item 0');
      expect(await outcome(timeout(1, next))).toBe('CancelledError'); // it has refused, so that there is no timeout
      expect(await next()).toBe('item 2');
      expect(await timeout(5, next)).toBe('item 3');
      expect(await sleep(10, 'went on')).toBe('went on');
    }),
  );

  test(
    'that is iterated inside a deadline ends with it, and its finally runs',
    simulated(async () => {
      const log: unknown[] = [];
      const source = async function* () {
        try {
          for (let i = 0; ; i++) {
            await sleep(1);
            yield i;
          }
        } finally {
          await sleep(1);
          log.push('closed');
        }
      };
      const body = async () => {
        for await (const item of source()) log.push(item);
      };
      expect(await outcome(timeout(2.5, body))).toBe('TimeoutError');
      expect(log).toEqual([0, 1, 'closed']);
      expect(getRunningLoop().time()).toBe(3.5);
    }),
  );

  test(
    'that enters a deadline around its own wait moves no other line into it',
    simulated(async () => {
      const source = async function* () {
        for (;;) yield await outcome(timeout(1, () => sleep(60)));
      };
      const iterated: unknown[] = [];
      const { signal } = currentTask()!;
      for await (const item of source()) {
        iterated.push(item, currentTask()!.signal === signal);
        await sleep(5);
        if (iterated.length === 6) break;
      }
      expect(iterated).toEqual(['TimeoutError', true, 'TimeoutError', true, 'TimeoutError', true]);
    }),
  );
});

describe('a deadline that is entered and left by hand', () => {
  test(
    'is that of the line, across steps and foreign promises',
    simulated(async ({ foreign }) => {
      const limit = timeout(2);
      await limit.enter();
      const cancellation: unknown = await (async () => await sleep(60))().then(String, (thrown: unknown) => thrown);
      expect(cancellation).toMatchObject({ name: 'CancelledError' });
      expect([limit.expired(), getRunningLoop().time()]).toEqual([true, 2]);
      expect(await outcome(limit.exit(cancellation))).toBe('TimeoutError');
      await foreign(1);
      expect(await sleep(5, 'went on')).toBe('went on');
    }),
  );

  test(
    'in time leaves the line in the scope that it was in',
    simulated(async ({ foreign }) => {
      const { signal } = currentTask()!;
      for (const between of [() => sleep(1), () => foreign(1)]) {
        const limit = timeout(5);
        await limit.enter();
        expect(currentTask()!.signal === signal).toBe(false);
        await between();
        expect(currentTask()!.signal === signal).toBe(false);
        await limit.exit();
        expect(currentTask()!.signal === signal).toBe(true);
        await between();
        expect(currentTask()!.signal === signal).toBe(true);
      }
      expect(await sleep(10, 'went on')).toBe('went on');
      expect(currentTask()!.cancelling()).toBe(0);
    }),
  );

  test(
    'inside a helper is that of its caller too: it marks the line',
    simulated(async () => {
      const enter = async () => {
        const limit = timeout(2);
        await limit.enter();
        return limit;
      };
      const limit = await enter();
      const cancellation: unknown = await (async () => await sleep(60))().then(String, (thrown: unknown) => thrown);
      expect([cancellation, getRunningLoop().time()]).toMatchObject([{ name: 'CancelledError' }, 2]);
      expect(await outcome(limit.exit(cancellation))).toBe('TimeoutError');
      expect(await sleep(5, 'went on')).toBe('went on');
    }),
  );
});

async function sleepingFunction(seconds: number): Promise<string> {
  return await sleep(seconds, 'slept');
}
