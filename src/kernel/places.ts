import { logger } from './runtime/platform.ts';

/** How many reports are remembered. When there are more, the oldest one is forgotten, and may come again. */
const MOST_REPORTS = 1_000;

const reports: Set<string> = /* @__PURE__ */ new Set();

/**
 * Warns of a mistake once for each place of the program that makes it: the line outside this library that has called
 * into it.
 *
 * Must be called while that line is on the stack. When the line cannot be distinguished from this library (in a program
 * that is bundled into one file with it), the whole stack is used as the place.
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

/**
 * The line of the program that was on the stack when this object was made. It is computed when it is read, because that
 * takes fifty times as long as making the object, and most places are never shown.
 */
export class CallSite {
  readonly #error: Error;
  #text: string | null | undefined;

  /** @param depth how many frames are kept, those of the library among them */
  constructor(depth = DEPTH) {
    // The frames of the library come before those of the program, and may be more than an error has by default.
    const limit = V8_ERROR.stackTraceLimit;
    if (limit !== undefined) V8_ERROR.stackTraceLimit = Math.max(limit, depth);
    this.#error = new Error('place');
    if (limit !== undefined) V8_ERROR.stackTraceLimit = limit;
  }

  /**
   * The stack as the JavaScript engine writes it, without the frames of other tasks. Its first frame is in this
   * library.
   */
  get stack(): string {
    return ofOneTask(this.#error.stack ?? '');
  }

  /** The place as `file:line:column`; `null` when there is none. */
  get text(): string | null {
    this.#text ??= callerOf(this.stack);
    return this.#text;
  }

  /** The name of the function that the place is in; empty where it has none. */
  get functionName(): string {
    const { text } = this;
    if (text === null) return '';
    const lines = this.stack.split('\n');
    return functionIn(lines.find((line) => placeIn(line) === text) ?? '');
  }
}

/**
 * The place in the program that has called a function that is on the stack, as `file:line:column`; `null` when this
 * library has called it, or the runtime.
 */
export function placeThatCalled(call: (...args: never[]) => unknown): string | null {
  const { captureStackTrace } = Error as { captureStackTrace?: (error: Error, call: unknown) => void };
  if (captureStackTrace === undefined) return callerPlace();
  const error = new Error('place');
  const [own] = placesIn(error.stack ?? '');
  captureStackTrace(error, call);
  const [caller] = placesIn(error.stack ?? '');
  return own === undefined || caller === undefined || isForeign(caller, libraryOf(own)) ? (caller ?? null) : null;
}

/** How many frames a `CallSite` keeps. */
const DEPTH = 24;
const V8_ERROR = Error as ErrorConstructor & { stackTraceLimit?: number };

/** The innermost line of the program on the stack (`null` when there is none), and the whole stack. */
export function callerPlaceAndStack(): { readonly place: string | null; readonly stack: string } {
  const stack = new Error('place').stack ?? '';
  return { place: callerOf(stack), stack: stack.slice(stack.indexOf('\n')) };
}

/**
 * The innermost line of a stack that is neither in this library nor in the runtime, as `file:line:column`; `null` when
 * there is none.
 *
 * @param stack the stack of an error that was made in this module, so that its first frame shows where this library is
 */
export function callerOf(stack: string): string | null {
  return placesIn(ofOneTask(stack)).find(placesOutside(stack)) ?? null;
}

/**
 * A stack without the frames of other tasks. When an async function begins to wait, the loop may run the next tasks
 * from inside that call. Then the frames below the loop's own are those of the function that waits, which has not
 * called the next task.
 */
function ofOneTask(stack: string): string {
  if (!stack.includes(BATCH)) return stack;
  const isOutside = placesOutside(stack);
  const lines = stack.split('\n');
  // A program may have a method of this name as well.
  const end = lines.findIndex((line) => line.includes(BATCH) && !isOutside(placeIn(line) ?? ''));
  return lines.slice(0, end < 0 ? undefined : end).join('\n');
}

/** The method of the scheduler that runs the tasks that are ready. */
const BATCH = '#runBatch';

/**
 * Returns a function that tells whether a place is in the program, and not in this library or the runtime.
 *
 * @param stack the stack of a `CallSite`
 */
export function placesOutside(stack: string): (place: string) => boolean {
  const [own = ''] = placesIn(stack);
  const library = libraryOf(own);
  return (place) => isForeign(place, library);
}

function placesIn(stack: string): string[] {
  return stack.split('\n').flatMap((line) => placeIn(line) ?? []);
}

/** The folder of the library, by a place in this module. */
function libraryOf(own: string): string {
  // In the bundle: beside this file, and in the folders there. Otherwise this module is one folder below the library.
  return own.replace(/(?:kernel[\\/])?[^\\/]*$/, '');
}

function isForeign(place: string, library: string): boolean {
  return !place.startsWith(library) && !RUNTIME.test(place);
}

/** The prefixes of a runtime's own modules. */
const RUNTIME = /^(?:node|ext|native|bun|internal):/;

/**
 * The name of the function of a frame: `f` of `at async Object.f [as g] (file:1:2)`, and of `f@file:1:2`; empty where
 * it has none.
 */
function functionIn(line: string): string {
  const name =
    /^\s*at (?:async |new )?(.*?)(?: \[as [^\]]*\])? \(/.exec(line)?.[1] ?? /^\s*([^\s@]+)@/.exec(line)?.[1] ?? '';
  const own = name.replace(/\.next$/, '').replace(/^(?:Object|Function|Module)\./, '');
  return /<anonymous>|^[^\p{L}_$#]|^next$/u.test(own) ? '' : own;
}

/** `at f (file:1:2)` and `at async file:1:2` in V8, `f@file:1:2` in JavaScriptCore. */
function placeIn(line: string): string | null {
  const frame = /^\s*at (?:async )?(.*)$/.exec(line);
  const place = frame === null ? line.slice(line.indexOf('@') + 1) : (/\((.*)\)$/.exec(frame[1]!)?.[1] ?? frame[1]!);
  return /.:\d+:\d+$/.test(place) ? place : null;
}
