import { EventLoop } from 'asyncio-ts';
import { VirtualHost } from 'asyncio-ts/testing';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Part, parts, type Spelling } from '../../../examples/tour/programs.ts';

beforeEach(() => {
  vi.spyOn(console, 'log').mockImplementation(() => {});
});
afterEach(() => {
  vi.restoreAllMocks();
});

/** Runs a program in simulated time. */
async function runVirtually(part: Part, spelling: Spelling) {
  const host = new VirtualHost();
  const result = await part.start[spelling](() => new EventLoop({ host }));
  return { result, seconds: Number(host.time().toFixed(6)) };
}

describe.each(['async', 'generators'] as const)('the tutorial, spelled with %s', (spelling) => {
  // The time of one that needs something real, such as a thread, is up to the machine; see threads.test.ts.
  const timed = parts.filter((part) => part.seconds !== null);

  it.each(timed)('$title: gives its result, in $seconds s', async (part) => {
    expect(await runVirtually(part, spelling)).toEqual({ result: part.result, seconds: part.seconds });
  });

  it('does the same when all of its programs run side by side, each on a loop of its own', async () => {
    const outcomes = await Promise.all(timed.map((part) => runVirtually(part, spelling)));
    expect(outcomes).toEqual(timed.map(({ result, seconds }) => ({ result, seconds })));
  });
});
