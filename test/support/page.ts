import { setEventLoop } from 'asyncio-ts';
import type { Window } from 'happy-dom';
import { onTestFinished } from 'vitest';
import { type ManualLoop, manualLoop } from './loops.ts';

/** The document of the test's environment. */
export const { document } = globalThis as unknown as { readonly document: Window['document'] };

/** A page whose loop is on a clock that the test moves. */
export interface PageLoop extends ManualLoop {
  /** Lets time go by, in seconds, with everything that is due in it. */
  pass(seconds: number): Promise<void>;
}

/** Makes the loop of the page one whose clock the test moves, until the test has finished. */
export function pageLoop(): PageLoop {
  const made = manualLoop();
  setEventLoop(made.loop);
  onTestFinished(() => setEventLoop(null));
  const { host, drain } = made;
  const pass = async (seconds: number): Promise<void> => {
    const end = host.time() + seconds;
    await drain();
    for (let { wantedAt } = host; wantedAt !== null && wantedAt <= end; { wantedAt } = host) {
      host.advance(wantedAt - host.time());
      await drain();
    }
    host.advance(end - host.time());
    await drain();
  };
  return { ...made, pass };
}
