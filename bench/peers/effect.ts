import { Deferred, Effect, Fiber, Queue, Semaphore } from 'effect';
import { check, cpuTime, now, sumBelow } from '../lib/clock.ts';
import { liveBytes } from '../lib/heap.ts';
import type { Peer } from './index.ts';

const DEPTH = 50;
const TASKS = 100;

const trivial = (n: number): Effect.Effect<number> => Effect.sync(() => n);

function spawnJoin(count: number): Promise<number> {
  return Effect.runPromise(
    Effect.gen(function* () {
      const begin = now();
      const fibers: Fiber.Fiber<number>[] = [];
      for (let i = 0; i < count; i++) fibers.push(yield* Effect.forkChild(trivial(i)));
      let sum = 0;
      for (const fiber of fibers) sum += yield* Fiber.join(fiber);
      const end = now();
      check(sum, sumBelow(count));
      return end - begin;
    }),
  );
}

function gather(count: number): Promise<number> {
  return Effect.runPromise(
    Effect.gen(function* () {
      const begin = now();
      const effects = Array.from({ length: count }, (_, i) => trivial(i));
      const results = yield* Effect.all(effects, { concurrency: 'unbounded' });
      const end = now();
      check(results[count - 1], count - 1);
      return end - begin;
    }),
  );
}

function switchOne(count: number): Promise<number> {
  return Effect.runPromise(
    Effect.gen(function* () {
      const begin = now();
      for (let i = 0; i < count; i++) yield* Effect.yieldNow;
      return now() - begin;
    }),
  );
}

const switches = Effect.fnUntraced(function* (times: number) {
  for (let i = 0; i < times; i++) yield* Effect.yieldNow;
});

function switchMany(count: number): Promise<number> {
  return Effect.runPromise(
    Effect.gen(function* () {
      const begin = now();
      const fibers: Fiber.Fiber<void>[] = [];
      for (let i = 0; i < TASKS; i++) fibers.push(yield* Effect.forkChild(switches(count / TASKS)));
      for (const fiber of fibers) yield* Fiber.join(fiber);
      return now() - begin;
    }),
  );
}

const produce = Effect.fnUntraced(function* (queue: Queue.Queue<number>, count: number) {
  for (let i = 0; i < count; i++) yield* Queue.offer(queue, i);
});

function queue(count: number): Promise<number> {
  return Effect.runPromise(
    Effect.gen(function* () {
      const begin = now();
      const items = yield* Queue.bounded<number>(100);
      const producer = yield* Effect.forkChild(produce(items, count));
      let sum = 0;
      for (let i = 0; i < count; i++) sum += yield* Queue.take(items);
      yield* Fiber.join(producer);
      const end = now();
      check(sum, sumBelow(count));
      return end - begin;
    }),
  );
}

function lockFree(count: number): Promise<number> {
  return Effect.runPromise(
    Effect.gen(function* () {
      const begin = now();
      const lock = Semaphore.makeUnsafe(1);
      let done = 0;
      const body = Effect.sync(() => {
        done++;
      });
      for (let i = 0; i < count; i++) yield* lock.withPermits(1)(body);
      check(done, count);
      return now() - begin;
    }),
  );
}

function lockContended(count: number): Promise<number> {
  return Effect.runPromise(
    Effect.gen(function* () {
      const begin = now();
      const lock = Semaphore.makeUnsafe(1);
      let done = 0;
      const body = Effect.map(Effect.yieldNow, () => {
        done++;
      });
      const holds = Effect.fnUntraced(function* (times: number) {
        for (let i = 0; i < times; i++) yield* lock.withPermits(1)(body);
      });
      const fibers: Fiber.Fiber<void>[] = [];
      for (let i = 0; i < TASKS; i++) fibers.push(yield* Effect.forkChild(holds(count / TASKS)));
      for (const fiber of fibers) yield* Fiber.join(fiber);
      check(done, count);
      return now() - begin;
    }),
  );
}

function cancelSleepers(count: number): Promise<number> {
  return Effect.runPromise(
    Effect.gen(function* () {
      const fibers: Fiber.Fiber<void>[] = [];
      for (let i = 0; i < count; i++) fibers.push(yield* Effect.forkChild(Effect.sleep('1 hour')));
      yield* Effect.yieldNow;
      const begin = now();
      yield* Fiber.interruptAll(fibers);
      return now() - begin;
    }),
  );
}

function sleepers(count: number): Promise<number> {
  return Effect.runPromise(
    Effect.gen(function* () {
      const begin = cpuTime();
      const fibers: Fiber.Fiber<void>[] = [];
      for (let i = 0; i < count; i++) fibers.push(yield* Effect.forkChild(Effect.sleep(500 + (i % 1000))));
      for (const fiber of fibers) yield* Fiber.join(fiber);
      return cpuTime() - begin;
    }),
  );
}

function timeoutDone(count: number): Promise<number> {
  let next = 0;
  const operation = Effect.sync(() => next++);
  return Effect.runPromise(
    Effect.gen(function* () {
      const begin = now();
      let sum = 0;
      for (let i = 0; i < count; i++) sum += yield* Effect.timeout(operation, '10 seconds');
      check(sum, sumBelow(count));
      return now() - begin;
    }),
  );
}

const chain: (depth: number) => Effect.Effect<number> = Effect.fnUntraced(function* (depth: number) {
  if (depth > 0) return 1 + (yield* chain(depth - 1));
  yield* Effect.yieldNow;
  return 0;
});

function awaitChain(count: number): Promise<number> {
  return Effect.runPromise(
    Effect.gen(function* () {
      const begin = now();
      for (let i = 0; i < count; i += DEPTH) check(yield* chain(DEPTH), DEPTH);
      return now() - begin;
    }),
  );
}

const leaf: (depth: number, times: number) => Effect.Effect<void> = Effect.fnUntraced(function* (
  depth: number,
  times: number,
) {
  if (depth > 0) return yield* leaf(depth - 1, times);
  for (let i = 0; i < times; i++) yield* Effect.yieldNow;
});

function deepResume(count: number): Promise<number> {
  return Effect.runPromise(
    Effect.gen(function* () {
      const begin = now();
      yield* leaf(DEPTH, count);
      return now() - begin;
    }),
  );
}

function memory(count: number): Promise<number> {
  return Effect.runPromise(
    Effect.gen(function* () {
      const gates: Deferred.Deferred<void>[] = new Array(count);
      const fibers: Fiber.Fiber<void>[] = new Array(count);
      const before = liveBytes();
      for (let i = 0; i < count; i++) {
        const gate = yield* Deferred.make<void>();
        gates[i] = gate;
        fibers[i] = yield* Effect.forkChild(Deferred.await(gate));
      }
      yield* Effect.yieldNow;
      const bytes = liveBytes() - before;
      for (const gate of gates) yield* Deferred.succeed(gate, undefined);
      for (const fiber of fibers) yield* Fiber.join(fiber);
      return bytes;
    }),
  );
}

export const effect: Peer = {
  name: 'Effect',
  ways: {
    'spawn-join': { run: spawnJoin },
    gather: { run: gather },
    'switch-one': { run: switchOne, fewer: 10 },
    'switch-many': { run: switchMany },
    queue: { run: queue },
    'lock-free': { run: lockFree },
    'lock-contended': { run: lockContended },
    'cancel-sleepers': { run: cancelSleepers },
    sleepers: { run: sleepers },
    'timeout-done': { run: timeoutDone },
    'await-chain': { run: awaitChain },
    'deep-resume': { run: deepResume },
    memory: { run: memory },
  },
};
