import { existsSync, readdirSync, realpathSync, statSync } from 'node:fs';
import path from 'node:path';
import { types } from 'node:util';
import type { CoroutineLike } from '../index.ts';
import type { Library } from './library.ts';
import { UsageError } from './usage-error.ts';

/** What a file exports. */
export type Exports = Readonly<Record<string, unknown>>;

const EXAMPLE = 'export async function main() { … }';

/**
 * The file of a program, as an absolute path without symbolic links.
 *
 * @throws {UsageError} when there is no such file
 */
export function locate(file: string): string {
  const absolute = path.resolve(file);
  if (!existsSync(absolute))
    throw new UsageError(`cannot open '${file}': there is no such file${suggestion(absolute)}`);
  if (statSync(absolute).isDirectory()) throw new UsageError(`cannot open '${file}': it is a folder`);
  return realpathSync(absolute);
}

/** Files of the same name with another ending: for `asyncio run main` when `main.ts` was meant. */
function suggestion(absolute: string): string {
  const { dir, name } = path.parse(absolute);
  if (!existsSync(dir)) return '';
  const alike = readdirSync(dir).filter((entry) => path.parse(entry).name === name && /\.[cm]?[jt]s$/.test(entry));
  return alike.length === 0 ? '' : `; there is ${alike.join(', ')}`;
}

/**
 * The export of a file to run, ready to be passed to `run()`: its default export or its `main`, whichever can be run. `null` when it has
 * neither.
 *
 * @param args what a function is called with
 * @param library that of the program: the command has loaded no other copy, since loading one takes long
 * @throws {UsageError} when its exports cannot be run
 */
export function findMain(
  exports: Exports,
  args: readonly string[],
  { iscoroutine }: Pick<Library, 'iscoroutine'>,
): CoroutineLike<unknown> | null {
  const found = ['default', 'main'].filter((name) => exports[name] !== undefined);
  const isRunnable = (value: unknown): boolean => typeof value === 'function' || iscoroutine(value);
  const name = found.find((candidate) => isRunnable(exports[candidate])) ?? found[0];
  if (name === undefined) return null;
  const value = exports[name];
  const what = name === 'main' ? 'main' : 'the default export';
  if (typeof value === 'function') return bound(value, what, args);
  if (!iscoroutine(value)) throw new UsageError(`${what} is not a coroutine function, but ${describe(value)}`);
  if (args.length > 0) throw new UsageError(`${what} is a coroutine, not a function: it takes no arguments`);
  return value;
}

/**
 * The function with its arguments. It is bound, because a bound generator function is still one, which the kernel recognises without
 * calling it.
 */
function bound(fn: object, what: string, args: readonly string[]): CoroutineLike<unknown> {
  if (types.isAsyncFunction(fn) && types.isGeneratorFunction(fn)) {
    throw new UsageError(
      `${what} is not a coroutine function, but an async generator function: the values that it yields would not be used`,
    );
  }
  const main = fn as (...args: readonly string[]) => PromiseLike<unknown>;
  const name = main.name === 'default' || main.name === '' ? 'main' : main.name;
  return Object.defineProperty(main.bind(undefined, ...args), 'name', { value: name });
}

function describe(value: unknown): string {
  if (value instanceof Promise) return 'a promise, whose work began outside the loop: export main itself, not main()';
  const what = value === null ? 'null' : `${typeof value === 'object' ? 'an' : 'a'} ${typeof value}`;
  return `${what}: write ${EXAMPLE}`;
}

/** The error for a file without anything to run. */
export function nothingToRun(file: string, exports: Exports): UsageError {
  const names = Object.keys(exports);
  const there = names.length === 0 ? 'no exports' : `the exports ${names.join(', ')}`;
  return new UsageError(`'${file}' has nothing to run: it has ${there}, but no main and no default; write ${EXAMPLE}`);
}
