import {
  attach,
  detach,
  type EventLoop,
  failWith,
  type LoopResource,
  newWait,
  release,
  type WaitRecord,
} from '../kernel/lowlevel.ts';

/** Tells how something that takes a callback ended. Only the first call counts. */
export interface Settle<T> {
  resolve(value: T): void;
  reject(error: unknown): void;
}

/**
 * Waits for something of the runtime that tells by callbacks.
 *
 * @param begin begins it, and returns what ends the interest in it; that is called in any case
 * @param abandon ends what was begun; called when the loop is closed meanwhile, so that nobody goes on
 */
export function* settled<T>(
  loop: EventLoop,
  record: WaitRecord,
  begin: (settle: Settle<T>) => () => void,
  abandon?: () => void,
): Generator<unknown, T, unknown> {
  const future = newWait<T>(loop, record);
  const end = begin({
    resolve: (value) => {
      if (!loop.isClosed()) release(future, value);
    },
    reject: (error) => {
      if (!future.done() && !loop.isClosed()) failWith(future, error);
    },
  });
  const resource: LoopResource = {
    loopClosed() {
      end();
      abandon?.();
    },
  };
  attach(loop, resource);
  try {
    return yield* future;
  } finally {
    detach(loop, resource);
    end();
  }
}
