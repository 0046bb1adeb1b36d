import { ValueError } from '../errors/errors.ts';
import { typeError } from '../errors/type-error.ts';
import { describe } from '../internal/describe.ts';
import { type Duration, inSeconds } from '../internal/duration.ts';
import { checkOptions } from '../internal/options.ts';
import {
  type AwaitableCoroutine,
  Collector,
  collect,
  currentTask,
  type Future,
  getRunningLoop,
  iscoroutine,
  isfuture,
  libraryCoroutine,
  newWait,
  postponeReport,
  release,
  resumeReport,
  uncollect,
} from '../kernel/lowlevel.ts';

/** `wait` returns when all are done. */
export const ALL_COMPLETED = 'ALL_COMPLETED';
/** `wait` returns when one is done. */
export const FIRST_COMPLETED = 'FIRST_COMPLETED';
/** `wait` returns when one has failed, or all are done. */
export const FIRST_EXCEPTION = 'FIRST_EXCEPTION';

/** When `wait` returns. */
export type ReturnWhen = typeof ALL_COMPLETED | typeof FIRST_COMPLETED | typeof FIRST_EXCEPTION;

/** Options of `wait`. */
export interface WaitOptions {
  /** The longest time to wait; `null` for no limit. */
  readonly timeout?: Duration | null | undefined;
  /** `ALL_COMPLETED` when absent. */
  readonly returnWhen?: ReturnWhen | undefined;
}

/** What `wait` gives: both sets by name, and by position as `[done, pending]`. Each is in the order of the arguments. */
export type DoneAndPending<F> = readonly [done: Set<F>, pending: Set<F>] & {
  readonly done: Set<F>;
  readonly pending: Set<F>;
};

/**
 * Waits for futures and tasks: for all, for the first one, or for the first failure. It does not throw their errors, and when the
 * time limit has passed, it throws nothing either: look at `done` and `pending`.
 *
 * **Cancellation**: ends the wait; the futures and tasks are not cancelled.
 *
 * Follows CPython's `asyncio.wait`.
 *
 * @param futures at least one future or task
 * @throws {TypeError} at once, when one of them is not a future (make a task of a coroutine first)
 * @throws {ValueError} at once, when there is none, or `returnWhen` is unknown
 * @example
 * const { done, pending } = await wait(tasks, { timeout: 1, returnWhen: FIRST_COMPLETED });
 */
export function wait<F extends Future<never> | Future<unknown>>(
  futures: Iterable<F>,
  options: WaitOptions = {},
): AwaitableCoroutine<DoneAndPending<F>> {
  checkOptions('wait', options, ['timeout', 'returnWhen']);
  if (isfuture(futures) || iscoroutine(futures))
    throw typeError(`expect a list of futures, not ${describe(futures)}`, 'NOT_A_FUTURE');
  if (typeof futures !== 'object' || futures === null || !(Symbol.iterator in futures)) {
    throw typeError(`expect a list of futures, not ${describe(futures)}`, 'NOT_A_FUTURE');
  }
  const set = new Set<F>(futures);
  if (set.size === 0) throw new ValueError('Set of Tasks/Futures is empty.', { code: 'NOTHING_TO_WAIT_FOR' });
  const returnWhen = options.returnWhen ?? ALL_COMPLETED;
  if (returnWhen !== ALL_COMPLETED && returnWhen !== FIRST_COMPLETED && returnWhen !== FIRST_EXCEPTION) {
    throw new ValueError(
      `Invalid returnWhen value: ${describe(returnWhen)}; it is ALL_COMPLETED, FIRST_COMPLETED or FIRST_EXCEPTION`,
    );
  }
  for (const future of set) checkFuture(future);
  const timeout = options.timeout ?? null;
  return waitFor<F>(set, timeout === null ? null : inSeconds(timeout, 'timeout'), returnWhen);
}

function checkFuture(value: unknown): void {
  if (isfuture(value)) return;
  if (iscoroutine(value) || typeof value === 'function') {
    throw typeError(
      'Passing coroutines is forbidden, use tasks explicitly: write wait([createTask(f)])',
      'NOT_A_FUTURE',
    );
  }
  throw typeError(
    `wait: a future or task is required, got ${describe(value)}; write wait([createTask(f)])`,
    'NOT_A_FUTURE',
  );
}

const waitFor = /* @__PURE__ */ libraryCoroutine(function* wait(
  futures: ReadonlySet<Future<unknown>>,
  timeout: number | null,
  returnWhen: ReturnWhen,
): Generator<unknown, DoneAndPending<Future<unknown>>, unknown> {
  const loop = getRunningLoop();
  const waiter = newWait(loop, { operation: 'wait', object: null, parts: futures });
  const timer = timeout === null ? null : loop.callLater(timeout, release, waiter);
  let left = futures.size;
  const collector = new Collector((future) => {
    left--;
    if (future !== null) postponeReport(future);
    if (left > 0 && !endsTheWait(future, returnWhen)) return;
    timer?.cancel();
    release(waiter);
  }, currentTask());
  for (const future of futures) collect(future, collector);
  try {
    yield* waiter;
  } finally {
    timer?.cancel();
    for (const future of futures) {
      uncollect(future, collector);
      resumeReport(future);
    }
  }
  const done = new Set<Future<unknown>>();
  const pending = new Set<Future<unknown>>();
  for (const future of futures) (future.done() ? done : pending).add(future);
  return Object.assign([done, pending] as const, { done, pending });
}) as unknown as <F>(
  futures: ReadonlySet<F>,
  timeout: number | null,
  returnWhen: ReturnWhen,
) => AwaitableCoroutine<DoneAndPending<F>>;

/** @param future a future that is done; `null` when it has succeeded */
function endsTheWait(future: Future<unknown> | null, returnWhen: ReturnWhen): boolean {
  if (returnWhen === FIRST_COMPLETED) return true;
  return returnWhen === FIRST_EXCEPTION && future !== null && !future.cancelled() && future.exception() !== null;
}
