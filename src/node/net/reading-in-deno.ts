import type { Socket } from 'node:net';

interface Handle {
  readStart(): unknown;
  readStop(): unknown;
}

/**
 * Keeps Deno from losing the end of an encrypted connection. When reading is stopped while Deno passes on the last bytes, which happens
 * with a full buffer, it forgets the end that follows them. When reading is stopped a microtask later, the end is reported.
 */
export function keepEndInDeno(socket: Socket): void {
  if (!('deno' in process.versions)) return;
  const { _handle: handle } = socket as Socket & { readonly _handle?: Handle | null };
  if (typeof handle?.readStart !== 'function' || typeof handle.readStop !== 'function') return;
  const start = handle.readStart.bind(handle);
  const stop = handle.readStop.bind(handle);
  let isWanted = true;
  let isReading = true;
  let isScheduled = false;
  const stopUnlessWanted = (): void => {
    isScheduled = false;
    if (isWanted || !isReading) return;
    isReading = false;
    stop();
  };
  handle.readStop = () => {
    isWanted = false;
    if (!isScheduled) {
      isScheduled = true;
      queueMicrotask(stopUnlessWanted);
    }
    return 0;
  };
  handle.readStart = () => {
    isWanted = true;
    if (isReading) return 0;
    isReading = true;
    return start();
  };
}
