import { createTask, Event, Future, gather, getRunningLoop, Lock, Queue, Semaphore, sleep } from 'asyncio-ts';
import { completion, ExplorationFailure, type ExploreOptions, explore } from 'asyncio-ts/testing';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Body, describeBoth, type Spelling } from '../../../support/spellings.ts';

/** Programs whose tasks share nothing but primitives; each gives what has happened to these. */
const programs: Readonly<Record<string, (s: Spelling) => Body<[], string>>> = {
  'locks of their own': (s) =>
    function* () {
      const worker = s.fn(function* (lock: Lock) {
        yield* s.wait(sleep(0));
        yield* s.wait(lock.acquire());
        yield* s.wait(sleep(0));
        lock.release();
      });
      yield* s.wait(gather(...[new Lock(), new Lock()].map((lock) => createTask(() => worker(lock)))));
      return 'done';
    },
  'one lock': (s) =>
    function* () {
      const lock = new Lock();
      const order: string[] = [];
      const worker = s.fn(function* (name: string) {
        yield* s.wait(sleep(0));
        yield* s.wait(lock.acquire());
        order.push(name);
        yield* s.wait(sleep(0));
        lock.release();
      });
      yield* s.wait(gather(...['a', 'b'].map((name) => createTask(() => worker(name)))));
      return order.join('');
    },
  'a semaphore and a lock': (s) =>
    function* () {
      const semaphore = new Semaphore(1);
      const lock = new Lock();
      const order: string[] = [];
      const first = s.fn(function* () {
        yield* s.wait(semaphore.acquire());
        order.push('a');
        yield* s.wait(sleep(0));
        semaphore.release();
      });
      const second = s.fn(function* () {
        yield* s.wait(lock.acquire());
        lock.release();
        yield* s.wait(sleep(0));
        yield* s.wait(semaphore.acquire());
        order.push('b');
        semaphore.release();
      });
      yield* s.wait(gather(createTask(first), createTask(second)));
      return order.join('');
    },
  'a queue with two producers': (s) =>
    function* () {
      const queue = new Queue<string>(1);
      const puts = s.fn(function* (name: string) {
        yield* s.wait(queue.put(`${name}1`));
        yield* s.wait(queue.put(`${name}2`));
      });
      const tasks = ['a', 'b'].map((name) => createTask(() => puts(name)));
      const got: string[] = [];
      for (let i = 0; i < 4; i++) got.push(yield* s.wait(queue.get()));
      yield* s.wait(gather(...tasks));
      return got.join('');
    },
  'an event that is set, looked at and cleared': (s) =>
    function* () {
      const event = new Event();
      const seen: boolean[] = [];
      const sets = s.fn(function* () {
        event.set();
        yield* s.wait(sleep(0));
        event.clear();
      });
      const looks = s.fn(function* () {
        seen.push(event.isSet());
        yield* s.wait(sleep(0));
        seen.push(event.isSet());
      });
      yield* s.wait(gather(createTask(sets), createTask(looks)));
      return seen.join();
    },
  'a future and a task that are waited for': (s) =>
    function* () {
      const future = new Future<string>();
      const queue = new Queue<string>();
      const gives = s.fn(function* () {
        yield* s.wait(sleep(0));
        future.setResult('given');
        queue.putNowait('gave');
      });
      const giving = createTask(gives);
      const takes = s.fn(function* () {
        queue.putNowait('begins');
        yield* s.wait(future);
        queue.putNowait('took');
      });
      const taking = createTask(takes);
      const joins = s.fn(function* () {
        yield* s.wait(giving);
        queue.putNowait('joined');
      });
      yield* s.wait(gather(taking, createTask(joins)));
      const all: string[] = [];
      while (!queue.empty()) all.push(queue.getNowait());
      return all.join();
    },
  'a task that another one cancels': (s) =>
    function* () {
      const lock = new Lock();
      const queue = new Queue<string>();
      const worker = s.fn(function* () {
        try {
          yield* s.wait(lock.acquire());
          queue.putNowait('has it');
          yield* s.wait(sleep(0));
          lock.release();
        } catch (error) {
          if (lock.locked()) lock.release();
          queue.putNowait('cancelled');
          throw error;
        }
      });
      const task = createTask(worker);
      const cancels = s.fn(function* () {
        yield* s.wait(sleep(0));
        task.cancel();
      });
      yield* s.wait(gather([task, createTask(cancels)], { returnExceptions: true }));
      const all: string[] = [];
      while (!queue.empty()) all.push(queue.getNowait());
      return all.join();
    },
  'replies in any order': (s) =>
    function* () {
      const queue = new Queue<number>();
      const asks = s.fn(function* (number: number) {
        queue.putNowait(yield* s.wait(completion(number)));
      });
      yield* s.wait(gather(...[1, 2].map((number) => createTask(() => asks(number)))));
      return `${queue.getNowait()}${queue.getNowait()}`;
    },
};

const OPERATIONS = [
  'lock',
  'other lock',
  'semaphore',
  'set',
  'clear',
  'look',
  'put',
  'take',
  'yield',
  'wait',
  'cancel',
] as const;

/** Tasks that do some operations each; gives what they have seen, and what each object has seen. */
function anyProgram(s: Spelling, jobs: readonly (readonly (typeof OPERATIONS)[number][])[]): Body<[], string> {
  return function* () {
    const locks = { lock: new Lock(), 'other lock': new Lock(), semaphore: new Semaphore(2) };
    const holders: Record<keyof typeof locks, number[]> = { lock: [], 'other lock': [], semaphore: [] };
    const event = new Event();
    const queue = new Queue<number>();
    const logs = jobs.map((): string[] => []);
    const worker = s.fn(function* (number: number) {
      for (const operation of jobs[number]!) {
        if (operation === 'yield') yield* s.wait(sleep(0));
        else if (operation === 'set') event.set();
        else if (operation === 'clear') event.clear();
        else if (operation === 'wait') yield* s.wait(event.wait());
        else if (operation === 'cancel') tasks[(number + 1) % tasks.length]!.cancel();
        else if (operation === 'look') logs[number]!.push(String(event.isSet()));
        else if (operation === 'put') queue.putNowait(number);
        else if (operation === 'take') logs[number]!.push(queue.empty() ? 'none' : String(queue.getNowait()));
        else {
          yield* s.wait(locks[operation].acquire());
          try {
            holders[operation].push(number);
            yield* s.wait(sleep(0));
          } finally {
            locks[operation].release();
          }
        }
      }
    });
    const tasks = jobs.map((_, number) => createTask(() => worker(number)));
    yield* s.wait(gather(tasks, { returnExceptions: true }));
    const ends = tasks.map((task) => task.cancelled());
    return JSON.stringify([logs, holders, event.isSet(), queue.qsize(), ends]);
  };
}

async function outcomes(main: Parameters<typeof explore<string>>[0], options: ExploreOptions<string>) {
  const seen = new Set<string>();
  const report = await explore(main, {
    level: 'any',
    schedules: 60_000,
    stopAtFirst: false,
    ...options,
    check: (outcome) => void seen.add(outcome),
  });
  for (const { error } of report.failures) seen.add((error as Error).name);
  return { seen: [...seen].sort(), ...report };
}

describeBoth('partial-order reduction', (s) => {
  test.each(Object.entries(programs))(
    'sees all outcomes of %s that there are, and needs no more schedules for it',
    async (_name, body) => {
      const main = s.fn(body(s));
      const all = await outcomes(main, { strategy: 'dfs', bound: 1_000 });
      const reduced = await outcomes(main, { strategy: 'por' });
      expect(all.isComplete).toBe(true);
      expect(reduced.isComplete).toBe(true);
      expect(reduced.seen).toEqual(all.seen);
      expect(reduced.schedules).toBeLessThanOrEqual(all.schedules);
    },
  );

  test('runs few of the schedules of tasks that have nothing to do with each other', async () => {
    const main = s.fn(programs['locks of their own']!(s));
    const all = await outcomes(main, { strategy: 'dfs', bound: 1_000 });
    const reduced = await outcomes(main, { strategy: 'por' });
    expect(reduced.schedules).toBeLessThan(all.schedules / 4);
  });

  test('sees all outcomes of any program of locks, events, queues, semaphores and cancellations', async () => {
    let saved = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(fc.constantFrom(...OPERATIONS), { maxLength: 3 }), { maxLength: 3 }),
        async (tasks) => {
          const main = s.fn(anyProgram(s, tasks));
          const all = await outcomes(main, { strategy: 'dfs', bound: 1_000, schedules: 4_000 });
          fc.pre(all.isComplete);
          const reduced = await outcomes(main, { strategy: 'por' });
          expect(reduced.seen).toEqual(all.seen);
          expect(reduced.schedules).toBeLessThanOrEqual(all.schedules);
          saved += all.schedules - reduced.schedules;
        },
      ),
      { numRuns: 40 },
    );
    expect(saved).toBeGreaterThan(1_000);
  }, 60_000);

  test('finds a deadlock, and the failure is told and replayed as any other', async () => {
    const main = s.fn(function* () {
      const [a, b] = [new Lock(), new Lock()];
      const both = s.fn(function* (first: Lock, second: Lock) {
        yield* s.wait(first.acquire());
        yield* s.wait(sleep(0));
        yield* s.wait(second.acquire());
        second.release();
        first.release();
      });
      const tasks = [createTask(() => both(a, b)), createTask(() => both(a, b)), createTask(() => both(b, a))];
      yield* s.wait(gather(...tasks));
      return getRunningLoop().time();
    });
    const error = await explore(main, { level: 'any', strategy: 'por' }).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(ExplorationFailure);
    expect((error as ExplorationFailure).error).toMatchObject({ name: 'DeadlockError' });
  });
});
