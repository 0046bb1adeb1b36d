import { ValueError } from '../../errors/index.ts';
import { typeError } from '../../errors/type-error.ts';
import { describe } from '../../internal/describe.ts';
import type { Whence } from './file-content.ts';

/** Where `seek` counts from, in words or as Python's numbers. */
export type WhenceLike = Whence | 0 | 1 | 2;

const WHENCE: ReadonlyMap<unknown, Whence> = /* @__PURE__ */ new Map<WhenceLike, Whence>([
  [0, 'start'],
  [1, 'current'],
  [2, 'end'],
  ['start', 'start'],
  ['current', 'current'],
  ['end', 'end'],
]);

/** @throws {ValueError} when it is unknown */
export function checkWhence(name: string, whence: unknown): Whence {
  const known = WHENCE.get(whence);
  if (known !== undefined) return known;
  throw new ValueError(`${name}: invalid whence: ${describe(whence)}; it is 'start', 'current' or 'end' (0, 1 or 2)`, {
    code: 'INVALID_WHENCE',
  });
}

/** @throws {TypeError} when it is not a whole number */
export function checkCount(name: string, count: unknown): void {
  if (Number.isSafeInteger(count)) return;
  throw typeError(`${name}: a whole number is required, got ${describe(count)}`);
}

/** @throws {ValueError} when they are invalid */
export function checkPermissions(name: string, permissions: unknown): void {
  if (Number.isInteger(permissions) && (permissions as number) >= 0 && (permissions as number) <= 0o7777) return;
  throw new ValueError(`${name}: permissions must be a number from 0 to 0o7777, got ${describe(permissions)}`, {
    code: 'INVALID_PERMISSIONS',
  });
}

/** @throws {TypeError} when it is not a whole number @throws {ValueError} when it is negative */
export function checkPosition(name: string, position: number): void {
  checkCount(name, position);
  if (position >= 0) return;
  throw new ValueError(`${name}: negative position ${position}: a file begins at 0`, { code: 'INVALID_POSITION' });
}
