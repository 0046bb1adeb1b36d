import { type AsyncLocalStorage, AsyncResource } from 'node:async_hooks';

const outside = new AsyncResource('outside');

/** Calls a function in an async context that no other has: how code that goes on after an `await` is known to be of its task. */
export function inContextOfItsOwn(storage: AsyncLocalStorage<object>, fn: () => void): void {
  outside.runInAsyncScope(() => {
    storage.enterWith({});
    fn();
  });
}
