import { typeError } from '../errors/type-error.ts';
import { isfuture } from '../index.ts';
import { describe } from '../internal/describe.ts';
import { type Future, subscribe, unsubscribe } from '../kernel/lowlevel.ts';

type Callback = () => void;

/** For each future the awaiters that were noted, each with the done callback that stands for it among the future's waiters. */
const edges = new WeakMap<Future<unknown>, WeakMap<Future<unknown>, Callback>>();

/**
 * Notes in the call graph that a task or future waits for another one without an `await`. It is for task groups and supervisors that a
 * program writes itself: they wait by callbacks, so that the library cannot see whose tasks these are. Call graphs, `asyncio pstree` and the
 * report of a run that cannot end then show the awaiter, as they show the owner of a `taskGroup`.
 *
 * How the two run does not change. The note ends when the awaited one is done. A second note of the same two has no effect.
 *
 * Follows CPython's `asyncio.future_add_to_awaited_by`.
 *
 * @param future what is awaited: a task or future
 * @param waiter the task or future that awaits it
 * @throws {TypeError} when one of them is neither a task nor a future
 * @example
 * const task = createTask(() => sleep(1));
 * futureAddToAwaitedBy(task, currentTask()!);
 * console.log(captureCallGraph(task)!.awaitedBy.length); // 1
 */
export function futureAddToAwaitedBy<T, W>(future: Future<T>, waiter: Future<W>): void {
  const [awaited, awaiter] = check('futureAddToAwaitedBy', future, waiter);
  const ofFuture = edges.get(awaited) ?? new WeakMap<Future<unknown>, Callback>();
  if (awaited.done() || ofFuture.has(awaiter)) return;
  // A function for each, by which it is taken back. The texts of the future show its name among the callbacks.
  const awaitedBy = (): void => {};
  edges.set(awaited, ofFuture.set(awaiter, awaitedBy));
  subscribe(awaited, awaitedBy, awaiter);
}

/**
 * Takes back a note of `futureAddToAwaitedBy`. Without such a note it has no effect.
 *
 * Follows CPython's `asyncio.future_discard_from_awaited_by`.
 *
 * @param future what was awaited: a task or future
 * @param waiter the task or future that awaited it
 * @throws {TypeError} when one of them is neither a task nor a future
 */
export function futureDiscardFromAwaitedBy<T, W>(future: Future<T>, waiter: Future<W>): void {
  const [awaited, awaiter] = check('futureDiscardFromAwaitedBy', future, waiter);
  const ofFuture = edges.get(awaited);
  const awaitedBy = ofFuture?.get(awaiter);
  if (awaitedBy === undefined) return;
  ofFuture?.delete(awaiter);
  unsubscribe(awaited, awaitedBy);
}

function check(call: string, future: unknown, waiter: unknown): [Future<unknown>, Future<unknown>] {
  for (const given of [future, waiter]) {
    if (!isfuture(given)) {
      throw typeError(
        `${call}: two tasks or futures are required, the awaited one and the one that awaits it, got ${describe(given)}`,
      );
    }
  }
  return [future as Future<unknown>, waiter as Future<unknown>];
}
