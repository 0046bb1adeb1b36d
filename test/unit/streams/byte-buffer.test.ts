import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { ByteBuffer } from '../../../src/streams/byte-buffer.ts';
import { bytes, text } from './support.ts';

function bufferOf(...chunks: string[]): ByteBuffer {
  const buffer = new ByteBuffer();
  for (const chunk of chunks) buffer.push(bytes(chunk));
  return buffer;
}

/** A buffer beside one list of bytes, which does the same. */
interface Model {
  all: number[];
}

class Command implements fc.Command<Model, ByteBuffer> {
  readonly #name: string;
  readonly #run: (model: Model, buffer: ByteBuffer) => void;

  constructor(name: string, run: (model: Model, buffer: ByteBuffer) => void) {
    this.#name = name;
    this.#run = run;
  }

  check(): boolean {
    return true;
  }

  run(model: Model, buffer: ByteBuffer): void {
    this.#run(model, buffer);
    expect(buffer.length).toBe(model.all.length);
  }

  toString(): string {
    return this.#name;
  }
}

/** Few different bytes, so that sequences are often found, and often nearly. */
const someBytes = (constraints: { minLength?: number; maxLength: number }) =>
  fc.array(fc.integer({ min: 0, max: 2 }), constraints);

/** Where a sequence begins in a list: the slow way. */
function indexIn(list: readonly number[], sequence: readonly number[], from: number): number {
  for (let at = from; at + sequence.length <= list.length; at++)
    if (sequence.every((byte, i) => list[at + i] === byte)) return at;
  return -1;
}

const commands = [
  someBytes({ maxLength: 12 }).map(
    (chunk) =>
      new Command(`push(${chunk})`, (model, buffer) => {
        model.all.push(...chunk);
        buffer.push(Uint8Array.from(chunk));
      }),
  ),
  fc.nat(20).map(
    (count) =>
      new Command(`take(${count})`, (model, buffer) => {
        expect([...buffer.take(count)]).toEqual(model.all.splice(0, count));
      }),
  ),
  fc.tuple(someBytes({ minLength: 1, maxLength: 4 }), fc.nat(30)).map(
    ([sequence, from]) =>
      new Command(`indexOf(${sequence}, ${from})`, (model, buffer) => {
        expect(buffer.indexOf(Uint8Array.from(sequence), from)).toBe(indexIn(model.all, sequence, from));
      }),
  ),
  fc.tuple(someBytes({ minLength: 1, maxLength: 3 }), fc.nat(20), fc.nat(40)).map(
    ([sequence, from, end]) =>
      new Command(`indexOf(${sequence}, ${from}, ${end})`, (model, buffer) => {
        const before = Math.min(end, model.all.length);
        const expected = indexIn(model.all.slice(0, before), sequence, from);
        expect(buffer.indexOf(Uint8Array.from(sequence), from, before)).toBe(expected);
      }),
  ),
  fc.constant(
    new Command('takeChunk()', (model, buffer) => {
      const chunk = buffer.takeChunk();
      expect(chunk === null).toBe(model.all.length === 0);
      expect([...(chunk ?? [])]).toEqual(model.all.splice(0, chunk?.length ?? 0));
    }),
  ),
  fc.constant(
    new Command('takeAll()', (model, buffer) => {
      expect([...buffer.takeAll()]).toEqual(model.all.splice(0));
    }),
  ),
  fc.constant(
    new Command('clear()', (model, buffer) => {
      model.all = [];
      buffer.clear();
    }),
  ),
];

describe('a buffer of bytes', () => {
  it('does what one list of bytes would do', () => {
    fc.assert(
      fc.property(fc.commands(commands, { maxCommands: 60, size: 'max' }), (steps) => {
        fc.modelRun(() => ({ model: { all: [] }, real: new ByteBuffer() }), steps);
      }),
      { numRuns: 500 },
    );
  });

  it('keeps doing so over hundreds of chunks, and drops those that are taken', () => {
    const buffer = new ByteBuffer();
    let pushed = 0;
    let taken = 0;
    for (let round = 0; round < 1_000; round++) {
      for (let i = 0; i < 3; i++) buffer.push(Uint8Array.of(pushed++ % 251));
      for (const byte of buffer.take(2)) expect(byte).toBe(taken++ % 251);
    }
    expect(buffer.length).toBe(1_000);
    for (const byte of buffer.takeAll()) expect(byte).toBe(taken++ % 251);
    expect(buffer.takeChunk()).toBeNull();
  });

  it('finds nothing when it is empty', () => {
    expect(bufferOf().indexOf(bytes('a'))).toBe(-1);
    expect(bufferOf('').indexOf(bytes('a'))).toBe(-1);
  });

  it('finds a sequence that lies over many chunks', () => {
    expect(bufferOf('xa', 'b', 'c', 'dx').indexOf(bytes('abcd'))).toBe(1);
    expect(bufferOf('ab', 'ab', 'ac').indexOf(bytes('abac'))).toBe(2);
  });

  it('gives views of a chunk, and copies only what lies in several', () => {
    const chunk = bytes('abcdef');
    const buffer = new ByteBuffer();
    buffer.push(chunk);
    const part = buffer.take(3);
    expect(part.buffer).toBe(chunk.buffer);
    expect(text(part)).toBe('abc');
    expect(buffer.takeAll().buffer).toBe(chunk.buffer);
    buffer.push(chunk);
    buffer.push(chunk);
    expect(buffer.take(7).buffer).not.toBe(chunk.buffer);
  });

  it('gives a whole chunk as it is', () => {
    const chunk = bytes('abc');
    const buffer = new ByteBuffer();
    buffer.push(chunk);
    expect(buffer.take(3)).toBe(chunk);
  });

  it('takes nothing for a count of zero or less', () => {
    const buffer = bufferOf('ab');
    expect(text(buffer.take(0))).toBe('');
    expect(text(buffer.take(-1))).toBe('');
    expect(buffer.length).toBe(2);
  });
});

describe('the work of a buffer of bytes', () => {
  /** How many bytes are copied meanwhile. */
  function copied(work: () => void): number {
    let count = 0;
    const set = Uint8Array.prototype.set;
    const spy = vi.spyOn(Uint8Array.prototype, 'set').mockImplementation(function (
      this: Uint8Array,
      source: ArrayLike<number>,
      at?: number,
    ) {
      count += source.length;
      set.call(this, source, at);
    });
    try {
      work();
    } finally {
      spy.mockRestore();
    }
    return count;
  }

  /** How many chunks are searched meanwhile. */
  function searched(work: () => void): number {
    const spy = vi.spyOn(Uint8Array.prototype, 'indexOf');
    try {
      work();
      return spy.mock.calls.length;
    } finally {
      spy.mockRestore();
    }
  }

  it('copies each byte once when one large piece is taken of many chunks', () => {
    const buffer = new ByteBuffer();
    for (let i = 0; i < 100; i++) buffer.push(new Uint8Array(1_000));
    expect(copied(() => buffer.take(100_000))).toBe(100_000);
  });

  it('copies each byte twice when the chunks are small and many', () => {
    const buffer = new ByteBuffer();
    const count = copied(() => {
      for (let i = 0; i < 10_000; i++) buffer.push(bytes('0123456789'));
      buffer.take(100_000);
    });
    expect(count).toBeGreaterThan(150_000);
    expect(count).toBeLessThanOrEqual(200_000);
  });

  it('joins small chunks while many wait, so that they need no more memory than their bytes', () => {
    const buffer = new ByteBuffer();
    for (let i = 0; i < 100_000; i++) buffer.push(Uint8Array.of(i % 251));
    const chunks: Uint8Array[] = [];
    for (let chunk = buffer.takeChunk(); chunk !== null; chunk = buffer.takeChunk()) chunks.push(chunk);
    expect(chunks.length).toBeLessThan(64 + 100_000 / 4_096 + 1);
    const all = chunks.flatMap((chunk) => [...chunk]);
    expect(all.length).toBe(100_000);
    expect(all.every((byte, i) => byte === i % 251)).toBe(true);
  });

  it('does so whatever is taken in between, and never changes bytes that were taken', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 1, max: 700 }), fc.nat(300)), { minLength: 200, maxLength: 600 }),
        (steps) => {
          const buffer = new ByteBuffer();
          const taken: Uint8Array[] = [];
          let pushed = 0;
          for (const [size, count] of steps) {
            buffer.push(Uint8Array.from({ length: size % 7 === 0 ? size : (size % 20) + 1 }, () => pushed++ % 251));
            if (count % 3 === 0) taken.push(buffer.take(count % 20));
          }
          taken.push(buffer.takeAll());
          let at = 0;
          for (const part of taken) for (const byte of part) if (byte !== at++ % 251) return false;
          return at === pushed;
        },
      ),
      { numRuns: 100 },
    );
  });

  it('copies nothing when many pieces are taken of one large chunk', () => {
    const buffer = new ByteBuffer();
    buffer.push(new Uint8Array(100_000));
    expect(
      copied(() => {
        for (let i = 0; i < 10_000; i++) buffer.take(10);
      }),
    ).toBe(0);
  });

  it('searches only one chunk for bytes that are in the first one, however many follow', () => {
    const buffer = new ByteBuffer();
    for (let i = 0; i < 1_000; i++) buffer.push(bytes('line\n'));
    const looks = searched(() => {
      buffer.take(1);
      while (buffer.length > 0) buffer.take(buffer.indexOf(bytes('\n')) + 1);
    });
    expect(looks).toBe(1_000);
  });

  it('does not walk over all its chunks to find the first one', () => {
    let lengths = 0;
    const buffer = new ByteBuffer();
    for (let i = 0; i < 300; i++) {
      const get = () => {
        lengths++;
        return 5;
      };
      buffer.push(Object.defineProperty(bytes('line\n'), 'length', { get }));
    }
    lengths = 0;
    while (buffer.length > 0) buffer.take(buffer.indexOf(bytes('\n')) + 1);
    expect(lengths).toBeLessThan(300 * 20); // all chunks each time would be 300 * 150
  });

  it('does not look behind the end that it is given', () => {
    const buffer = new ByteBuffer();
    const chunk = new Uint8Array(1_000);
    buffer.push(chunk);
    const indexOf = vi.spyOn(Uint8Array.prototype, 'indexOf');
    expect(buffer.indexOf(bytes('\n'), 10, 20)).toBe(-1);
    expect(indexOf.mock.contexts.map((part) => (part as Uint8Array).length)).toEqual([20]);
    indexOf.mockRestore();
  });

  it('searches only a new chunk when the position of the last search is given', () => {
    const buffer = new ByteBuffer();
    const looks = searched(() => {
      for (let i = 0; i < 1_000; i++) {
        const from = buffer.length;
        buffer.push(bytes('abc'));
        buffer.indexOf(bytes('\n'), from);
      }
    });
    expect(looks).toBe(1_000);
  });
});
