import { inIntervals, presentTime } from '../runtime/platform.ts';

/**
 * Estimates how long the thread has been busy, for debug mode. Code that goes on after a foreign promise is called by
 * the runtime, so the loop does not know when it began. Therefore a timer notes the time (a beat) at short intervals,
 * and so does the loop before each handle: since the last beat the thread has done nothing but the present work.
 */

/** Seconds between two beats. */
const PERIOD = 0.01;

const pulse: { last: number; loops: number; stop: (() => void) | null } = { last: 0, loops: 0, stop: null };

/** A loop enters or leaves debug mode. The timer runs while any loop is in it. */
export function keepPulse(enabled: boolean): void {
  pulse.loops += enabled ? 1 : -1;
  if (pulse.loops > 0 && pulse.stop === null) {
    beat();
    pulse.stop = inIntervals(PERIOD, beat);
  } else if (pulse.loops === 0) {
    pulse.stop?.();
    pulse.stop = null;
  }
}

/** The thread is free, or begins something whose time is measured: notes the time. */
export function beat(): void {
  pulse.last = presentTime();
}

/** Seconds since the last beat; 0 when no loop is in debug mode. */
export function busyFor(): number {
  return pulse.stop === null ? 0 : presentTime() - pulse.last;
}
