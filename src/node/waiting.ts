import {
  attach,
  detach,
  type EventLoop,
  failWith,
  isLoopClosed,
  type LoopResource,
  newWait,
  release,
  type WaitRecord,
} from '../kernel/lowlevel.ts';

/** Reports the end of an operation that uses callbacks. Only the first call has an effect. */
export interface Settle<T> {
  resolve(value: T): void;
  reject(error: unknown): void;
}

/**
 * Waits for an operation of the runtime that uses callbacks.
 *
 * @param begin begins it, and returns a function that stops listening, which is called in any case
 * @param abandon ends the operation; called when the loop is closed during the wait
 */
export function* settled<T>(
  loop: EventLoop,
  record: WaitRecord,
  begin: (settle: Settle<T>) => () => void,
  abandon?: () => void,
): Generator<unknown, T, unknown> {
  const future = newWait<T>(loop, { ...record, isExternal: true });
  const end = begin({
    resolve: (value) => {
      if (!isLoopClosed(loop)) release(future, value);
    },
    reject: (error) => {
      if (!future.done() && !isLoopClosed(loop)) failWith(future, error);
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
