import { expect } from 'vitest';
import { thrownBy } from './programs.ts';

/** What the error of a mistake must be. */
export interface Expected {
  readonly type: abstract new (...args: never[]) => Error;
  readonly code: string;
  /** What the message must name: what was given, the state it found, the fix. */
  readonly says: readonly string[];
}

/** Checks an error's class, its code and what it says. */
export function expectMistake(error: unknown, { type, code, says }: Expected): void {
  expect(error).toBeInstanceOf(type);
  expect((error as { readonly code?: unknown }).code).toBe(code);
  for (const words of says) expect((error as Error).message).toContain(words);
}

/** Checks what a call throws. */
export function expectThrown(call: () => unknown, expected: Expected): void {
  expectMistake(thrownBy(call), expected);
}
