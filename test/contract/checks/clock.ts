// The only checks that wait for real, apart from those of foreign promises: here the runtime's own host is the subject.
import { createTask, gather, getRunningLoop, newEventLoop, run, sleep, TimeoutError, waitFor } from 'asyncio-ts';
import { equal, ok, rejects } from '../lib/expect.ts';
import { later } from '../lib/loops.ts';
import { subject } from '../lib/registry.ts';

const { check, checkBoth } = subject('real time');

/** Clocks of browsers are blurred, and a busy machine may be very late. Seconds. */
const EARLIEST = 0.002;
const LATEST = 2;

function within(elapsed: number, expected: number, what: string): void {
  ok(elapsed > expected - EARLIEST && elapsed < expected + LATEST, `${what} to take ${expected} s, took ${elapsed} s`);
}

async function elapsed(fn: () => PromiseLike<unknown>): Promise<number> {
  const began = performance.now();
  await fn();
  return (performance.now() - began) / 1_000;
}

checkBoth('a sleep takes its time', async (s) => {
  const main = s.fn(function* () {
    const loop = getRunningLoop();
    const began = loop.time();
    yield* s.wait(sleep(0.05));
    return loop.time() - began;
  });
  let byLoop = Number.NaN;
  within(
    await elapsed(async () => {
      byLoop = await run(main);
    }),
    0.05,
    'the run',
  );
  within(byLoop, 0.05, "the sleep by the loop's clock");
});

checkBoth('a hundred sleeps at once take as long as one', async (s) => {
  const nap = s.fn(function* () {
    yield* s.wait(sleep(0.05));
  });
  const main = s.fn(function* () {
    yield* s.wait(gather(Array.from({ length: 100 }, () => createTask(nap))));
  });
  within(await elapsed(() => run(main)), 0.05, 'a hundred sleeps');
});

check('timers fire in order and never early', async () => {
  const loop = newEventLoop();
  const trace: number[] = [];
  for (const delay of [0.03, 0.01, 0.02, 0.01]) {
    const timer = loop.callLater(delay, () => {
      ok(loop.time() + EARLIEST > timer.when(), 'the time to have come');
      trace.push(delay);
    });
  }
  loop.callLater(0.04, () => loop.stop());
  await loop.runForever();
  loop.close();
  equal(trace, [0.01, 0.01, 0.02, 0.03]);
});

check('a timer that is set while the loop waits for a later one is kept', async () => {
  const loop = newEventLoop();
  loop.callLater(20, () => {});
  const running = loop.runForever();
  setTimeout(() => loop.callLater(0.01, () => loop.stop()), 5);
  within(await elapsed(() => running), 0.01, 'the run');
  loop.close();
});

checkBoth('a timeout ends a wait in time', async (s) => {
  const main = s.fn(function* () {
    yield* s.fails(waitFor(sleep(20), 0.03), TimeoutError);
  });
  within(await elapsed(() => run(main)), 0.03, 'the wait');
});

check('work from a callback of the runtime is seen at once', async () => {
  const loop = newEventLoop();
  const running = loop.runForever();
  await later(5);
  let calls = 0;
  loop.callSoonThreadsafe(() => calls++);
  await later(5);
  equal(calls, 1);
  loop.stop();
  await running;
  loop.close();
});

check('a ready queue that never empties leaves turns for the runtime', async () => {
  const loop = newEventLoop();
  let spins = 0;
  const spin = (): void => {
    spins++;
    loop.callSoon(spin);
  };
  loop.callSoon(spin);
  setTimeout(() => loop.stop(), 10);
  within(await elapsed(() => loop.runForever()), 0.01, 'the run');
  ok(spins > 1, `many turns of the loop, got ${spins}`);
  loop.close();
});

checkBoth('tasks that never sleep leave turns for the runtime', async (s) => {
  let isOver = false;
  let turns = 0;
  const latest = performance.now() + LATEST * 1_000;
  const busy = s.fn(function* () {
    while (!isOver) {
      yield* s.wait(sleep(0));
      turns++;
      ok(performance.now() < latest, 'a timer of the runtime to fire meanwhile');
    }
  });
  const main = s.fn(function* () {
    setTimeout(() => {
      isOver = true;
    }, 10);
    yield* s.wait(gather(busy, busy));
  });
  within(await elapsed(() => run(main)), 0.01, 'the run');
  ok(turns > 1, `many turns, got ${turns}`);
});

check('a wait that would never end is ended by cancellation', async () => {
  const main = async () => {
    const task = createTask(() => getRunningLoop().createFuture());
    await sleep(0.001);
    task.cancel();
    await task;
  };
  await rejects(run(main), Error);
});
