import { ContextVar, currentTask } from 'asyncio-ts';
import pino, { type DestinationStream, type Logger } from 'pino';

export const requestId = new ContextVar<string | null>('requestId', { default: null });

/** A logger whose every line says in which task, and for which request, it was written. */
export function createLogger(destination?: DestinationStream): Logger {
  const options = {
    mixin: () => ({ task: currentTask()?.getName(), requestId: requestId.get() ?? undefined }),
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}
