type Listener = (error: unknown) => void;

interface ErrorEventLike {
  readonly error?: unknown;
  readonly reason?: unknown;
  readonly message?: string;
  preventDefault(): void;
}

interface Globals {
  readonly process?: { on(event: string, listener: Listener): void };
  addEventListener?(type: string, listener: (event: ErrorEventLike) => void): void;
}

/** Calls a listener for each uncaught error and each unhandled rejection. */
export function onUncaught(listener: Listener): void {
  const { process, addEventListener } = globalThis as Globals;
  if (process !== undefined) {
    process.on('uncaughtException', listener);
    process.on('unhandledRejection', listener);
    return;
  }
  const heard = (event: ErrorEventLike): void => {
    event.preventDefault();
    listener(event.reason ?? event.error ?? event.message);
  };
  addEventListener?.('error', heard);
  addEventListener?.('unhandledrejection', heard);
}
