import { logger } from './host.ts';
import type { Scheduler } from './scheduler.ts';
import type { Task } from './task.ts';

/**
 * Hooks into the kernel, for traces, live views, lints and explored schedules. Every hook is optional; none of them may
 * throw: one that does is reported and taken out.
 *
 * While none is installed, the kernel pays one comparison a hook.
 */
export interface Instrument {
  /** A task's step begins: the loop starts or resumes its coroutine. */
  beforeStep?(task: Task<unknown>): void;
  /** A task's step is over: it waits, or it is done. */
  afterStep?(task: Task<unknown>): void;
  /** A task was made. */
  taskSpawned?(task: Task<unknown>, parent: Task<unknown> | null): void;
  /** A task is done. */
  taskFinished?(task: Task<unknown>): void;
  /** `task.cancel()` was called, by `by` where a task did it. */
  cancelRequested?(task: Task<unknown>, by: Task<unknown> | null, message: unknown): void;
  /** A `CancelledError` goes into a task's coroutine. */
  cancelDelivered?(task: Task<unknown>): void;
  /** A task begins to wait on something; `operation` and `object` say for what, where that is known. */
  waitBegin?(task: Task<unknown>, on: object): void;
  /** What a task waited on is done. */
  waitEnd?(task: Task<unknown>, on: object): void;
  /** The loop begins an iteration. */
  iterationBegin?(loop: Scheduler): void;
  /** The loop has ended an iteration. */
  iterationEnd?(loop: Scheduler): void;
  /**
   * The one choice point. Asked where the loop could legally do either of `count` things; answers which, from 0. The kernel
   * takes 0 when nobody is asked, which is the order that the documentation promises.
   */
  choose?(label: string, count: number): number;
}

type Hook = keyof Instrument;

/** `active` is `null` while no instrument is installed, so that the kernel's check is one comparison. */
export const instruments: { active: InstrumentSet | null } = { active: null };

/** All installed instruments as one. */
export class InstrumentSet {
  readonly list: Instrument[] = [];

  emit<H extends Exclude<Hook, 'choose'>>(hook: H, ...args: Parameters<NonNullable<Instrument[H]>>): void {
    for (const instrument of [...this.list]) {
      try {
        (instrument[hook] as ((...args: unknown[]) => void) | undefined)?.apply(instrument, args);
      } catch (error) {
        disable(instrument, hook, error);
      }
    }
  }

  choose(label: string, count: number): number {
    for (const instrument of this.list) {
      if (instrument.choose === undefined) continue;
      try {
        const choice = instrument.choose(label, count);
        if (Number.isInteger(choice) && choice >= 0 && choice < count) return choice;
        throw new RangeError(
          `choose(${JSON.stringify(label)}, ${count}): expected an integer from 0 to ${count - 1}, got ${choice}`,
        );
      } catch (error) {
        disable(instrument, 'choose', error);
      }
    }
    return 0;
  }
}

function disable(instrument: Instrument, hook: Hook, error: unknown): void {
  removeInstrument(instrument);
  logger.error(`An instrument was removed because its ${hook}() threw`, error);
}

/** Installs an instrument; returns a function that takes it out. */
export function addInstrument(instrument: Instrument): () => void {
  instruments.active ??= new InstrumentSet();
  instruments.active.list.push(instrument);
  return () => removeInstrument(instrument);
}

/** Takes an instrument out. Harmless when it is not installed. */
export function removeInstrument(instrument: Instrument): void {
  const active = instruments.active;
  const at = active?.list.indexOf(instrument) ?? -1;
  if (active === null || at < 0) return;
  active.list.splice(at, 1);
  if (active.list.length === 0) instruments.active = null;
}
