import { format } from 'node:util';
import { addInstrument, newEventLoop } from 'asyncio-ts';
import type { Part, Spelling } from './programs.ts';
import type { Recorder } from './recorder.ts';

/** How a program went. */
export interface Outcome {
  readonly part: Part;
  readonly spelling: Spelling;
  readonly seconds: number;
  readonly ended: { readonly result: unknown } | { readonly error: unknown };
}

/** Runs programs side by side, each on a loop of its own, all on this thread. */
export async function play(parts: readonly Part[], spelling: Spelling, recorder: Recorder): Promise<Outcome[]> {
  const removeInstrument = addInstrument(recorder);
  const { log } = console;
  // They print as they do when they run alone; here their words have to be put beside what runs.
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
