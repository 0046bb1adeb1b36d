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
  /** A task is done; `failure` holds its error when it failed, which this does not count as having been looked at. */
  taskFinished?(task: Task<unknown>, failure: { readonly error: unknown } | null): void;
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

/** The installed instruments that have a hook, `null` when none does, so that the kernel's check is one comparison. */
export const hooks: { [H in Hook]-?: Instrument[] | null } = {
  beforeStep: null,
  afterStep: null,
  taskSpawned: null,
  taskFinished: null,
  cancelRequested: null,
  cancelDelivered: null,
  waitBegin: null,
  waitEnd: null,
  iterationBegin: null,
  iterationEnd: null,
  choose: null,
};

const HOOKS = /* @__PURE__ */ Object.keys(hooks) as Hook[];

/** Calls a hook of all instruments that have it. */
export function emit<H extends Exclude<Hook, 'choose'>>(
  hook: H,
  ...args: Parameters<NonNullable<Instrument[H]>>
): void {
  for (const instrument of hooks[hook] ?? []) {
    try {
      (instrument[hook] as (...args: unknown[]) => void).apply(instrument, args);
    } catch (error) {
      disable(instrument, hook, error);
    }
  }
}

/** Asks the first instrument that decides; 0 when none does. */
export function choose(label: string, count: number): number {
  const instrument = hooks.choose?.[0];
  if (instrument === undefined) return 0;
  try {
    const choice = instrument.choose!(label, count);
    if (Number.isInteger(choice) && choice >= 0 && choice < count) return choice;
    throw new RangeError(`choose('${label}', ${count}): an integer from 0 to ${count - 1} is required, got ${choice}`);
  } catch (error) {
    disable(instrument, 'choose', error);
    return 0;
  }
}

function disable(instrument: Instrument, hook: Hook, error: unknown): void {
  removeInstrument(instrument);
  logger.error(`An instrument was removed because its ${hook}() threw`, error);
}

/**
 * Installs an instrument; returns a function that takes it out.
 *
 * @example
 * const remove = addInstrument({ taskFinished: (task) => console.log(`${task}`) });
 */
export function addInstrument(instrument: Instrument): () => void {
  // Lists are never changed, so that an instrument may be taken out while hooks are called.
  for (const hook of HOOKS) if (instrument[hook] !== undefined) hooks[hook] = [...(hooks[hook] ?? []), instrument];
  return () => removeInstrument(instrument);
}

function removeInstrument(instrument: Instrument): void {
  for (const hook of HOOKS) {
    const left = hooks[hook]?.filter((installed) => installed !== instrument) ?? [];
    hooks[hook] = left.length > 0 ? left : null;
  }
}
