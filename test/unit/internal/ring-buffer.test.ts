import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RingBuffer } from '../../../src/internal/ring-buffer.ts';
import { collectGarbage } from '../../support/gc.ts';

/** What a program may do; many at a time, so that the buffer grows. */
type Operation =
  | { readonly push: number }
  | { readonly shift: number }
  | { readonly keepMultiplesOf: number }
  | 'clear';

const operations: fc.Arbitrary<Operation[]> = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.record({ push: fc.integer({ min: 1, max: 40 }) }) },
    { weight: 5, arbitrary: fc.record({ shift: fc.integer({ min: 1, max: 40 }) }) },
    { weight: 1, arbitrary: fc.record({ keepMultiplesOf: fc.integer({ min: 2, max: 5 }) }) },
    { weight: 1, arbitrary: fc.constant('clear' as const) },
  ),
  { maxLength: 30 },
);

/** A buffer of numbers beside an array to which the same is done. */
class Pair {
  readonly buffer = new RingBuffer<number>();
  model: number[] = [];
  #next = 0;

  apply(operation: Operation): void {
    if (operation === 'clear') {
      this.buffer.clear();
      this.model = [];
    } else if ('push' in operation) {
      for (let i = 0; i < operation.push; i++) {
        this.buffer.push(this.#next);
        this.model.push(this.#next++);
      }
    } else if ('keepMultiplesOf' in operation) {
      const isKept = (item: number) => item % operation.keepMultiplesOf === 0;
      this.buffer.filter(isKept);
      this.model = this.model.filter(isKept);
    } else {
      for (let i = 0; i < operation.shift && this.model.length > 0; i++) {
        expect(this.buffer.shift()).toBe(this.model.shift());
      }
    }
  }

  check(): void {
    expect(this.buffer.length).toBe(this.model.length);
    expect([...this.buffer]).toEqual(this.model);
    if (this.model.length > 0) expect(this.buffer.peek()).toBe(this.model[0]);
  }
}

describe('a ring buffer', () => {
  test('behaves as an array does, whatever is done to it', () => {
    fc.assert(
      fc.property(operations, (operations) => {
        const pair = new Pair();
        for (const operation of operations) {
          pair.apply(operation);
          pair.check();
        }
      }),
    );
  });

  test('keeps the order when it grows while it wraps around', () => {
    const pair = new Pair();
    for (const operation of [{ push: 16 }, { shift: 10 }, { push: 16 }, { push: 1_000 }, { shift: 1_022 }]) {
      pair.apply(operation);
      pair.check();
    }
  });

  test('keeps no reference to items that were taken out, and to none when it is cleared', async () => {
    const buffer = new RingBuffer<object>();
    const fill = () => {
      const objects = [{}, {}, {}];
      for (const object of objects) buffer.push(object);
      buffer.shift();
      buffer.filter((object) => object === objects[1]);
      return objects.map((object) => new WeakRef(object));
    };
    const [taken, left, dropped] = fill();
    await collectGarbage();
    expect([taken?.deref(), left?.deref(), dropped?.deref()]).toEqual([undefined, {}, undefined]);
    buffer.clear();
    await collectGarbage();
    expect(left?.deref()).toBe(undefined);
  });
});
