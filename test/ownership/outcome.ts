/** How things end in the model, and the ways in which it can be made wrong on purpose. */
import type { Ticks } from './program.ts';

/** An error, as far as traces tell one from another. */
export interface Failure {
  readonly name: string;
  readonly parts?: readonly Failure[];
  readonly cause?: Failure;
}

export const CANCELLED: Failure = { name: 'CancelledError' };

/** Whether an error is a cancellation, or one in disguise (R11). */
export function isCancellation(failure: Failure, mutation: Mutation | null = null): boolean {
  if (failure.name === 'CancelledError') return true;
  if (mutation === 'disguise-is-an-error') return false;
  if (failure.name === 'AbortError') return failure.cause !== undefined && isCancellation(failure.cause);
  return (
    failure.name === 'AggregateError' &&
    failure.parts!.length > 0 &&
    failure.parts!.every((part) => isCancellation(part))
  );
}

export type Outcome = { readonly failure: Failure } | { readonly failure: null; readonly value: string | undefined };

export const OK: Outcome = { failure: null, value: undefined };

/** Ways in which the model can be made wrong on purpose, to see that the referee finds the difference. */
export const MUTATIONS = {
  'deadline-cancels-task': 'R1: a deadline reaches all waits of its task',
  'count-at-task': 'R2: what constructs ask for is counted at the task',
  'leftover-takes-request': 'R3: a request that hit leftovers only counts as delivered',
  'foreign-loses-request': 'R3: a request that comes while a line is at a foreign promise is lost',
  'leftover-hands-down': 'R4: a leftover cancels what it waits for',
  'then-waits': 'R5: then(f) of a task is a wait',
  'callback-is-a-line': 'R6: a callback of the runtime is a line of the task that set it',
  'callback-shares-variables': 'R7: what a callback sets is seen by the task',
  'late-line-goes-on': 'R8: a line that comes back into a lost scope is not told',
  'failed-scope-leaves-lines': 'R8: lines that wait when their scope fails go on',
  'late-is-success': 'R9: a body that ends after its deadline is a success',
  'foreign-is-waited-for': 'R9: a plain body that has begun no wait is waited for',
  'late-values-are-dropped': 'R10: nobody gets what a promise brings too late',
  'disguise-is-an-error': 'R11: cancellations in disguise are errors like others',
} as const;

export type Mutation = keyof typeof MUTATIONS;

/** Parts that the comparison can leave out: where the runtime cannot tell, or as long as the library is known to be wrong. */
export const PARTS = {
  callbacks: 'R6: callbacks of the runtime',
  late: 'R8: a line that comes back into a lost scope is told',
  bound: 'R6: functions that are bound to an async context',
  'self-cancel': 'R3: a line asks for the end of its own task, and others are told',
  stories: 'R12: a CancelledError without a message tells whose it is',
} as const;

export type Part = keyof typeof PARTS;

/** Where the contract leaves open what happens next: the comparison ends before this time. */
export interface Cut {
  readonly at: Ticks;
  readonly why: string;
  /** Left out on request: what comes after says nothing. */
  readonly isChosen: boolean;
}
