import { typeError } from '../errors/type-error.ts';
import { describe } from '../internal/describe.ts';

/**
 * Checks what a call was given as its event loop.
 *
 * @param call the function that was called, for messages
 * @param hint what to write
 * @throws {TypeError} when it is not a loop
 */
export function checkLoop(call: string, loop: unknown, hint = ''): void {
  if (typeof (loop as { callSoon?: unknown } | null | undefined)?.callSoon === 'function') return;
  throw typeError(`${call}: an event loop is required, got ${describe(loop)}${hint}`, 'NOT_A_LOOP');
}
