import {
  Barrier,
  BoundedSemaphore,
  Condition,
  createTask,
  Event,
  forEach,
  gather,
  getRunningLoop,
  iterate,
  Lock,
  Queue,
  Semaphore,
  sleep,
  type Task,
  taskGroup,
  timeout,
  wait,
  waitFor,
} from 'asyncio-ts';
import { describe, expect, test } from 'vitest';
import { outcome, simulated } from '../../support/simulated-runtime.ts';

/** What is left over in a task waits in the queues of locks and others: when a request takes it off, nothing is lost for who waits behind it. */

/** Something that a task can wait for and another one can give; `wait` returns it at once where that is necessary. */
interface Resource {
  readonly wait: () => PromiseLike<unknown>;
  readonly give: () => void;
}

const resources: [name: string, make: () => Promise<Resource>][] = [
  [
    'a lock',
    async () => {
      const lock = new Lock();
      await lock.acquire();
      const wait = async () => {
        await lock.acquire();
        lock.release();
      };
      return { wait, give: () => lock.release() };
    },
  ],
  [
    'a semaphore',
    async () => {
      const semaphore = new Semaphore(0);
      const wait = async () => {
        await semaphore.acquire();
        semaphore.release();
      };
      return { wait, give: () => semaphore.release() };
    },
  ],
  [
    'a bounded semaphore',
    async () => {
      const semaphore = new BoundedSemaphore(1);
      await semaphore.acquire();
      const wait = async () => {
        await semaphore.acquire();
        semaphore.release();
      };
      return { wait, give: () => semaphore.release() };
    },
  ],
  [
    'a queue with an item',
    async () => {
      const queue = new Queue<string>();
      return { wait: () => queue.get(), give: () => queue.putNowait('an item') };
    },
  ],
  [
    'a queue with room',
    async () => {
      const queue = new Queue<string>(1);
      queue.putNowait('first');
      return { wait: () => queue.put('another'), give: () => void queue.getNowait() };
    },
  ],
  [
    'a condition',
    async () => {
      const condition = new Condition();
      const wait = async () => {
        await condition.acquire();
        try {
          await condition.wait();
        } finally {
          condition.release();
        }
      };
      const give = () => {
        createTask(async () => {
          await condition.acquire();
          condition.notify(1);
          condition.release();
        });
      };
      return { wait, give };
    },
  ],
];

for (const [name, make] of resources) {
  describe(`a wait for ${name}`, () => {
    for (const moment of ['in the same moment, first', 'in the same moment, last', 'later'] as const) {
      test(
        `that is left over and taken off by a cancellation loses nothing for the next one: given ${moment}`,
        simulated(async () => {
          const resource = await make();
          const looking = createTask(async () => {
            await Promise.race([outcome(resource.wait()), sleep(1)]);
            await sleep(60);
          });
          await sleep(0.5);
          const next = createTask(resource.wait);
          await sleep(4.5);
          if (moment === 'in the same moment, first') resource.give();
          looking.cancel();
          if (moment === 'later') await sleep(1);
          if (moment !== 'in the same moment, first') resource.give();
          await outcome(looking);
          await wait([next], { timeout: 10 });
          expect([looking.cancelled(), next.done()]).toEqual([true, true]);
        }),
      );
    }

    test(
      'in a branch whose deadline passes in the moment in which it is given loses nothing for the sibling behind it',
      simulated(async () => {
        for (const giveFirst of [true, false]) {
          const resource = await make();
          const begin = getRunningLoop().time();
          if (giveFirst) getRunningLoop().callAt(begin + 5, resource.give);
          const first = outcome(timeout(5, resource.wait));
          const second = outcome(timeout(50, resource.wait));
          if (!giveFirst) getRunningLoop().callAt(begin + 5, resource.give);
          const [one, other] = await Promise.all([first, second]);
          // What was given reaches one of them: the other one when the first was too late.
          expect(one === 'TimeoutError' ? other : one).not.toBe('TimeoutError');
        }
      }),
    );
  });
}

describe('waits that are left over', () => {
  test(
    'of a barrier are taken off, and do not count for it any more',
    simulated(async () => {
      const barrier = new Barrier(2);
      const looking = createTask(async () => {
        await Promise.race([outcome(barrier.wait()), sleep(1)]);
        await sleep(60);
      });
      await sleep(5);
      looking.cancel();
      await outcome(looking);
      expect(barrier.nWaiting).toBe(0);
      const both = gather(
        () => barrier.wait(),
        () => barrier.wait(),
      );
      expect((await both).toSorted()).toEqual([0, 1]);
    }),
  );

  test(
    'of an event and of wait() leave nothing behind in it',
    simulated(async () => {
      const event = new Event();
      const job = createTask(() => sleep(20, 'job'));
      const looking = createTask(async () => {
        await Promise.race([outcome(event.wait()), outcome(wait([job])), outcome(waitFor(event.wait(), 30)), sleep(1)]);
        await sleep(60);
      });
      await sleep(5);
      looking.cancel();
      await outcome(looking);
      event.set();
      expect(await job).toBe('job');
    }),
  );

  test(
    'of a group are ended with it, and its tasks too',
    simulated(async () => {
      const children: Task<unknown>[] = [];
      const group = async () =>
        await taskGroup(async (g) => {
          children.push(g.createTask(() => sleep(60)));
        });
      const looking = createTask(async () => {
        await Promise.race([outcome(group()), sleep(1)]);
        await sleep(60);
      });
      await sleep(5);
      looking.cancel();
      await outcome(looking);
      expect(children.map((child) => child.cancelled())).toEqual([true]);
    }),
  );

  test(
    'of a loop over items are ended with it, and its source is closed',
    simulated(async () => {
      const log: string[] = [];
      const items = async function* () {
        try {
          for (;;) {
            await sleep(3);
            yield 'item';
          }
        } finally {
          log.push('closed');
        }
      };
      const looping = createTask(async () => {
        await Promise.race([outcome(forEach(iterate(items()), async (item) => void log.push(item))), sleep(1)]);
        await sleep(60);
      });
      await sleep(5);
      looping.cancel();
      await outcome(looping);
      await sleep(10);
      expect(log).toEqual(['item', 'closed']);
    }),
  );
});
