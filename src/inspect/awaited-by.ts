import { typeError } from '../errors/type-error.ts';
import { isfuture } from '../index.ts';
import { describe } from '../internal/describe.ts';
import { type Future, subscribe, unsubscribe } from '../kernel/lowlevel.ts';

type Edge = () => void;

/** What stands for each awaiter among the waiters of a future. */
const edges = new WeakMap<Future<unknown>, WeakMap<Future<unknown>, Edge>>();

/**
 * Notes that somebody awaits a future who does not do so by `await`: for groups, supervisors and other constructs of a program, whose
 * owner would stand alone otherwise. Call graphs, the trees of `asyncio pstree` and the report of a run that cannot end show it then, as
 * they show the tasks of a `taskGroup`. It changes nothing of what the two do, and is over when the future is done. Noting it twice is the
 * same as once.
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
  const ofFuture = edges.get(awaited) ?? new WeakMap<Future<unknown>, Edge>();
  if (awaited.done() || ofFuture.has(awaiter)) return;
  const edge: Edge = () => {};
  edges.set(awaited, ofFuture.set(awaiter, edge));
  subscribe(awaited, edge, awaiter);
}

/**
 * Takes back what `futureAddToAwaitedBy` has noted; without effect when it was not.
 *
 * Follows CPython's `asyncio.future_discard_from_awaited_by`.
 *
 * @param future what was awaited: a task or future
 * @param waiter the task or future that awaited it
 * @throws {TypeError} when one of them is neither a task nor a future
 */
export function futureDiscardFromAwaitedBy<T, W>(future: Future<T>, waiter: Future<W>): void {
  const [awaited, awaiter] = check('futureDiscardFromAwaitedBy', future, waiter);
  const edge = edges.get(awaited)?.get(awaiter);
  if (edge === undefined) return;
  edges.get(awaited)?.delete(awaiter);
  unsubscribe(awaited, edge);
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
