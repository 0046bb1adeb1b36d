import { appendFileSync } from 'node:fs';
import { sleep } from 'asyncio-ts';

/** What has happened to a job: a line in the file of a storm, in order of time for all processes. */
export interface Line {
  readonly what: 'start' | 'end' | 'clean' | 'torn' | 'over';
  readonly name: string;
  /** The worker; for `over` what the client was told. */
  readonly place: string;
}

/** One call, so that lines of several processes do not mix. */
export function note(file: string, { what, name, place }: Line): void {
  appendFileSync(file, `${what} ${name} ${place}\n`);
}

export function read(text: string): Line[] {
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => {
      const [what, name, place] = line.split(' ') as [Line['what'], string, string];
      return { what, name, place };
    });
}

/** The function of storms: it waits, and tells when it begins, when it has done its work, when it has cleaned up, and when it was cancelled twice. */
export type Stormy = (file: string, name: string, seconds: number) => Promise<string>;

/** How long it cleans up, in seconds. */
const CLEAN_UP = 0.02;

/** @param place what tells its worker from others */
export function stormyOf(place: string): Stormy {
  return async (file, name, seconds) => {
    note(file, { what: 'start', name, place });
    let isCancelled = false;
    try {
      await sleep(seconds);
      note(file, { what: 'end', name, place });
      return name;
    } catch (error) {
      isCancelled = true;
      throw error;
    } finally {
      let isWhole = !isCancelled; // a cancellation can come in the clean-up, too, if there was none before
      try {
        await sleep(CLEAN_UP);
        isWhole = true;
      } finally {
        if (!isWhole) note(file, { what: 'torn', name, place });
        note(file, { what: 'clean', name, place });
      }
    }
  };
}
