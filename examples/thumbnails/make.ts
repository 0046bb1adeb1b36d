// The client: hands out the pictures of a folder, and shows how far they are.

import { mkdir, readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { createTask, rethrowIfCancelled, taskGroup } from 'asyncio-ts';
import { type DistributedExecutor, moduleFunctions, WorkerLost } from 'asyncio-ts/distributed';
import type { Bars } from './bars.ts';

/** A name, not a path: on another machine the file is elsewhere. */
const { thumbnail } = moduleFunctions<typeof import('./work.ts')>('app:thumbnails');

export interface Making {
  readonly folder: string;
  readonly output: string;
  readonly widest: number;
  readonly bars: Bars;
  /** Whether the engine gives a job to another worker when one is lost, and carries progress. */
  readonly isDurable: boolean;
  /** How many pictures at once. */
  readonly limit: number;
  /** Called when a picture is over. */
  onOver?(): void;
}

/** The pictures of a folder. */
export async function picturesIn(folder: string): Promise<string[]> {
  return (await readdir(folder)).filter((name) => name.toLowerCase().endsWith('.png')).sort();
}

/** Makes them all. One that cannot be made does not keep the others from being made. */
export async function makeAll(pool: DistributedExecutor, names: readonly string[], making: Making): Promise<void> {
  await mkdir(making.output, { recursive: true });
  try {
    await taskGroup(
      async (group) => {
        for (const name of names) group.createTask(() => makeOne(pool, name, making), { name });
      },
      { limit: making.limit },
    );
  } finally {
    // Workers clean up when they are cancelled, but not when they are killed.
    const parts = (await readdir(making.output)).filter((name) => name.endsWith('.part'));
    for (const part of parts) await rm(path.join(making.output, part), { force: true });
  }
}

async function makeOne(pool: DistributedExecutor, name: string, making: Making): Promise<void> {
  const { bars } = making;
  try {
    for (let attempt = 1; ; attempt++) {
      try {
        await attemptOne(pool, name, making);
        break;
      } catch (error) {
        // Over NATS nothing is started a second time. A thumbnail may be, so that is said here.
        if (!(error instanceof WorkerLost) || making.isDurable || attempt === 3) throw error;
        bars.say(`${name}: its worker is lost, once more`);
      }
    }
    bars.over(name);
  } catch (error) {
    rethrowIfCancelled(error);
    bars.over(name, (error as Error).message);
  }
  making.onOver?.();
}

/** Cancelling this cancels the job, and waits until its worker has cleaned up. */
async function attemptOne(pool: DistributedExecutor, name: string, making: Making): Promise<void> {
  const { folder, output, widest, bars, isDurable } = making;
  const submitter = isDurable ? pool.with({ retries: 2 }) : pool;
  const job = submitter.submit(thumbnail, path.resolve(folder, name), path.resolve(output, name), widest);
  bars.progress(name, 0);
  const watch = isDurable
    ? createTask(async () => {
        for await (const share of job.progress()) bars.progress(name, Number(share));
      })
    : null;
  try {
    await job;
  } finally {
    watch?.cancel();
  }
}
