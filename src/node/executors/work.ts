import type { Packed } from '../border/packed.ts';

/** What a worker is to call, in a form that can be sent. */
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

/** What a worker is sent. */
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
  /** The module exports no such function; `detail` says which it does. */
  | 'export'
  /** The inline function uses something that is not there: `detail`. */
  | 'capture'
  /** The result cannot be sent: `detail` says why. */
  | 'result'
  /** The initializer has failed. */
  | 'initializer';

/** What a worker answers. */
export type Reply =
  | { readonly value: Packed }
  | { readonly failure: FailureKind; readonly error: Packed; readonly detail?: string };

/** Whether a worker is of no use after an answer: runtimes keep what they know of a module that failed to load. */
export function isSpoilt(reply: Reply): boolean {
  return 'failure' in reply && (reply.failure === 'module' || reply.failure === 'initializer');
}
