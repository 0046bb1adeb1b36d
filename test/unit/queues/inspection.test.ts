import { inspect } from 'node:util';
import { createTask, LifoQueue, PriorityQueue, Queue, type Registry } from 'asyncio-ts';
import { describe, expect, test } from 'vitest';
import { iterations, names, program } from '../../support/programs.ts';
import { describeBoth } from '../../support/spellings.ts';

/** What the process shows to tools that a task waits for. */
function waitsFor(name: string): string | null | undefined {
  const registry = (globalThis as { [key: symbol]: unknown })[Symbol.for('asyncio-ts')] as Registry;
  return registry.tasks(0, Number.POSITIVE_INFINITY).find((report) => report.name === name)?.waitsFor;
}

describe('a queue', () => {
  test('is shown in one line with its items, by Node too', () => {
    for (const [queue, text] of [
      [new Queue<unknown>(), "<Queue maxsize=0 _queue=[1, 'a', null] tasks=3>"],
      [new LifoQueue<unknown>(5), "<LifoQueue maxsize=5 _queue=[1, 'a', null] tasks=3>"],
      [new PriorityQueue<unknown>(0, { compare: () => 0 }), "<PriorityQueue maxsize=0 _queue=[1, 'a', null] tasks=3>"],
    ] as const) {
      for (const item of [1, 'a', null]) queue.putNowait(item);
      expect([String(queue), inspect(queue)]).toEqual([text, text]);
    }
  });

  test('shows no more than some of its items', () => {
    const queue = new Queue<number>();
    for (let i = 0; i < 1000; i++) queue.putNowait(i);
    expect(String(queue)).toBe('<Queue maxsize=0 _queue=[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, ...] tasks=1000>');
  });

  test('says that it is shut down', () => {
    const queue = new Queue<number>(3);
    queue.shutdown();
    expect(String(queue)).toBe('<Queue maxsize=3 shutdown>');
  });
});

describeBoth('the peaks of a queue', (s) => {
  test(
    'are how many items were in it, and how many tasks waited, at the most',
    program(s, function* () {
      const queue = new Queue<number>(2);
      for (let item = 1; item <= 5; item++) createTask(() => queue.put(item));
      yield* iterations(s, 2);
      for (let item = 1; item <= 5; item++) expect(yield* s.wait(queue.get())).toBe(item);
      expect(queue.statistics()).toMatchObject({ size: 0, peakSize: 2, putting: 0, peakPutting: 3 });
    }),
  );
});

describeBoth('a queue that tasks wait for', (s) => {
  test(
    'shows the tasks that get, and is shown as what they wait for',
    program(s, function* () {
      const queue = new Queue<number>();
      for (const name of ['a', 'b']) createTask(() => queue.get(), { name });
      yield* iterations(s, 2);
      expect(String(queue)).toBe('<Queue maxsize=0 _getters[2]>');
      const { getters, putters, ...statistics } = queue.statistics();
      expect(statistics).toEqual({
        size: 0,
        peakSize: 0,
        maxsize: 0,
        getting: 2,
        peakGetting: 2,
        putting: 0,
        peakPutting: 0,
        joining: 0,
        unfinished: 0,
        isShutDown: false,
      });
      expect([names(getters), putters]).toEqual([['a', 'b'], []]);
      expect(waitsFor('a')).toBe('get of <Queue maxsize=0 _getters[2]>');
      queue.shutdown();
      for (const task of getters) expect(task.exception.bind(task)).toThrow();
      yield* iterations(s, 2);
      for (const task of getters) expect(task.exception()).toMatchObject({ name: 'QueueShutDown' });
      expect(String(queue)).toBe('<Queue maxsize=0 shutdown>');
    }),
  );

  test(
    'shows the tasks that put and those that join',
    program(s, function* () {
      const queue = new Queue<number>(1);
      queue.putNowait(1);
      createTask(() => queue.put(2), { name: 'putter' });
      createTask(() => queue.join(), { name: 'joiner' });
      yield* iterations(s, 2);
      const text = '<Queue maxsize=1 _queue=[1] _putters[1] tasks=1>';
      expect(String(queue)).toBe(text);
      expect(queue.statistics()).toMatchObject({ size: 1, putting: 1, joining: 1, unfinished: 1 });
      expect(names(queue.statistics().putters)).toEqual(['putter']);
      expect([waitsFor('putter'), waitsFor('joiner')]).toEqual([`put of ${text}`, `join of ${text}`]);
    }),
  );
});
