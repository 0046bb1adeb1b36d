/** What a runtime promises to the suite: it is told, not found out, so that a runtime that loses something fails. */
export interface Environment {
  /** The main thread makes its loop by itself; other threads must set one. */
  readonly thread: 'main' | 'worker';
  /** Whether `AsyncLocalStorage` tells whose code runs after a promise that is none of this library's. */
  readonly asyncContext: boolean;
  /** Whether a signal can be sent to the process. */
  readonly signals: boolean;
}

/** Which environments a check is for. */
export type Where = (environment: Environment) => boolean;

export const everywhere: Where = () => true;
export const inMainThread: Where = ({ thread }) => thread === 'main';
export const inWorker: Where = ({ thread }) => thread === 'worker';
export const withAsyncContext: Where = ({ asyncContext }) => asyncContext;
export const withoutAsyncContext: Where = ({ asyncContext }) => !asyncContext;
export const withSignals: Where = ({ signals }) => signals;
