import { currentScope } from '../kernel/lowlevel.ts';
import { Timeout } from './timeout.ts';

/** The earliest deadline of the timeouts around the code that runs, in seconds of the loop's clock; `null` when there is none. */
export function deadlineAround(): number | null {
  let found: number | null = null;
  for (let scope = currentScope(); scope !== null; scope = scope.parent) {
    if (scope.owner instanceof Timeout) found = earliest(found, scope.owner.when());
  }
  return found;
}

/** The earlier one of two times, each of which may be `null` for none. */
export function earliest(one: number | null, other: number | null): number | null {
  if (one === null || other === null) return one ?? other;
  return Math.min(one, other);
}
