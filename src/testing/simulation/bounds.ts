import { checkSeconds, checkWholeNumber } from '../../internal/whole-number.ts';

/** How long a simulated program may take, in three ways. */
export interface Bounds {
  /** How long real work may take that it waits for, in real seconds. */
  readonly patience?: number | undefined;
  /** So many iterations without any time passing are a livelock. */
  readonly maxSteps?: number | undefined;
  /** So many timers that fire while the main task stands still mean that it is stuck. */
  readonly maxBeats?: number | undefined;
}

/** @throws {TypeError | ValueError} when a bound cannot be used: with `NaN` nothing would ever be found */
export function checkBounds(call: string, { patience = 0, maxSteps = 1, maxBeats = 1 }: Bounds): void {
  checkSeconds(`${call}: patience`, patience);
  checkWholeNumber(`${call}: maxSteps`, maxSteps, { least: 1, orInfinity: true });
  checkWholeNumber(`${call}: maxBeats`, maxBeats, { least: 1, orInfinity: true });
}
