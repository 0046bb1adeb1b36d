import { placesOutside } from '../kernel/lowlevel.ts';

/** One function of a call stack. */
export interface CallFrame {
  /** The name of the function; empty where it has none. */
  readonly name: string;
  /** `function` also where the engine does not tell, as for an async function that has not yet waited. */
  readonly kind: 'async' | 'generator' | 'function';
  /** The file, as a path; `null` where the place is not known. */
  readonly file: string | null;
  readonly line: number | null;
  readonly column: number | null;
}

type Writable<T> = { -readonly [K in keyof T]: T[K] };

/** Where the runtime runs microtasks: what stands above goes on after an `await`, what stands below awaits it. Mapped stacks say no `async`. */
const MICROTASKS = /processTicksAndRejections$|runMicrotasks$/;

/** Functions of the library that begin a step: what is below them on the stack belongs to another task. */
const BEGINS_A_STEP = new Set(['step', '_call', 'callFirst', 'callInTask', 'runAs', '_beginBody']);

/**
 * The functions of a program that a stack shows, the innermost first, down to where the library has begun the task's step. Frames of the
 * library and of the runtime are left out.
 *
 * @param stack in the words of the engine; its first frame is in this library
 * @param asyncAt whether the function that the engine has called is an async function
 */
export function framesOf(stack: string, asyncAt = false): CallFrame[] {
  const isOfProgram = placesOutside(stack);
  const found: CallFrame[] = [];
  let hasAsync = false;
  for (const line of stack.split('\n')) {
    if (/^\s*at (?:async )?\S*\.?(?:next|throw) \(<anonymous>\)$/.test(line)) {
      const last = found.pop();
      if (last !== undefined) found.push({ ...last, kind: 'generator' });
      continue;
    }
    const frame = frameIn(line);
    if (frame === null) continue;
    if (MICROTASKS.test(frame.name)) {
      markAsync(found);
      hasAsync = true;
      continue;
    }
    if (hasAsync && frame.kind === 'function') frame.kind = 'async';
    if (isOfProgram(`${frame.file}:${frame.line}:${frame.column}`)) {
      // What stands above the first async function was called by the engine to go on, so that it is one too.
      if (frame.kind === 'async' && !hasAsync) markAsync(found);
      hasAsync ||= frame.kind === 'async';
      found.push(frame);
    } else if (found.length > 0 && BEGINS_A_STEP.has(frame.name.replace(/^.*\./, ''))) {
      break;
    }
  }
  if (asyncAt && !hasAsync) markAsync(found);
  return found.map(({ file, ...frame }) => ({ ...frame, file: file === null ? null : pathOf(file) }));
}

function markAsync(frames: CallFrame[]): void {
  const last = frames.pop();
  if (last !== undefined) frames.push(last.kind === 'function' ? { ...last, kind: 'async' } : last);
}

/** `at async f (file:1:2)` in V8, `f@file:1:2` in JavaScriptCore. */
function frameIn(line: string): Writable<CallFrame> | null {
  const v8 = /^\s*at (async )?(?:(.*?) \()?(.+?):(\d+):(\d+)\)?$/.exec(line);
  const found = v8 ?? /^()(.*)@(.+?):(\d+):(\d+)$/.exec(line);
  if (found === null) return null;
  const [, isAsync, name = '', file, at, column] = found;
  const kind = isAsync === undefined || isAsync === '' ? 'function' : 'async';
  return { name: plainName(name), kind, file: file!, line: Number(at), column: Number(column) };
}

/** `Foo.load [as read]` is `Foo.load`. */
function plainName(name: string): string {
  const plain = name.replace(/ \[as .*\]$/, '');
  return plain === '<anonymous>' ? '' : plain;
}

/** The path of a `file:` URL; other URLs as they are. */
export function pathOf(url: string): string {
  if (!url.startsWith('file://')) return url;
  try {
    return decodeURIComponent(url.slice('file://'.length).replace(/^\/(?=[A-Za-z]:)/, ''));
  } catch {
    return url;
  }
}
