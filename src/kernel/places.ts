import { logger } from './runtime/platform.ts';

/** How many reports are remembered. When there are more, the oldest one is forgotten, and may come again. */
const MOST_REPORTS = 1_000;

const reports: Set<string> = /* @__PURE__ */ new Set();

/**
 * Warns of a mistake once for each place of the program that makes it: the line outside this library that has called into it.
 *
 * Must be called while that line is on the stack. When the line cannot be distinguished from this library (in a program that is bundled
 * into one file with it), the whole stack is used as the place.
 *
 * @param kind the mistake: two kinds at one place are two reports
 * @param message what is wrong, and the line to write; the place comes after it
 * @param known the place, if it was recorded before
 */
export function reportOnce(kind: string, message: string, known: string | null = null): void {
  const stack = known ?? new Error(kind).stack ?? '';
  const place = known ?? callerOf(stack);
  const key = `${kind}\n${place ?? stack}`;
  if (reports.has(key)) return;
  if (reports.size === MOST_REPORTS) reports.delete(reports.keys().next().value!);
  reports.add(key);
  logger.warn(place === null ? message : `${message}\n    at ${place}`);
}

/** The innermost line of the program on the stack; `null` when there is none. */
export function callerPlace(): string | null {
  return callerOf(new Error('place').stack ?? '');
}

/** The same, found out when it is asked for. */
export class CallerPlace {
  readonly #error = new Error('place');
  #text: string | null | undefined;

  get text(): string | null {
    if (this.#text === undefined) this.#text = callerOf(this.#error.stack ?? '');
    return this.#text;
  }
}

/** The same, but returns the whole stack when there is none. */
export function callerPlaceAndStack(): { readonly place: string | null; readonly stack: string } {
  const stack = new Error('place').stack ?? '';
  return { place: callerOf(stack), stack: stack.slice(stack.indexOf('\n')) };
}

/**
 * The innermost line of a stack that is neither in this library nor in the runtime, as `file:line:column`; `null` when there is none.
 *
 * @param stack the stack of an error that was made in this module, so that its first frame shows where this library is
 */
export function callerOf(stack: string): string | null {
  const places = stack.split('\n').flatMap((line) => placeIn(line) ?? []);
  const own = places[0];
  if (own === undefined) return null;
  // In the bundle: beside this file, and in the folders there. Otherwise this module is one folder below the library.
  const library = own.replace(/(?:kernel[\\/])?[^\\/]*$/, '');
  return places.find((place) => !place.startsWith(library) && !RUNTIME.test(place)) ?? null;
}

/** The prefixes of a runtime's own modules. */
const RUNTIME = /^(?:node|ext|native|bun|internal):/;

/** `at f (file:1:2)` and `at async file:1:2` in V8, `f@file:1:2` in JavaScriptCore. */
function placeIn(line: string): string | null {
  const frame = /^\s*at (?:async )?(.*)$/.exec(line);
  const place = frame === null ? line.slice(line.indexOf('@') + 1) : (/\((.*)\)$/.exec(frame[1]!)?.[1] ?? frame[1]!);
  return /.:\d+:\d+$/.test(place) ? place : null;
}
