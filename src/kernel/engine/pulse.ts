import { inIntervals, presentTime } from '../runtime/platform.ts';

/**
 * How long the thread has been busy, for debug mode: code that goes on after a promise of somebody else is called by the runtime, and
 * nothing tells the loop when it began. So a timer beats meanwhile, and the loop's own turns count as beats too: the time since the last
 * one is time in which the thread did nothing else.
 */

const PERIOD = 0.01;

const pulse: { last: number; loops: number; stop: (() => void) | null } = { last: 0, loops: 0, stop: null };

/** A loop goes into debug mode, or leaves it: the pulse beats while one is in it. */
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

/** The thread is free, or begins with something that is known. */
export function beat(): void {
  pulse.last = presentTime();
}

/** Seconds since the thread was free. */
export function busyFor(): number {
  return pulse.stop === null ? 0 : presentTime() - pulse.last;
}
