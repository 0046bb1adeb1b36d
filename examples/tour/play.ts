import { format } from 'node:util';
import { addInstrument, newEventLoop } from 'asyncio-ts';
import type { Part, Spelling } from './programs.ts';
import type { Recorder } from './recorder.ts';

/** The outcome of a program. */
export interface Outcome {
  readonly part: Part;
  readonly spelling: Spelling;
  readonly seconds: number;
  readonly ended: { readonly result: unknown } | { readonly error: unknown };
}

/** Runs programs concurrently, each on its own loop, all on this thread. */
export async function play(parts: readonly Part[], spelling: Spelling, recorder: Recorder): Promise<Outcome[]> {
  const removeInstrument = addInstrument(recorder);
  const { log } = console;
  // The programs print as if they ran alone; here each line has to be assigned to the program that printed it.
  console.log = (...words) => recorder.print(format(...words));
  try {
    return await Promise.all(parts.map((part) => playOne(part, spelling, recorder)));
  } finally {
    console.log = log;
    removeInstrument();
  }
}

async function playOne(part: Part, spelling: Spelling, recorder: Recorder): Promise<Outcome> {
  const watch = recorder.open(part.title);
  const begin = performance.now();
  const ended = await part.start[spelling](() => {
    const loop = newEventLoop();
    watch(loop);
    return loop;
  }).then(
    (result) => ({ result }),
    (error: unknown) => ({ error }),
  );
  return { part, spelling, seconds: (performance.now() - begin) / 1_000, ended };
}
