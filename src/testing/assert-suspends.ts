import { RuntimeError } from '../errors/index.ts';
import { typeError } from '../errors/type-error.ts';
import { getRunningLoop } from '../index.ts';
import { describe, describeFunction } from '../internal/describe.ts';
import { type AwaitableCoroutine, type CoroutineFunction, iterableOf, libraryCoroutine } from '../kernel/lowlevel.ts';

/**
 * Runs a function, and fails when it has not suspended its task: when it has ended without the loop having run anything else meanwhile.
 * An error of the function is passed on.
 *
 * As `trio.testing.assert_checkpoints`.
 *
 * @param fn an async function or a generator function, or a function that returns an awaitable
 * @returns what the function returns
 * @throws {RuntimeError} when it has not suspended
 * @example
 * await assertSuspends(() => sleep(1));
 */
export function assertSuspends<T>(fn: CoroutineFunction<T>): AwaitableCoroutine<T> {
  return observed(checked('assertSuspends', fn), true) as AwaitableCoroutine<T>;
}

/**
 * Runs a function, and fails when it has suspended its task: when the loop could run something else before it ended. Between two lines that do
 * not suspend nothing can change.
 *
 * As `trio.testing.assert_no_checkpoints`.
 *
 * @param fn an async function or a generator function, or a function that returns an awaitable
 * @returns what the function returns
 * @throws {RuntimeError} when it has suspended, also when it has failed; the error of the function is then the `cause`
 * @example
 * const lock = new Lock();
 * await assertDoesNotSuspend(() => lock.acquire());
 */
export function assertDoesNotSuspend<T>(fn: CoroutineFunction<T>): AwaitableCoroutine<T> {
  return observed(checked('assertDoesNotSuspend', fn), false) as AwaitableCoroutine<T>;
}

function checked(call: string, fn: CoroutineFunction<unknown>): CoroutineFunction<unknown> {
  if (typeof fn === 'function') return fn;
  throw typeError(`${call}: a function is required, got ${describe(fn)}; write ${call}(() => …)`, 'NOT_CALLABLE');
}

const observed = /* @__PURE__ */ libraryCoroutine(function* assertSuspends(
  fn: CoroutineFunction<unknown>,
  mustSuspend: boolean,
): Generator<unknown, unknown, unknown> {
  let hasSuspended = false;
  let outcome: boolean | null = null;
  // Whatever suspends lets this run, and because of it no task is alone, for which the loop takes short cuts.
  const witness = getRunningLoop().callSoon(() => {
    hasSuspended = true;
  });
  // Looked at where the function ends: to come back from an async function takes an iteration of its own.
  const note = (): void => {
    outcome ??= hasSuspended;
  };
  let failure: { readonly error: unknown } | null = null;
  let result: unknown;
  try {
    result = yield* iterableOf(noting(fn, note));
  } catch (error) {
    failure = { error };
  }
  witness.cancel();
  const suspended = outcome ?? hasSuspended;
  if (!mustSuspend && suspended) {
    throw new RuntimeError(
      `${describeFunction(fn)} has suspended its task, and must not: something in it waits for the loop`,
      failure === null ? { code: 'SUSPENDED' } : { code: 'SUSPENDED', cause: failure.error },
    );
  }
  if (failure !== null) throw failure.error;
  if (mustSuspend && !suspended) {
    throw new RuntimeError(
      `${describeFunction(fn)} has not suspended its task, and must: nothing else could run, and no cancellation could arrive`,
      { code: 'NOT_SUSPENDED' },
    );
  }
  return result;
});

/** The function as it is, for generators; one that notes when its promise settles, for async functions. */
function noting(fn: CoroutineFunction<unknown>, note: () => void): CoroutineFunction<unknown> {
  return () => {
    const begun = fn();
    if (!(begun instanceof Promise)) return begun;
    return notingEnd(begun, note);
  };
}

async function notingEnd(begun: Promise<unknown>, note: () => void): Promise<unknown> {
  try {
    return await begun;
  } finally {
    note();
  }
}
