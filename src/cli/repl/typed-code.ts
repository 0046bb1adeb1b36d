import * as module from 'node:module';
import vm from 'node:vm';
import { wrapAwaits } from './await-operands.ts';

/** Typed code as it is run: types are taken away, and what is awaited goes through a function. */
export function prepare(code: string, wrap: string): string {
  const script = compiles(code) ? code : withoutTypes(code);
  const wrapped = wrapAwaits(script, wrap);
  // A text that was misunderstood is run as it was typed.
  return wrapped === script || compiles(wrapped) || !compiles(script) ? wrapped : script;
}

/** Whether a line gives its value to something, so that the value is not meant to be awaited. */
export function isAssignment(code: string): boolean {
  return /^\s*[\p{ID_Start}$_][\p{ID_Continue}$.[\]'"]*\s*(?:\*\*|&&|\|\||\?\?|[-+*/%&|^])?=(?![=>])/u.test(code);
}

function withoutTypes(code: string): string {
  // Named as a member: it does not exist in every Node.
  const { stripTypeScriptTypes: strip } = module as { stripTypeScriptTypes?: (code: string) => string };
  if (strip === undefined) return code;
  try {
    return strip(code);
  } catch {
    return code; // neither, or not complete yet: the runtime's own message is better
  }
}

function compiles(code: string): boolean {
  try {
    new vm.Script(`(async () => {\n${code}\n})`);
    return true;
  } catch {
    try {
      new vm.Script(`(async () => (\n${code}\n))`); // an object, as in `{ a: 1 }, …`
      return true;
    } catch {
      return false;
    }
  }
}
