import { RuntimeError } from '../../errors/index.ts';
import { typeError } from '../../errors/type-error.ts';
import { describe } from '../../internal/describe.ts';
import { reviveError } from '../revive-error.ts';
import type { BrokenExecutor } from './errors.ts';
import { uncloneable } from './uncloneable.ts';
import type { Assignment, FailureKind, Reply, Work } from './work.ts';

export type BrokenClass = new (message: string, details: { code: string; cause?: unknown }) => BrokenExecutor;

type Failed = Extract<Reply, { failure: FailureKind }>;

/** What a program is told when a worker has no result. */
const FAILURES: Record<FailureKind, (work: Work, failed: Failed, Broken: BrokenClass) => unknown> = {
  thrown: (_work, { error }) => reviveError(error),
  module: (work, { error }) => {
    const cause = reviveError(error);
    return new RuntimeError(`${nameOf(work)} cannot be called: its module cannot be loaded: ${messageOf(cause)}`, {
      code: 'MODULE_NOT_LOADED',
      cause,
    });
  },
  export: (work, { detail }) =>
    typeError(
      `${nameOf(work)} cannot be called: the module exports no such function, but ${detail === '' ? 'none at all' : detail}`,
      'EXPORT_NOT_FOUND',
    ),
  capture: (work, { error, detail }) =>
    withCause(
      typeError(
        `${nameOf(work)} uses ${detail}, which is not there in the worker: an inline function is sent as text, without what it ` +
          `captures. Pass ${detail} as an argument, import it inside the function, or name the function with moduleFunctions()`,
        'FUNCTION_CAPTURES',
      ),
      reviveError(error),
    ),
  result: (work, { error }) => resultNotSent(work, reviveError(error)),
  initializer: (_work, { error }, Broken) => {
    const cause = reviveError(error);
    return new Broken(`the initializer of a worker has failed: ${messageOf(cause)}`, {
      code: 'INITIALIZER_FAILED',
      cause,
    });
  },
};

export function failureOf(work: Work, failed: Failed, Broken: BrokenClass): unknown {
  return FAILURES[failed.failure](work, failed, Broken);
}

/** What a program is told when a worker could not be asked, or has not answered. */
export function engineFailure({ work, args }: Assignment, error: unknown, Broken: BrokenClass): unknown {
  if (isCloneError(error)) {
    const bad = args.findIndex((arg) => !canBeCloned(arg));
    if (bad < 0) return resultNotSent(work, error);
    const problem = uncloneable(args[bad]);
    const why = problem === null ? messageOf(error) : `it${problem}`;
    const what = `argument ${bad + 1} of ${nameOf(work)} cannot be sent to a worker, got ${describe(args[bad])}: ${why}`;
    return withCause(typeError(what, 'ARGUMENT_NOT_CLONEABLE'), error);
  }
  const what = `a worker has died while it ran ${nameOf(work)}: ${messageOf(error)}`;
  return new Broken(what, { code: 'WORKER_DIED', cause: error });
}

function resultNotSent(work: Work, cause: unknown): unknown {
  const error = typeError(
    `the result of ${nameOf(work)} cannot be sent back: ${messageOf(cause)}`,
    'RESULT_NOT_CLONEABLE',
  );
  return withCause(error, cause);
}

function withCause(error: Error, cause: unknown): Error {
  return Object.defineProperty(error, 'cause', { value: cause, configurable: true, writable: true });
}

/** Runtimes differ in the class of it, and Node's `v8.serialize` throws a plain error. */
function isCloneError(error: unknown): boolean {
  return error instanceof Error && (error.name === 'DataCloneError' || /could not be cloned/.test(error.message));
}

function canBeCloned(value: unknown): boolean {
  try {
    structuredClone(value);
    return true;
  } catch {
    return false;
  }
}

/** `fib() of file:///work.ts`, or `fib()` of an inline function. */
function nameOf(work: Work): string {
  return 'url' in work ? `${work.exportName}() of ${work.url}` : `${work.name === '' ? '<anonymous>' : work.name}()`;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
