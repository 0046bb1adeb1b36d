/** What the suite expects of a runtime. It is declared and not detected, so that a runtime that loses an ability fails the suite. */
export interface Environment {
  /** The main thread makes its loop by itself; other threads must set one. */
  readonly thread: 'main' | 'worker';
  /** Whether `AsyncLocalStorage` tells whose code runs after a promise that is none of this library's. */
  readonly asyncContext: boolean;
  /** Whether a signal can be sent to the process. */
  readonly signals: boolean;
  /** Whether there are a shell and the usual programs (`sh`, `cat`, `sleep`), and signals for them. */
  readonly programs: boolean;
  /** Whether the system knows of the only peer of a datagram socket, and tells when that refuses. */
  readonly datagramPeers: boolean;
  /** Whether several datagram sockets can share a port. */
  readonly sharedPorts: boolean;
  /** Whether errors that the loop logs go to the listeners for `error` of a page, or of its worker, as well. Elsewhere they end a program. */
  readonly errorEvents?: boolean;
}

/** What pages and their workers promise. */
export const browser = {
  asyncContext: false,
  signals: false,
  programs: false,
  datagramPeers: false,
  sharedPorts: false,
  errorEvents: true,
} as const satisfies Partial<Environment>;

/** Which environments a check is for. */
export type Where = (environment: Environment) => boolean;

export const everywhere: Where = () => true;
export const inMainThread: Where = ({ thread }) => thread === 'main';
export const inWorker: Where = ({ thread }) => thread === 'worker';
export const withAsyncContext: Where = ({ asyncContext }) => asyncContext;
export const withoutAsyncContext: Where = ({ asyncContext }) => !asyncContext;
export const withSignals: Where = ({ signals }) => signals;
export const withPrograms: Where = ({ programs }) => programs;
export const withDatagramPeers: Where = ({ datagramPeers }) => datagramPeers;
export const withSharedPorts: Where = ({ sharedPorts }) => sharedPorts;
export const withErrorEvents: Where = ({ errorEvents }) => errorEvents === true;
export const withoutErrorEvents: Where = ({ errorEvents }) => errorEvents !== true;
