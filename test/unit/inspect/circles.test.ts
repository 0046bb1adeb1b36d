import {
  asCompleted,
  createTask,
  currentTask,
  FIRST_COMPLETED,
  Future,
  gather,
  Lock,
  Semaphore,
  shield,
  sleep,
  wait,
} from 'asyncio-ts';
import { captureTasks, captureWaitGraph, formatWaitTree, TaskGraph } from 'asyncio-ts/inspect';
import { describe, expect, test } from 'vitest';
import { circlesOf, type EndsBy, stuckTasks } from '../../../src/inspect/circles.ts';
import { describeBoth, runVirtually, type Spelling } from '../../support/spellings.ts';

/** The deadlocks of a program after a second, as the graph and as the tools see them, and the tree. */
async function deadlocksOf(s: Spelling, main: () => Generator<unknown, unknown, unknown>) {
  const { result } = await runVirtually(
    s.fn(function* () {
      const program = createTask(s.fn(main), { name: 'program' });
      yield* s.wait(sleep(1));
      const graph = captureWaitGraph(currentTask()!.getLoop());
      const tools = new TaskGraph(captureTasks({ loop: currentTask()!.getLoop() }));
      program.cancel();
      return {
        cycles: graph.cycles.map((cycle) => cycle.toSorted()),
        ofTools: tools.cycles().map((cycle) => cycle.map((id) => tools.find(id)!.name).toSorted()),
        tree: formatWaitTree(graph),
      };
    }),
    { name: 'looker' },
  );
  expect(result.ofTools).toEqual(result.cycles);
  return result;
}

describeBoth('a circle is a deadlock only if none of its tasks can go on', (s) => {
  /** A task that holds a lock and waits for something, beside one that waits for the lock. */
  function holderWaits(forWhat: (other: Future<unknown>) => Generator<unknown, unknown, unknown>) {
    return deadlocksOf(s, function* () {
      const lock = new Lock();
      yield* s.wait(lock.acquire());
      const other = createTask(
        s.fn(function* () {
          yield* s.wait(lock.acquire());
        }),
        { name: 'other' },
      );
      yield* forWhat(other);
    });
  }

  test('a task that waits for a second unit of a semaphore can have the one of another holder', async () => {
    const { cycles, tree } = await deadlocksOf(s, function* () {
      const units = new Semaphore(2);
      const holder = createTask(
        s.fn(function* () {
          yield* s.wait(units.acquire());
          yield* s.wait(sleep(5));
        }),
        { name: 'holder' },
      );
      yield* s.wait(units.acquire());
      yield* s.wait(sleep(0));
      yield* s.wait(units.acquire());
      yield* s.wait(holder);
    });
    expect(cycles).toEqual([]);
    expect(tree).not.toContain('deadlock');
    expect(tree).toContain('⟲ program, see above');
  });

  test('when all units of a semaphore are held by tasks of the circle, it is one', async () => {
    const { cycles, tree } = await deadlocksOf(s, function* () {
      const units = new Semaphore(2);
      const both = s.fn(function* () {
        yield* s.wait(units.acquire());
        yield* s.wait(sleep(0));
        yield* s.wait(units.acquire());
      });
      yield* s.wait(gather([createTask(both, { name: 'a' }), createTask(both, { name: 'b' })]));
    });
    expect(cycles.flat()).toEqual(expect.arrayContaining(['a', 'b']));
    expect(tree).toContain(': a deadlock');
  });

  test('a semaphore that others give back is a counter, which nobody holds', async () => {
    const { cycles } = await deadlocksOf(s, function* () {
      const items = new Semaphore(0);
      items.release();
      const consumer = createTask(
        s.fn(function* () {
          for (;;) yield* s.wait(items.acquire());
        }),
        { name: 'consumer' },
      );
      yield* s.wait(consumer);
    });
    expect(cycles).toEqual([]);
  });

  test('wait() for the first one ends when any of them does', async () => {
    const { cycles } = await holderWaits(function* (other) {
      yield* s.wait(wait([other, createTask(sleep(5))], { returnWhen: FIRST_COMPLETED }));
    });
    expect(cycles).toEqual([]);
    const alone = await holderWaits(function* (other) {
      yield* s.wait(wait([other], { returnWhen: FIRST_COMPLETED }));
    });
    expect(alone.cycles).toEqual([['other', 'program']]);
  });

  test('asCompleted() goes on with any of them, and with a future that somebody else sets', async () => {
    const { cycles } = await holderWaits(function* (other) {
      for (const next of asCompleted([other, new Future<unknown>()])) yield* s.wait(next);
    });
    expect(cycles).toEqual([]);
  });

  test('gather() waits for each of them', async () => {
    const { cycles } = await holderWaits(function* (other) {
      yield* s.wait(gather([createTask(sleep(5)), other]));
    });
    expect(cycles).toEqual([['other', 'program']]);
  });

  test('a task that is awaited through several futures inside each other belongs to it', async () => {
    const { cycles } = await holderWaits(function* (other) {
      yield* s.wait(shield(gather([sleep(5), gather([shield(other)])])));
    });
    expect(cycles).toEqual([['other', 'program']]);
  });

  test('a circle that is reached in two ways is told once', async () => {
    const { cycles } = await deadlocksOf(s, function* () {
      const lock = new Lock();
      yield* s.wait(lock.acquire());
      const again = s.fn(function* () {
        yield* s.wait(lock.acquire());
      });
      yield* s.wait(gather([createTask(again, { name: 'a' }), createTask(again, { name: 'b' })]));
    });
    expect(cycles).toEqual([
      ['a', 'program'],
      ['b', 'program'],
    ]);
  });
});

describe('circlesOf', () => {
  const graphOf = (edges: Record<string, [endsBy: EndsBy, ...needs: string[]][]>) =>
    new Map(
      Object.entries(edges).map(([task, waits]) => [task, waits.map(([endsBy, ...needs]) => ({ endsBy, needs }))]),
    );

  test('tells a circle that several waits of one task lead into once', () => {
    expect(circlesOf(graphOf({ a: [['all', 'a'], ['all', 'a']] }))).toEqual([['a']]); // biome-ignore format: a table
  });

  test('tells no circle through a task that has ended, where any is enough', () => {
    expect(circlesOf(graphOf({ a: [['any', 'a', 'gone']] }))).toEqual([]);
    expect(circlesOf(graphOf({ a: [['all', 'a', 'gone']] }))).toEqual([['a']]);
  });

  test('counts those that lead to a circle among the stuck, and not those beside it', () => {
    const graph = graphOf({
      a: [['all', 'b']],
      b: [['all', 'a', 'c']],
      c: [],
      d: [['any', 'a', 'c']],
      e: [['all', 'a']],
    });
    expect([...stuckTasks(graph)]).toEqual(['a', 'b', 'e']);
    expect(circlesOf(graph)).toEqual([['a', 'b']]);
  });

  test('takes a time that grows with the number of tasks, for chains and for tasks that wait for all others', () => {
    const count = 30_000;
    const chain = new Map(Array.from({ length: count }, (_, i) => [i, [{ needs: [i + 1], endsBy: 'all' as const }]]));
    chain.set(-1, [{ needs: Array.from({ length: count }, (_, i) => i) as [number], endsBy: 'all' }]);
    expect(circlesOf(chain)).toEqual([]);
    chain.set(count - 1, [{ needs: [0], endsBy: 'all' }]);
    expect(circlesOf(chain)).toHaveLength(1);
  });
});
