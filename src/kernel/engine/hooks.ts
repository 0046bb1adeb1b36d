import { logger } from '../runtime/platform.ts';
import type { TaskRole } from './roles.ts';

/**
 * The hooks of an instrument, with the types of this folder. `Instrument` has them with the types that programs use.
 */
export interface HookCalls {
  beforeStep(task: TaskRole): void;
  afterStep(task: TaskRole): void;
  taskSpawned(task: TaskRole, parent: TaskRole | null): void;
  taskFinished(task: TaskRole, failure: { readonly error: unknown } | null): void;
  cancelRequested(task: TaskRole, by: TaskRole | null, message: unknown): void;
  cancelDelivered(task: TaskRole): void;
  waitBegin(task: TaskRole, on: object): void;
  waitEnd(task: TaskRole, on: object): void;
  gaveWay(task: TaskRole, wait: object): void;
  woken(awaiter: object, on: object, by: TaskRole | null): void;
  iterationBegin(loop: object): void;
  iterationEnd(loop: object): void;
  errorReported(loop: object, context: object): void;
  choose(label: string, count: number, candidates: Candidates): number | undefined;
}

/** The things among which `choose` decides. */
export interface Candidates {
  at(index: number): object | undefined;
}

type Hook = keyof HookCalls;

/**
 * While a callback of the library runs because a future is done: the task that has ended that future. The waiters that
 * the callback wakes count as woken by that task. Set only while an instrument has a hook `woken`. Such callbacks do
 * not throw, and do not call each other, so this is not restored on errors or for nested calls.
 */
export const ended: { by: object | null } = { by: null };

/** An installed instrument: it has any of the hooks. */
export type Installed = object & { readonly [H in Hook]?: (...args: never[]) => unknown } & {
  readonly choosesReady?: boolean;
};

/**
 * For each hook the installed instruments that have it; `null` if none does, so that the kernel's check is one
 * comparison.
 */
export const hooks: { [H in Hook]: Installed[] | null } = {
  beforeStep: null,
  afterStep: null,
  taskSpawned: null,
  taskFinished: null,
  cancelRequested: null,
  cancelDelivered: null,
  waitBegin: null,
  waitEnd: null,
  gaveWay: null,
  woken: null,
  iterationBegin: null,
  iterationEnd: null,
  errorReported: null,
  choose: null,
};

/**
 * `steps`: whether any hook sees or decides about steps, waits or iterations, so that none may be skipped by a fast
 * path. `ready`: whether an instrument decides which of the items that are ready runs next. `around`: the function that
 * calls the steps of tasks; `null` if the kernel calls them itself.
 */
export const watched: { steps: boolean; ready: boolean; around: ((task: TaskRole, step: () => void) => void) | null } =
  { steps: false, ready: false, around: null };

/**
 * From now on the steps of tasks are called by a function, which must call each of them once; with `null`, by the
 * kernel itself.
 */
export function callStepsBy(around: typeof watched.around): void {
  watched.around = around;
  noteWatched();
}

const HOOKS = /* @__PURE__ */ Object.keys(hooks) as Hook[];
const OF_STEPS: readonly Hook[] = [
  'beforeStep',
  'afterStep',
  'cancelDelivered',
  'waitBegin',
  'waitEnd',
  'gaveWay',
  'iterationBegin',
  'iterationEnd',
  'choose',
];

/** Calls a hook of all instruments that have it. */
export function emit<H extends Exclude<Hook, 'choose'>>(hook: H, ...args: Parameters<HookCalls[H]>): void {
  for (const instrument of hooks[hook] ?? []) {
    try {
      (instrument[hook] as (...args: unknown[]) => void).apply(instrument, args);
    } catch (error) {
      disable(instrument, hook, error);
    }
  }
}

/** Asks the instruments in order of installation until one decides; returns its choice, or -1 if none decides. */
export function choose(label: string, count: number, candidates: Candidates): number {
  for (const instrument of hooks.choose ?? []) {
    try {
      const choice = (instrument as HookCalls).choose(label, count, candidates);
      if (choice === undefined) continue;
      if (Number.isInteger(choice) && choice >= 0 && choice < count) return choice;
      throw new RangeError(
        `choose('${label}', ${count}): an integer from 0 to ${count - 1} is required, got ${choice}`,
      );
    } catch (error) {
      disable(instrument, 'choose', error);
    }
  }
  return -1;
}

function disable(instrument: Installed, hook: Hook, error: unknown): void {
  uninstall(instrument);
  logger.error(`An instrument was removed because its ${hook}() threw`, error);
}

/** Adds an instrument to the table. */
export function install(instrument: Installed): void {
  // The lists are replaced, not changed, so that an instrument may be removed while hooks are called.
  for (const hook of HOOKS) if (instrument[hook] !== undefined) hooks[hook] = [...(hooks[hook] ?? []), instrument];
  noteWatched();
}

/** Removes an instrument from the table. */
export function uninstall(instrument: Installed): void {
  for (const hook of HOOKS) {
    const left = hooks[hook]?.filter((installed) => installed !== instrument) ?? [];
    hooks[hook] = left.length > 0 ? left : null;
  }
  noteWatched();
}

function noteWatched(): void {
  watched.steps = watched.around !== null || OF_STEPS.some((hook) => hooks[hook] !== null);
  watched.ready = hooks.choose?.some(({ choosesReady }) => choosesReady === true) ?? false;
}
