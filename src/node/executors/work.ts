import type { Packed } from '../border/packed.ts';

/** The function that a worker should call, in a form that can be sent. */
export type Work = ModuleWork | InlineWork;

/** A function that a module exports. */
export interface ModuleWork {
  readonly url: string;
  readonly exportName: string;
}

/** A function by its source text. */
export interface InlineWork {
  readonly name: string;
  /** An expression whose value is the function. */
  readonly expression: string;
}

/** A call of a function with its arguments. */
export interface Call {
  readonly work: Work;
  readonly args: readonly unknown[];
}

/** A call that can be sent. */
export interface PackedCall {
  readonly work: Work;
  /** Of the array of arguments. */
  readonly args: Packed;
}

/** The message to a worker. */
export interface Assignment extends PackedCall {
  /** To be called before the first assignment of the worker. */
  readonly initializer: PackedCall | null;
}

/** Why a worker has no result. */
export type FailureKind =
  /** The function threw. */
  | 'thrown'
  /** Its module cannot be loaded. */
  | 'module'
  /** The module does not export this function; `detail` lists the ones that it exports. */
  | 'export'
  /** The inline function uses a variable that does not exist: `detail`. */
  | 'capture'
  /** The result cannot be sent: `detail` says why. */
  | 'result'
  /** The initializer has failed. */
  | 'initializer';

/** The answer of a worker. */
export type Reply =
  | { readonly value: Packed }
  | { readonly failure: FailureKind; readonly error: Packed; readonly detail?: string };

/** Whether a worker cannot be used after an answer: runtimes cache the failure of loading a module. */
export function isSpoilt(reply: Reply): boolean {
  return 'failure' in reply && (reply.failure === 'module' || reply.failure === 'initializer');
}
