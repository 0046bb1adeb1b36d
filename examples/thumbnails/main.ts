// Thumbnails of a folder of PNG files, made by three workers on this machine. After Ctrl-C, no process and no half file is left.
//
//     node examples/thumbnails/main.ts pictures --make 40 --engine redis://127.0.0.1:6379 --kill

import path from 'node:path';
import process from 'node:process';
import { parseArgs } from 'node:util';
import { KeyboardInterrupt, run } from 'asyncio-ts';
import { DistributedExecutor } from 'asyncio-ts/distributed';
import { Bars } from './bars.ts';
import { Crew } from './crew.ts';
import { engineOf, QUEUE } from './engine.ts';
import { makeAll, picturesIn } from './make.ts';
import { makePictures } from './pictures.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    engine: { type: 'string', default: 'redis://127.0.0.1:6379' },
    workers: { type: 'string', default: '3' },
    width: { type: 'string', default: '160' },
    output: { type: 'string' },
    make: { type: 'string' },
    kill: { type: 'boolean', default: false },
  },
});
const folder = positionals[0] ?? 'pictures';

async function main(): Promise<void> {
  if (values.make !== undefined) await makePictures(folder, Number(values.make));
  const names = await picturesIn(folder);
  const workers = Number(values.workers);
  const engine = await engineOf(values.engine);
  const bars = new Bars(process.stdout, names.length);
  await using crew = await Crew.start(workers, values.engine);
  await using pool = new DistributedExecutor({ engine, queue: QUEUE });
  let over = 0;
  try {
    await makeAll(pool, names, {
      folder,
      output: values.output ?? path.join(folder, 'thumbnails'),
      widest: Number(values.width),
      bars,
      isDurable: engine.features.durable,
      // More than there are workers, so that each finds the next one waiting.
      limit: Math.max(workers, 3) * 2,
      onOver() {
        if (++over === Math.ceil(names.length / 3) && values.kill) bars.say(`killed worker ${crew.killOne()}`);
      },
    });
  } finally {
    bars.end();
    console.log(bars.summary);
  }
}

try {
  await run(main);
} catch (error) {
  const isInterrupted = error instanceof KeyboardInterrupt;
  if (isInterrupted) console.log('interrupted');
  else console.error(`thumbnails: ${(error as Error).message}`);
  process.exitCode = isInterrupted ? 130 : 1;
}
