import { createTask, Event, getRunningLoop, Lock, Queue, sleep, taskGroup, timeout } from 'asyncio-ts';
import { assertDoesNotSuspend, assertSuspends, runVirtual, Sequencer, VirtualClock } from 'asyncio-ts/testing';
import { equal, ok } from '../lib/expect.ts';
import { subject } from '../lib/registry.ts';

const { check, checkBoth } = subject('testing');

async function failureOf(promise: PromiseLike<unknown>): Promise<Error> {
  try {
    await promise;
  } catch (error) {
    return error as Error;
  }
  throw new Error('it did not fail');
}

checkBoth('a program in simulated time ends at once, however long it sleeps', async (s) => {
  const main = s.fn(function* () {
    const worker = (seconds: number) =>
      s.fn(function* () {
        yield* s.wait(sleep(seconds));
      });
    yield* s.wait(
      taskGroup(
        s.fn(function* (group) {
          for (let minute = 1; minute <= 120; minute++) group.createTask(worker(60 * minute));
        }),
      ),
    );
    return getRunningLoop().time();
  });
  equal(await runVirtual(main, { failOnLeaks: true, failOnUnretrieved: true }), 7_200);
});

checkBoth('a program in which nothing can run any more ends with what it waits for', async (s) => {
  const main = s.fn(function* () {
    yield* s.wait(sleep(1));
    yield* s.wait(new Event().wait());
  });
  const error = await failureOf(runVirtual(main));
  equal(error.name, 'DeadlockError');
  ok(error.message.includes('nothing will ever set <Event [unset, waiters:1]>; Task-1'), error.message);
});

checkBoth('a program that leaves a task behind fails, when it is asked to', async (s) => {
  const main = s.fn(function* () {
    createTask(
      s.fn(function* () {
        yield* s.wait(sleep(60));
      }),
      { name: 'left' },
    );
    yield* s.wait(sleep(1));
  });
  const error = await failureOf(runVirtual(main, { failOnLeaks: true }));
  equal(error.name, 'LeakError');
  ok(error.message.includes('task left, which waits for sleep()'), error.message);
});

checkBoth('simulated programs run side by side', async (s) => {
  const main = (step: number) =>
    s.fn(function* () {
      const items = new Queue<number>();
      createTask(
        s.fn(function* () {
          yield* s.wait(sleep(step));
          items.putNowait(step);
        }),
      );
      return yield* s.wait(items.get());
    });
  equal(await Promise.all([3, 1, 2].map((step) => runVirtual(main(step)))), [3, 1, 2]);
});

checkBoth('a clock that is moved by hand stands still until then', async (s) => {
  const clock = new VirtualClock();
  const seen: number[] = [];
  const task = clock.start(
    s.fn(function* () {
      for (let i = 0; i < 2; i++) {
        yield* s.wait(sleep(0.25));
        seen.push(getRunningLoop().time());
      }
      return 'done';
    }),
  );
  await clock.settle();
  equal(seen, []);
  await clock.advance(0.3);
  equal(seen, [0.25]);
  await clock.advance(0.2);
  equal([seen, task.result()], [[0.25, 0.5], 'done']);
  await clock.close();
});

checkBoth('a sequencer runs steps of several tasks in order', async (s) => {
  const trace: string[] = [];
  const main = s.fn(function* () {
    const sequence = new Sequencer();
    const steps = (name: string, positions: readonly number[]) =>
      s.fn(function* () {
        for (const position of positions) {
          yield* s.wait(
            sequence.step(
              position,
              s.fn(function* () {
                trace.push(`${name}${position}`);
              }),
            ),
          );
        }
      });
    yield* s.wait(
      taskGroup(
        s.fn(function* (group) {
          group.createTask(steps('b', [1, 3]));
          group.createTask(steps('a', [0, 2]));
        }),
      ),
    );
  });
  await runVirtual(main);
  equal(trace, ['a0', 'b1', 'a2', 'b3']);
});

checkBoth('what suspends is told from what does not', async (s) => {
  const main = s.fn(function* () {
    yield* s.wait(assertSuspends(() => sleep(0)));
    yield* s.wait(assertDoesNotSuspend(() => new Lock().acquire()));
    return 'both';
  });
  equal(await runVirtual(main), 'both');
});

check('real work is waited for, and takes no simulated time', async () => {
  const main = async () => {
    const loop = getRunningLoop();
    await new Promise<void>((resolve) => setTimeout(resolve, 30));
    return loop.time();
  };
  equal(await runVirtual(main), 0);
});

check('a deadline in simulated time passes over a promise that never settles', async () => {
  const error = await failureOf(runVirtual(() => timeout(5, () => new Promise(() => {}))));
  equal(error.name, 'TimeoutError');
});
