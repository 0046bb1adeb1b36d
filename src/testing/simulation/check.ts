import { iscoroutinefunction } from '../../index.ts';
import type { AwaitableLike } from '../../kernel/lowlevel.ts';
import { isAwaitable, isCoroutine } from '../is-coroutine.ts';
import type { Simulation } from './simulation.ts';

/** How long real work of a check may take, such as reading a file: a check does not have to be quick as the program has. In seconds. */
const PATIENCE = 1;

/**
 * Calls a check of the user's when a program has ended. One that is a coroutine runs on the loop of the program, whose locks and queues belong
 * to it, in simulated time.
 *
 * @returns what the check has failed with; `null` when it has not
 */
export async function failureOfCheck<A extends readonly unknown[]>(
  simulation: Simulation,
  check: (...args: A) => unknown,
  ...args: A
): Promise<{ readonly error: unknown } | null> {
  const inside = async (coroutine: unknown): Promise<{ readonly error: unknown } | null> => {
    const { failure, problems } = await simulation.run(coroutine as AwaitableLike<unknown>, { patience: PATIENCE });
    if (failure !== null) return failure;
    return problems.length === 0 ? null : { error: problems[0] };
  };
  try {
    if (iscoroutinefunction(check)) return await inside(() => check(...args));
    const result = check(...args);
    if (isCoroutine(result)) return await inside(result);
    if (isAwaitable(result)) await result;
    return null;
  } catch (error) {
    return { error };
  }
}
