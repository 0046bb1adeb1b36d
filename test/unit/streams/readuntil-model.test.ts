import { type EventLoop, IncompleteReadError, LimitOverrunError, run } from 'asyncio-ts';
import { StreamReader } from 'asyncio-ts/node';
import { VirtualHost } from 'asyncio-ts/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { virtualLoop } from '../../support/loops.ts';
import { bytes, rest, text } from './support.ts';

/** What reading a text up to separators gives: the slow way. `null` for a text that has none of them. */
function firstPart(whole: string, separators: readonly string[]): { start: number; end: number } | null {
  for (let end = 1; end <= whole.length; end++) {
    const ending = separators.filter((one) => whole.slice(0, end).endsWith(one));
    if (ending.length > 0) return { start: end - Math.min(...ending.map((one) => one.length)), end };
  }
  return null;
}

/** A text cut at some places. */
const chunked = fc
  .array(fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 6 }), { maxLength: 12 })
  .map((chunks) => ({ chunks, whole: chunks.join('') }));

const separators = fc.array(fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 1, maxLength: 4 }), {
  minLength: 1,
  maxLength: 3,
});

/** Runs a reading task while chunks come, one in each turn of the loop. */
async function whileFed<T>(
  chunks: readonly string[],
  limit: number,
  work: (reader: StreamReader) => Promise<T>,
): Promise<T> {
  const host = new VirtualHost();
  return run(
    async (): Promise<T> => {
      const reader = new StreamReader({ limit });
      const task = loop!.createTask(() => work(reader));
      const feed = (index: number) => {
        if (index === chunks.length) return reader.feedEof();
        reader.feedData(bytes(chunks[index]!));
        loop!.callSoon(feed, index + 1);
      };
      loop!.callSoon(feed, 0);
      return await task;
    },
    {
      loopFactory: () => {
        loop = virtualLoop().loop;
        void host;
        return loop;
      },
    },
  );
}

let loop: EventLoop | null = null;

describe('readuntil', () => {
  it('gives the same parts however the text is cut into chunks, and whatever the separators are', async () => {
    await fc.assert(
      fc.asyncProperty(chunked, separators, async ({ chunks, whole }, list) => {
        const expected: string[] = [];
        let left = whole;
        for (let match = firstPart(left, list); match !== null; match = firstPart(left, list)) {
          expected.push(left.slice(0, match.end));
          left = left.slice(match.end);
        }
        const parts: string[] = [];
        const error = await whileFed(chunks, 1_000, async (reader) => {
          try {
            while (true) parts.push(text(await reader.readuntil(list)));
          } catch (error) {
            return error;
          }
        });
        expect(parts).toEqual(expected);
        expect(error).toBeInstanceOf(IncompleteReadError);
        expect(text((error as IncompleteReadError).partial)).toBe(left);
      }),
      { numRuns: 300 },
    );
  });

  it('loses nothing when the limit is passed, and never skips a separator', async () => {
    await fc.assert(
      fc.asyncProperty(chunked, separators, fc.integer({ min: 1, max: 8 }), async ({ chunks, whole }, list, limit) => {
        const got = await whileFed(chunks, limit, async (reader) => {
          let all = '';
          while (true) {
            try {
              const part = text(await reader.readuntil(list));
              const match = firstPart(part, list);
              expect(match?.end).toBe(part.length);
              expect(match!.start).toBeLessThanOrEqual(limit);
              all += part;
            } catch (error) {
              if (error instanceof IncompleteReadError) return all + text(error.partial);
              expect(error).toBeInstanceOf(LimitOverrunError);
              const { consumed } = error as LimitOverrunError;
              expect(consumed).toBeGreaterThan(limit);
              const dropped = text(await reader.readexactly(consumed));
              expect(firstPart(dropped, list)).toBeNull();
              all += dropped;
            }
          }
        });
        expect(got).toBe(whole);
      }),
      { numRuns: 300 },
    );
  });

  it('and all other reads together lose and reorder no byte', async () => {
    const reads = fc.array(fc.oneof(fc.constant('line'), fc.constant('until'), fc.nat(7)), { maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(chunked, reads, fc.integer({ min: 1, max: 10 }), async ({ chunks, whole }, kinds, limit) => {
        const got = await whileFed(chunks, limit, async (reader) => {
          let all = '';
          for (const kind of kinds) {
            try {
              if (kind === 'line') all += text(await reader.lines({ keepEnds: true }).next().then(lineBytes));
              else if (kind === 'until') all += text(await reader.readuntil(['ab', 'c']));
              else all += text(await (kind % 2 ? reader.readexactly(kind) : reader.read(kind)));
            } catch (error) {
              if (error instanceof IncompleteReadError) all += text(error.partial);
              else if (!(error instanceof LimitOverrunError)) return null; // a line was dropped, as it should be
            }
          }
          return all + text(await reader.read()) + rest(reader);
        });
        if (got !== null) expect(got).toBe(whole);
        else expect(whole.length).toBeGreaterThan(limit);
      }),
      { numRuns: 300 },
    );
  });
});

function lineBytes(step: IteratorResult<string, undefined>): Uint8Array {
  return bytes(step.value ?? '');
}
