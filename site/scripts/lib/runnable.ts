import { deflateRawSync } from 'node:zlib';
import { BASE } from './repository.ts';

/** Which programs the playground can run, and the links that open them in it. */

/** What the playground has. */
const AVAILABLE = new Set(['asyncio-ts', 'asyncio-ts/testing']);

/** What a page has not. */
const SYSTEM = /\b(process|Buffer|require|__dirname)\b\.?|\baddSignalHandler\b|\bfetch\(|\bAsyncLocalStorage\b/;

/**
 * What is different in a page: its runtime does not tell whose code goes on after a promise of others, and which branch of a task asks
 * ([Coroutines](../../../docs/coroutines.md#in-a-browser)). Examples that show just that have no link.
 */
const NEEDS_ASYNC_CONTEXT = [/Promise\.allSettled\(\[timeout\(1, \(\) => page\('a'/, /send\(\)\.catch\(send\)/];

/** Whether a block of TypeScript runs in the playground: a module whose imports are all of this library's core or testing tools. */
export function isRunnable(info: string, code: string): boolean {
  if (!/^(ts|typescript)$/.test(info)) return false;
  const imported = [...code.matchAll(/^(?:import|export)\b[^;]*?from '([^']+)'/gm)].map(([, from]) => from!);
  if (imported.length === 0 || SYSTEM.test(code)) return false;
  if (NEEDS_ASYNC_CONTEXT.some((sign) => sign.test(code))) return false;
  return imported.every((from) => AVAILABLE.has(from));
}

/** The part of a link that carries a program: `src/playground/program-link.ts` reads it. */
export function carrying(code: string): string {
  return `#code=${deflateRawSync(code).toString('base64url')}`;
}

/** A link that opens a program in the playground. */
export function runLink(code: string): string {
  return `<p class="run-this not-content"><a href="${BASE}/playground/${carrying(code)}">Run this</a></p>`;
}
