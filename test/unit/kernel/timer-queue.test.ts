import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { NOT_SCHEDULED, type Timer, TimerQueue } from '../../../src/kernel/engine/timers.ts';

class Entry implements Timer {
  readonly _when: number;
  _sequence: number = NOT_SCHEDULED;
  _cancelled = false;

  constructor(when: number) {
    this._when = when;
  }

  get isScheduled(): boolean {
    return this._sequence !== NOT_SCHEDULED;
  }

  _run(): void {}
}

/** What a loop may do; `cancel` says which of those in the queue, by its place in the order of scheduling. */
type Operation = { readonly push: number } | { readonly cancel: number } | 'pop' | 'prune' | 'clear';

/** Few, so that there are equal ones; and so many that there are more than the queue has rows. */
const deadlines = fc.oneof(
  fc.integer({ min: -10, max: 10 }),
  fc.integer({ min: -1e6, max: 1e6 }),
  fc.double({ noNaN: true }),
);

const operations: fc.Arbitrary<Operation[]> = fc.array(
  fc.oneof(
    { weight: 12, arbitrary: fc.record({ push: deadlines }) },
    { weight: 8, arbitrary: fc.record({ cancel: fc.nat({ max: 200 }) }) },
    { weight: 2, arbitrary: fc.constant('pop' as const) },
    { weight: 2, arbitrary: fc.constant('prune' as const) },
  ),
  { size: 'max', maxLength: 500 },
);

/** The queue as an array in order of scheduling. */
class Model {
  entries: Entry[] = [];

  get cancelled(): number {
    return this.entries.filter((entry) => entry._cancelled).length;
  }

  first(): Entry {
    return this.entries.reduce((first, entry) => (entry._when < first._when ? entry : first));
  }

  drop(isDropped: (entry: Entry) => boolean): void {
    this.entries = this.entries.filter((entry) => !isDropped(entry));
  }

  cancel(entry: Entry): void {
    entry._cancelled = true;
    if (this.cancelled >= 200 && this.cancelled > this.entries.length / 2) this.drop((entry) => entry._cancelled);
  }

  prune(): void {
    if (this.entries.length > 100 && this.cancelled > this.entries.length / 2) this.drop((entry) => entry._cancelled);
    while (this.entries.length > 0 && this.first()._cancelled) this.pop();
  }

  pop(): Entry {
    const first = this.first();
    this.drop((entry) => entry === first);
    return first;
  }
}

/** Does the same to the queue and to the model. */
function apply(operation: Operation, queue: TimerQueue, model: Model): void {
  if (operation === 'prune') {
    queue.prune();
    model.prune();
  } else if (operation === 'clear') {
    queue.clear();
    model.drop(() => true);
  } else if (operation === 'pop') {
    if (model.entries.length === 0) return;
    const popped = queue.pop();
    expect(popped).toBe(model.pop());
    expect(popped._sequence).toBe(NOT_SCHEDULED);
  } else if ('push' in operation) {
    const entry = new Entry(operation.push);
    queue.push(entry);
    model.entries.push(entry);
  } else {
    const entry = model.entries[operation.cancel % model.entries.length];
    if (entry === undefined || entry._cancelled) return;
    model.cancel(entry);
    queue.noteCancelled(entry);
  }
}

function expectSame(queue: TimerQueue, model: Model): void {
  expect(queue.length).toBe(model.entries.length);
  expect(queue.cancelled).toBe(model.cancelled);
  if (model.entries.length > 0) expect(queue.first()).toBe(model.first());
}

describe('the timer queue', () => {
  test('behaves as a sorted array does, whatever is done to it', () => {
    fc.assert(
      fc.property(operations, (operations) => {
        const queue = new TimerQueue();
        const model = new Model();
        for (const operation of operations) {
          apply(operation, queue, model);
          expectSame(queue, model);
        }
        expect(new Set(queue)).toEqual(new Set(model.entries));
        while (model.entries.length > 0) apply('pop', queue, model);
        expectSame(queue, model);
      }),
      { numRuns: 50 },
    );
  });

  test('gives timers in order when their deadlines come ever earlier, or when each delay is another', () => {
    const sequences = [
      Array.from({ length: 1000 }, (_, i) => -i),
      Array.from({ length: 1000 }, (_, i) => (i * 7919) % 1000),
      Array.from({ length: 1000 }, (_, i) => Math.floor(i / 100) + (i % 100) / 10),
    ];
    for (const whens of sequences) {
      const queue = new TimerQueue();
      for (const when of whens) queue.push(new Entry(when));
      expect(whens.map(() => queue.pop()._when)).toEqual(whens.toSorted((a, b) => a - b));
      expect([...queue]).toEqual([]);
    }
  });

  test('keeps its order when timers are removed from the middle and from the end of their row', () => {
    const queue = new TimerQueue();
    const entries = Array.from({ length: 400 }, (_, i) => new Entry(i % 40));
    for (const entry of entries) queue.push(entry);
    const cancelled = entries.filter((entry) => entry._when % 2 === 1 || entry._when > 37 || entry._when === 0);
    for (const entry of cancelled) {
      entry._cancelled = true;
      queue.noteCancelled(entry);
    }
    const later = [39, 38, 0, 5].map((when) => new Entry(when));
    for (const entry of later) queue.push(entry);
    const left = [...entries.filter((entry) => !entry._cancelled), ...later].toSorted((a, b) => a._when - b._when);
    const popped: Timer[] = [];
    while (queue.length > 0) popped.push(queue.pop());
    expect(popped.filter((timer) => !timer._cancelled)).toEqual(left);
    expect(queue.cancelled).toBe(0);
  });

  test('gives timers of one deadline in order of scheduling, also when others come and go between them', () => {
    const whens = fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 60 });
    fc.assert(
      fc.property(whens, (whens) => {
        const queue = new TimerQueue();
        const entries = whens.map((when) => new Entry(when));
        for (const entry of entries) queue.push(entry);
        const popped = entries.map(() => queue.pop());
        expect(popped).toEqual(entries.toSorted((a, b) => a._when - b._when)); // sorting is stable
      }),
    );
  });
});

describe('prune', () => {
  /** A queue of so many, of which the last ones are cancelled. */
  function queueOf(count: number, cancelled: number): TimerQueue {
    const queue = new TimerQueue();
    const model = new Model();
    for (let i = 0; i < count; i++) apply({ push: i }, queue, model);
    for (let i = count - cancelled; i < count; i++) apply({ cancel: i }, queue, model);
    return queue;
  }

  test.each([
    { count: 101, cancelled: 50, left: 101 },
    { count: 101, cancelled: 51, left: 50 },
    { count: 100, cancelled: 99, left: 100 },
    { count: 200, cancelled: 100, left: 200 },
    { count: 200, cancelled: 101, left: 99 },
  ])('leaves $left of $count when $cancelled are cancelled, none of them at the top', ({ count, cancelled, left }) => {
    const queue = queueOf(count, cancelled);
    queue.prune();
    expect(queue.length).toBe(left);
  });

  test('is not waited for when very many are cancelled, most of all', () => {
    expect([queueOf(1000, 500).length, queueOf(1000, 501).length]).toEqual([1000, 499]);
    expect([queueOf(300, 199).length, queueOf(300, 200).length]).toEqual([300, 100]);
  });

  test('does not count timers that have left the queue', () => {
    const queue = new TimerQueue();
    const entry = new Entry(1);
    queue.push(entry);
    queue.pop();
    entry._cancelled = true;
    queue.noteCancelled(entry);
    expect(queue.cancelled).toBe(0);
  });

  test('drops the cancelled ones at the top, up to the first that is not', () => {
    const queue = new TimerQueue();
    const entries = [1, 2, 3, 4].map((when) => new Entry(when));
    for (const entry of entries) queue.push(entry);
    for (const i of [0, 1, 3]) {
      entries[i]!._cancelled = true;
      queue.noteCancelled(entries[i]!);
    }
    queue.prune();
    expect([...queue]).toEqual([entries[2], entries[3]]);
    expect(queue.cancelled).toBe(1);
    expect(entries.map((entry) => entry.isScheduled)).toEqual([false, false, true, true]);
  });

  test('forgets all with clear', () => {
    const queue = queueOf(10, 5);
    const [entry] = queue;
    queue.clear();
    expect([queue.length, queue.cancelled, entry?._sequence]).toEqual([0, 0, NOT_SCHEDULED]);
  });
});
