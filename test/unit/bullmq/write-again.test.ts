import { WaitingError } from 'bullmq';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type Completing, completeAgain, writeAgain } from '../../../src/bullmq/write-again.ts';

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

/** The worker keeps its connections. */
function open(seconds: number) {
  return { seconds, isClosed: () => false };
}

/** As PostgreSQL says it while it is stopped or started: BullMQ takes neither for an error of the connection. */
const stopping = Object.assign(new Error('terminating connection due to administrator command'), { code: '57P01' });
const starting = Object.assign(new Error('the database system is starting up'), { code: '57P03' });

describe('what a job has come to', () => {
  it('is written again until the store is back', async () => {
    const write = failing(stopping, new Error('Connection terminated unexpectedly'), starting);
    const writing = writeAgain(write, open(30));
    await vi.advanceTimersByTimeAsync(1_500);
    expect(await writing).toBe('written');
    expect(write).toHaveBeenCalledTimes(4);
  });

  it('is not written again when the store refuses: the job belongs to another worker', async () => {
    const refused = Object.assign(new Error('Missing lock for job 7. moveToFinished'), { code: -2 });
    const write = failing(starting, refused);
    const writing = expect(writeAgain(write, open(30))).rejects.toBe(refused);
    await vi.advanceTimersByTimeAsync(5_000);
    await writing;
    expect(write).toHaveBeenCalledTimes(2);
  });

  it('is given up when the lock has ended: BullMQ is told to leave the job as it is, not to store it as failed', async () => {
    const write = vi.fn(() => Promise.reject(starting));
    const writing = expect(writeAgain(write, open(2))).rejects.toBeInstanceOf(WaitingError);
    await vi.advanceTimersByTimeAsync(2_000);
    await writing;
    expect(write).toHaveBeenCalledTimes(5);
  });

  it('is given up when the worker has closed its connections, long before the lock has ended', async () => {
    let isClosed = false;
    const write = vi.fn(() => Promise.reject(stopping));
    const writing = expect(writeAgain(write, { seconds: 3_600, isClosed: () => isClosed })).rejects.toBeInstanceOf(
      WaitingError,
    );
    await vi.advanceTimersByTimeAsync(700);
    isClosed = true;
    await vi.advanceTimersByTimeAsync(500);
    await writing;
    expect(write).toHaveBeenCalledTimes(3);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('the result of a job', () => {
  it('is written again without a next job: the worker may not take any more by then', async () => {
    const write = failing(stopping, starting);
    const moveToCompleted = vi.fn<Completing['moveToCompleted']>(() => write());
    const job: Completing = { moveToCompleted };
    completeAgain(job, open(30));
    const writing = job.moveToCompleted('done', 'token', true);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await writing).toBe('written');
    expect(moveToCompleted.mock.calls).toEqual([
      ['done', 'token', true],
      ['done', 'token', false],
      ['done', 'token', false],
    ]);
  });
});
