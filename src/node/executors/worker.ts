/** The code that runs in a worker thread or process. It imports only what it needs, because each worker loads it again. */

import { pack, packThrown } from '../border/pack.ts';
import type { Border, Packed } from '../border/packed.ts';
import { guarded, messageOf } from '../border/reading.ts';
import { sentence } from '../border/search.ts';
import type { Assignment, FailureKind, InlineWork, ModuleWork, PackedCall, Reply } from './work.ts';

type AnyFunction = (...args: readonly unknown[]) => unknown;

/** A failure with more details than the thrown error. */
class Failure extends Error {
  readonly kind: FailureKind;
  readonly detail: string | undefined;

  constructor(kind: FailureKind, cause: unknown, detail?: string) {
    super(kind, { cause });
    this.kind = kind;
    this.detail = detail;
  }
}

/** A job may have thrown a proxy, which may throw when it is asked for its class. */
function asFailure(error: unknown): Failure | null {
  return guarded(() => (error instanceof Failure ? error : null), null);
}

let isInitialized = false;
const inlineFunctions = new Map<string, AnyFunction>();

/** The message to a worker thread. */
export function performInThread(assignment: Assignment): Promise<Reply> {
  return perform(assignment, 'thread');
}

/** Does an assignment. Never throws: failures are answers, too. */
export async function perform({ initializer, ...assigned }: Assignment, border: Border): Promise<Reply> {
  try {
    if (initializer !== null && !isInitialized) {
      await initialize(initializer);
      isInitialized = true;
    }
    const packing = pack(await call(assigned), border);
    return 'packed' in packing
      ? { value: packing.packed }
      : failed('result', new TypeError(`result${sentence(packing.problem)}`), border);
  } catch (error) {
    const failure = asFailure(error);
    if (failure === null) return failed('thrown', error, border);
    return failed(failure.kind, failure.cause, border, failure.detail);
  }
}

/** The answer in place of a result that cannot be cloned. */
export function cannotBeSent(cause: unknown, border: Border): Reply {
  return failed('result', new TypeError(`result cannot be cloned: ${messageOf(cause)}`), border);
}

function failed(failure: FailureKind, error: unknown, border: Border, detail?: string): Reply {
  return { failure, error: packThrown(error, border), ...(detail === undefined ? {} : { detail }) };
}

async function initialize(initializer: PackedCall): Promise<void> {
  try {
    await call(initializer);
  } catch (error) {
    const failure = asFailure(error);
    throw new Failure('initializer', failure === null ? error : failure.cause);
  }
}

async function call({ work, args: packed }: PackedCall): Promise<unknown> {
  const args = await unpacked(packed);
  if ('url' in work) return (await exported(work))(...args);
  const fn = inline(work);
  try {
    return await fn(...args);
  } catch (error) {
    const name = missingName(error);
    if (name === null || !work.expression.includes(name)) throw error;
    throw new Failure('capture', error, name);
  }
}

async function unpacked(args: Packed): Promise<readonly unknown[]> {
  if (args.errors === undefined) return args.value as readonly unknown[];
  const { unpack } = await import('../border/unpack.ts'); // with all the classes of errors
  return unpack(args) as readonly unknown[];
}

async function exported({ url, exportName }: ModuleWork): Promise<AnyFunction> {
  let module: Readonly<Record<string, unknown>>;
  try {
    module = await import(url);
  } catch (error) {
    throw new Failure('module', error);
  }
  const fn = module[exportName];
  if (typeof fn === 'function') return fn as AnyFunction;
  const functions = Object.keys(module).filter((key) => typeof module[key] === 'function');
  throw new Failure('export', null, functions.join(', '));
}

/** Helper functions that tools insert into the source of functions: esbuild for names, Vite for `import()`. */
const HELPERS = {
  __name: (named: unknown) => named,
  __vite_ssr_dynamic_import__: (specifier: string) => import(specifier),
};

/** Compiled outside any scope: variables that the function captured in its module do not exist. */
function inline({ expression }: InlineWork): AnyFunction {
  let fn = inlineFunctions.get(expression);
  if (fn === undefined) {
    const make = new Function(...Object.keys(HELPERS), `'use strict'; return (${expression}\n);`);
    fn = make(...Object.values(HELPERS)) as AnyFunction;
    inlineFunctions.set(expression, fn);
  }
  return fn;
}

/** The messages of V8 and of JavaScriptCore for a variable that does not exist. */
const NO_SUCH_VARIABLE = /^(?:Can't find variable: (\S+)|(\S+) is not defined)$/;

function missingName(error: unknown): string | null {
  if (!guarded(() => error instanceof ReferenceError, false)) return null;
  const match = NO_SUCH_VARIABLE.exec(messageOf(error));
  return match?.[1] ?? match?.[2] ?? null;
}
