import { CancelledError, createTask, ExceptionGroup, getRunningLoop, sleep, taskGroup } from 'asyncio-ts';
import { expect, test } from 'vitest';
import { every, everyAsGenerator } from '../../../examples/recipes/periodic-jobs/every.ts';
import { describeBoth, runVirtually } from '../../support/spellings.ts';

const rounded = (time: number): number => Math.round(time * 1_000) / 1_000;

describeBoth('every', (s) => {
  const periodically = s.name === 'generator' ? everyAsGenerator : every;

  /** When a job begins that takes so long each time, within some seconds. */
  async function beginnings(period: number, lengths: readonly number[], within: number): Promise<number[]> {
    const began: number[] = [];
    const main = async (): Promise<void> => {
      const task = createTask(() =>
        periodically(period, async () => {
          began.push(rounded(getRunningLoop().time()));
          await sleep(lengths[began.length - 1] ?? 0);
        }),
      );
      await sleep(within);
      task.cancel();
      await Promise.allSettled([task]);
      expect(task.cancelled()).toBe(true);
    };
    await runVirtually(main);
    return began;
  }

  test('begins at whole periods, whatever the job takes', async () => {
    expect(await beginnings(10, [3, 9, 0, 1], 45)).toEqual([10, 20, 30, 40]);
  });

  test('leaves out the times that pass while the job runs, and never overlaps', async () => {
    expect(await beginnings(10, [25, 10, 0], 75)).toEqual([10, 40, 50, 60, 70]);
  });

  test('does not drift in 10,000 periods of a tenth of a second', async () => {
    const began = await beginnings(0.1, Array(10_000).fill(0.03), 1_000.05);
    expect(began.length).toBe(10_000);
    expect(began.at(-1)).toBe(1_000);
  });

  test('ends with an error of the job, and with it its group', async () => {
    const main = async (): Promise<void> => {
      await taskGroup(async (group) => {
        group.createTask(() => periodically(1, () => Promise.reject(new RangeError('the disk is full'))));
        await sleep(60);
      });
    };
    const error = await runVirtually(main).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ExceptionGroup);
    expect((error as ExceptionGroup).errors.map(String)).toEqual(['RangeError: the disk is full']);
  });

  test('goes on after an error that is told', async () => {
    const told: string[] = [];
    const main = async (): Promise<void> => {
      const job = () => Promise.reject(new RangeError(`at ${getRunningLoop().time()}`));
      const task = createTask(() => periodically(1, job, (error) => told.push(String(error))));
      await sleep(3.5);
      task.cancel();
      await Promise.allSettled([task]);
    };
    await runVirtually(main);
    expect(told).toEqual(['RangeError: at 1', 'RangeError: at 2', 'RangeError: at 3']);
  });

  test('cancels the job that runs, and waits for its clean-up; the cancellation is no error that is told', async () => {
    const told: unknown[] = [];
    const main = async (): Promise<number> => {
      const job = async (): Promise<void> => {
        try {
          await sleep(60);
        } finally {
          await sleep(2);
        }
      };
      const task = createTask(() => periodically(1, job, (error) => told.push(error)));
      await sleep(3);
      task.cancel();
      await expect(Promise.resolve(task)).rejects.toBeInstanceOf(CancelledError);
      return getRunningLoop().time();
    };
    expect((await runVirtually(main)).result).toBe(5);
    expect(told).toEqual([]);
  });
});
