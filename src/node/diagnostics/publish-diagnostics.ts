import { type Channel, channel } from 'node:diagnostics_channel';
import { addInstrument, type EventLoop, type ExceptionContext, type Instrument, type Task } from '../../index.ts';

/** What is published, by the name of the channel. */
export interface DiagnosticsMessages {
  /** A task was made; `parent` is the task that made it, if one did. */
  'asyncio-ts:task:spawn': { readonly task: Task<unknown>; readonly parent: Task<unknown> | null };
  /** A task is done; `failure` holds its error when it failed. */
  'asyncio-ts:task:finish': { readonly task: Task<unknown>; readonly failure: { readonly error: unknown } | null };
  /** `cancel()` of a task was called, by the task `by` if one did. */
  'asyncio-ts:task:cancel': {
    readonly task: Task<unknown>;
    readonly by: Task<unknown> | null;
    readonly message: unknown;
  };
  /** A `CancelledError` is thrown into a task. */
  'asyncio-ts:task:cancelled': { readonly task: Task<unknown> };
  /** A step of a task begins, and ends. */
  'asyncio-ts:step:begin': { readonly task: Task<unknown> };
  'asyncio-ts:step:end': { readonly task: Task<unknown> };
  /** A task begins to wait on something, and what it waited on is done. */
  'asyncio-ts:wait:begin': { readonly task: Task<unknown>; readonly on: object };
  'asyncio-ts:wait:end': { readonly task: Task<unknown>; readonly on: object };
  /** A task gives way, as at `sleep(0)`. */
  'asyncio-ts:task:yield': { readonly task: Task<unknown> };
  /** A loop begins an iteration, and ends it. */
  'asyncio-ts:iteration:begin': { readonly loop: object };
  'asyncio-ts:iteration:end': { readonly loop: object };
  /** An error is reported that could not be thrown in the program. */
  'asyncio-ts:error': { readonly loop: EventLoop; readonly context: ExceptionContext };
}

type Name = keyof DiagnosticsMessages;

function publish<N extends Name>(name: N): (message: DiagnosticsMessages[N]) => void {
  const own: Channel = channel(name);
  return (message) => {
    if (own.hasSubscribers) own.publish(message);
  };
}

/** The hooks of steps: while one of them is installed, steps are slower, so they are only where somebody has subscribed. */
const ofSteps: Readonly<Record<string, Instrument>> = {
  'asyncio-ts:task:cancelled': hook('cancelDelivered', publish('asyncio-ts:task:cancelled'), (task) => ({ task })),
  'asyncio-ts:step:begin': hook('beforeStep', publish('asyncio-ts:step:begin'), (task) => ({ task })),
  'asyncio-ts:step:end': hook('afterStep', publish('asyncio-ts:step:end'), (task) => ({ task })),
  'asyncio-ts:wait:begin': hook('waitBegin', publish('asyncio-ts:wait:begin'), (task, on) => ({ task, on })),
  'asyncio-ts:wait:end': hook('waitEnd', publish('asyncio-ts:wait:end'), (task, on) => ({ task, on })),
  'asyncio-ts:task:yield': hook('gaveWay', publish('asyncio-ts:task:yield'), (task) => ({ task })),
  'asyncio-ts:iteration:begin': hook('iterationBegin', publish('asyncio-ts:iteration:begin'), (loop) => ({ loop })),
  'asyncio-ts:iteration:end': hook('iterationEnd', publish('asyncio-ts:iteration:end'), (loop) => ({ loop })),
};

type HookName = Exclude<keyof Instrument, 'choose' | 'choosesReady'>;

function hook<H extends HookName, M>(
  name: H,
  tell: (message: M) => void,
  messageOf: (...args: Parameters<Required<Instrument>[H]>) => M,
): Instrument {
  return { [name]: (...args: Parameters<Required<Instrument>[H]>) => tell(messageOf(...args)) };
}

const NOTHING = (): void => {};

/** How many parts of the program have asked for it. */
let users = 0;
let stop = NOTHING;

/**
 * Publishes what loops and tasks do on channels of Node's `diagnostics_channel`, for monitoring tools: one channel for each kind of event
 * (`DiagnosticsMessages`). A channel to which nobody has subscribed costs nothing; those of steps, waits and iterations slow steps down once
 * somebody has, and are noticed when the next task is made or done.
 *
 * @returns what ends it
 * @example
 * const { subscribe } = await import('node:diagnostics_channel');
 * subscribe('asyncio-ts:task:finish', (message) => {
 *   const { task, failure } = message as DiagnosticsMessages['asyncio-ts:task:finish'];
 *   if (failure !== null) console.warn(`${task.getName()} has failed`, failure.error);
 * });
 * const stop = publishDiagnostics();
 * await createTask(() => sleep(0.01));
 * stop();
 */
export function publishDiagnostics(): () => void {
  if (++users === 1) stop = install();
  let isOn = true;
  return () => {
    if (!isOn) return;
    isOn = false;
    if (--users === 0) stop();
  };
}

function install(): () => void {
  const slow = Object.entries(ofSteps).map(([name, instrument]) => ({
    own: channel(name),
    instrument,
    remove: NOTHING,
  }));
  /** Installs the hooks of channels that have subscribers now, and takes out those of the others. */
  const refresh = (): void => {
    for (const one of slow) {
      if (one.own.hasSubscribers === (one.remove !== NOTHING)) continue;
      one.remove();
      one.remove = one.remove === NOTHING ? addInstrument(one.instrument) : NOTHING;
    }
  };
  const [spawn, finish, cancel, error] = [
    publish('asyncio-ts:task:spawn'),
    publish('asyncio-ts:task:finish'),
    publish('asyncio-ts:task:cancel'),
    publish('asyncio-ts:error'),
  ];
  const remove = addInstrument({
    taskSpawned(task, parent) {
      refresh();
      spawn({ task, parent });
    },
    taskFinished(task, failure) {
      finish({ task, failure });
      refresh();
    },
    cancelRequested: (task, by, message) => cancel({ task, by, message }),
    errorReported: (loop, context) => error({ loop, context }),
  });
  refresh();
  return () => {
    remove();
    for (const one of slow) one.remove();
  };
}
