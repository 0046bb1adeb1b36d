import { WaitingError } from 'bullmq';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { writeAgain } from '../../../src/bullmq/write-again.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
});
afterEach(() => {
  vi.useRealTimers();
});

/** A write that fails with these errors, one after the other, and then succeeds. */
function failing(...errors: readonly unknown[]) {
  const left = [...errors];
  return vi.fn(async () => {
    if (left.length > 0) throw left.shift();
    return 'written';
  });
}

/** As PostgreSQL says it while it is stopped or started: BullMQ takes neither for an error of the connection. */
const stopping = Object.assign(new Error('terminating connection due to administrator command'), { code: '57P01' });
const starting = Object.assign(new Error('the database system is starting up'), { code: '57P03' });

describe('what a job has come to', () => {
  it('is written again until the store is back', async () => {
    const write = failing(stopping, new Error('Connection terminated unexpectedly'), starting);
    const writing = writeAgain(write, 30);
    await vi.advanceTimersByTimeAsync(1_500);
    expect(await writing).toBe('written');
    expect(write).toHaveBeenCalledTimes(4);
  });

  it('is not written again when the store refuses: the job belongs to another worker', async () => {
    const refused = Object.assign(new Error('Missing lock for job 7. moveToFinished'), { code: -2 });
    const write = failing(starting, refused);
    const writing = expect(writeAgain(write, 30)).rejects.toBe(refused);
    await vi.advanceTimersByTimeAsync(5_000);
    await writing;
    expect(write).toHaveBeenCalledTimes(2);
  });

  it('is given up when the lock has ended: BullMQ is told to leave the job as it is, not to store it as failed', async () => {
    const write = vi.fn(() => Promise.reject(starting));
    const writing = expect(writeAgain(write, 2)).rejects.toBeInstanceOf(WaitingError);
    await vi.advanceTimersByTimeAsync(2_000);
    await writing;
    expect(write).toHaveBeenCalledTimes(5);
  });
});
