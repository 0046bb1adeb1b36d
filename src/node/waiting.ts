import { type EventLoop, noteWait, type WaitRecord } from '../kernel/lowlevel.ts';

/** Tells how something that takes a callback ended. Only the first call counts. */
export interface Settle<T> {
  resolve(value: T): void;
  reject(error: unknown): void;
}

/**
 * Waits for something of the runtime that tells by callbacks.
 *
 * @param begin begins it, and returns what ends the interest in it; that is called in any case
 */
export function* settled<T>(
  loop: EventLoop,
  record: WaitRecord,
  begin: (settle: Settle<T>) => () => void,
): Generator<unknown, T, unknown> {
  const future = loop.createFuture<T>();
  noteWait(future, record);
  const end = begin({
    resolve: (value) => {
      if (!future.done() && !loop.isClosed()) future.setResult(value);
    },
    reject: (error) => {
      if (!future.done() && !loop.isClosed()) future.setException(error);
    },
  });
  try {
    return yield* future;
  } finally {
    end();
  }
}
