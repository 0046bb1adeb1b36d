// The work: plain functions. A worker serves them, a client names them, and a test calls them.

import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import process from 'node:process';
import { sleep } from 'asyncio-ts';
import { reportProgress } from 'asyncio-ts/distributed';
import { decode, encode } from './png.ts';
import { scale, sizeFor } from './scale.ts';

/**
 * Makes a smaller picture of a file. Making it twice does no harm: the new file appears when it is complete, under its name.
 *
 * @returns its width and height
 */
export async function thumbnail(source: string, target: string, widest: number): Promise<[number, number]> {
  const picture = await decode(await readFile(source));
  const [, lines] = sizeFor(picture, widest);
  const steps = scale(picture, widest);
  let step = steps.next();
  for (let told = 0; !step.done; step = steps.next()) {
    const share = step.value / lines;
    if (share - told >= 0.1) {
      reportProgress(share);
      told = share;
    }
    await sleep(0); // here a cancellation comes through, and the worker can say that it is alive
  }
  const { width, height } = step.value;
  const part = `${target}.${process.pid}.part`;
  try {
    await writeFile(part, await encode(step.value));
    await rename(part, target);
  } finally {
    await rm(part, { force: true });
  }
  return [width, height];
}
