import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Heap } from '../../../src/internal/heap.ts';

type Operation = { readonly push: number } | { readonly keepMultiplesOf: number } | 'pop' | 'clear';

const operations: fc.Arbitrary<Operation[]> = fc.array(
  fc.oneof(
    { weight: 12, arbitrary: fc.record({ push: fc.integer({ min: 0, max: 99 }) }) },
    { weight: 4, arbitrary: fc.constant('pop' as const) },
    { weight: 1, arbitrary: fc.record({ keepMultiplesOf: fc.constantFrom(2, 3) }) },
    { weight: 1, arbitrary: fc.constant('clear' as const) },
  ),
  { size: 'large', maxLength: 200 },
);

/** A heap of numbers beside a sorted array to which the same is done. */
class Pair {
  readonly heap = new Heap<number>((a, b) => a < b);
  model: number[] = [];

  apply(operation: Operation): void {
    if (operation === 'clear') {
      this.heap.clear();
      this.model = [];
    } else if (operation === 'pop') {
      if (this.model.length > 0) expect(this.heap.pop()).toBe(this.model.shift());
    } else if ('push' in operation) {
      this.heap.push(operation.push);
      this.model = [...this.model, operation.push].sort((a, b) => a - b);
    } else {
      const isKept = (item: number) => item % operation.keepMultiplesOf === 0;
      this.heap.filter(isKept);
      this.model = this.model.filter(isKept);
    }
  }

  check(): void {
    expect(this.heap.length).toBe(this.model.length);
    if (this.model.length > 0) expect(this.heap.peek()).toBe(this.model[0]);
    expect([...this.heap].sort((a, b) => a - b)).toEqual(this.model);
  }
}

describe('a heap', () => {
  test('behaves as a sorted array does, whatever is done to it', () => {
    fc.assert(
      fc.property(operations, (operations) => {
        const pair = new Pair();
        for (const operation of operations) {
          pair.apply(operation);
          pair.check();
        }
        while (pair.model.length > 0) pair.apply('pop');
        pair.check();
      }),
    );
  });

  test('gives a changed first item its place anew', () => {
    fc.assert(
      fc.property(fc.array(fc.integer(), { minLength: 1 }), fc.array(fc.nat()), (values, increments) => {
        const heap = new Heap<{ value: number }>((a, b) => a.value < b.value);
        for (const value of values) heap.push({ value });
        for (const increment of increments) {
          heap.peek().value += increment;
          heap.sinkFirst();
          expect(heap.peek().value).toBe(Math.min(...Array.from(heap, ({ value }) => value)));
        }
      }),
    );
  });

  test.each(['push', 'pop'] as const)('is as it was when the order throws during %s', (method) => {
    fc.assert(
      fc.property(fc.array(fc.integer(), { minLength: 3 }), fc.nat({ max: 5 }), (items, comparisons) => {
        let left = Number.POSITIVE_INFINITY;
        const heap = new Heap<number>((a, b) => {
          if (left-- === 0) throw new Error('incomparable');
          return a < b;
        });
        for (const item of items) heap.push(item);
        const before = [...heap];
        left = comparisons;
        let threw = false;
        try {
          if (method === 'push') heap.push(0);
          else heap.pop();
        } catch {
          threw = true;
        }
        if (threw) expect([...heap]).toEqual(before);
      }),
    );
  });
});
