import { createTask, getRunningLoop, sleep } from 'asyncio-ts';
import { describe, expect, it } from 'vitest';
import { poll } from '../../../examples/page/src/poll.ts';
import { runVirtually } from '../../support/spellings.ts';

/** Polls for answers, of which `null` is a failure; gives when it has asked. */
async function timesOf(answers: readonly (number | null)[], seconds = 100): Promise<{ times: number[]; end: unknown }> {
  const times: number[] = [];
  const { result } = await runVirtually(async () => {
    const task = createTask(() =>
      poll(
        async () => {
          const answer = answers[times.length] ?? null;
          times.push(getRunningLoop().time());
          if (answer === null) throw new Error('busy');
          return { answer, isLast: answer === 100 };
        },
        () => {},
        { first: 1, longest: 8 },
      ),
    );
    await sleep(seconds);
    if (task.done()) return task.result();
    task.cancel();
    await sleep(0);
    return task.cancelled() ? 'cancelled' : 'goes on';
  });
  return { times, end: result };
}

describe('polling in the example page', () => {
  it('doubles its pauses while nothing changes, and asks soon again after news', async () => {
    expect(await timesOf([1, 1, 1, 2, 2, 100])).toEqual({
      times: [0, 1, 3, 7, 8, 10],
      end: { answer: 100, isLast: true },
    });
  });

  it('waits longer after each failure, up to the longest pause, and ends only when it is cancelled', async () => {
    expect(await timesOf([], 40)).toEqual({ times: [0, 2, 6, 14, 22, 30, 38], end: 'cancelled' });
  });
});
