import { ValueError } from '../errors/index.ts';
import { typeError } from '../errors/type-error.ts';
import { describe } from '../internal/describe.ts';
import { checkOptions } from '../internal/options.ts';
import { RULES, type Rule, type TaskPolicy } from './policy.ts';

/** Options of `useTask`. */
export interface UseTaskOptions {
  /** What becomes of a call while an earlier one runs. Default: `restart`. */
  readonly policy?: TaskPolicy | undefined;
  /** The name of its tasks, for messages and tools. Default: the name of the function. */
  readonly name?: string | undefined;
}

/** The options, checked, with what was left out. */
export interface Settings {
  readonly rule: Rule;
  readonly name: string;
}

/**
 * Checks what `useTask` was called with.
 *
 * @param others the names of further options that an adapter has
 * @throws {TypeError} when `fn` is no function, or an option does not exist
 * @throws {ValueError} when there is no such policy
 */
export function settingsOf(fn: unknown, options: UseTaskOptions, others: readonly string[] = []): Settings {
  if (typeof fn !== 'function') {
    throw typeError(
      `useTask: an async function or a generator function is required, got ${describe(fn)}; write useTask(async () => …)`,
      'NOT_CALLABLE',
    );
  }
  checkOptions('useTask', options, ['policy', 'name', ...others]);
  const { policy = 'restart', name = fn.name } = options;
  if (!Object.hasOwn(RULES, policy)) {
    throw new ValueError(`useTask: policy must be ${Object.keys(RULES).join(', ')}, got ${describe(policy)}`);
  }
  return { rule: RULES[policy], name: name === '' ? 'useTask' : String(name) };
}
