import { ValueError } from '../../errors/errors.ts';
import { describe } from '../../internal/describe.ts';
import type { Host } from '../runtime/host.ts';
import { logger } from '../runtime/platform.ts';

/** A host's clock as the loop needs it: one that never goes back. */
export class Clock {
  readonly #host: Host;
  #last = Number.NEGATIVE_INFINITY;
  #hasComplained = false;

  constructor(host: Host) {
    this.#host = host;
  }

  /**
   * The last reading, in seconds. Where only the order of deadlines matters it is as good as a new reading, which takes
   * time.
   */
  get last(): number {
    return this.#last;
  }

  /**
   * The present time in seconds; the last reading if the host's clock has gone back.
   *
   * @throws {ValueError} when the host does not give a number
   */
  now(): number {
    const time = this.#host.time();
    if (typeof time === 'number' && time >= this.#last) {
      this.#last = time;
      return time;
    }
    return this.#goOnWithLast(time);
  }

  /** Forgets the last reading: the host's clock begins anew, for another program. */
  rewind(): void {
    this.#last = Number.NEGATIVE_INFINITY;
  }

  #goOnWithLast(time: number): number {
    if (typeof time !== 'number' || Number.isNaN(time)) {
      throw new ValueError(`The host's time() must return a number of seconds, got ${describe(time)}`, {
        code: 'BAD_CLOCK',
      });
    }
    if (!this.#hasComplained) {
      this.#hasComplained = true;
      logger.warn(
        `The clock of the event loop's host went back from ${this.#last} to ${time} seconds; ` +
          'the loop goes on with the later time until the clock has caught up. Host.time() must be monotonic.',
      );
    }
    return this.#last;
  }
}
