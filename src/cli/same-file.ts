import { existsSync, realpathSync } from 'node:fs';

/** Whether two names lead to one file, so that to write to one would destroy the other. A file that does not exist is nobody's. */
export function isSameFile(one: string, other: string): boolean {
  return existsSync(one) && existsSync(other) && realpathSync(one) === realpathSync(other);
}
