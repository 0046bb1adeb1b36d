import type { BrokenExecutor } from '../../errors/executor-errors.ts';
import { RuntimeError } from '../../errors/index.ts';
import { typeError } from '../../errors/type-error.ts';
import { messageOf, type Problem, sentence, shown, unpack } from '../border/index.ts';
import { NotStarted } from './engine.ts';
import { exportNotFound } from './export-not-found.ts';
import type { Call, FailureKind, Reply, Work } from './work.ts';

export type BrokenClass = new (message: string, details: { code: string; cause?: unknown }) => BrokenExecutor;

type Failed = Extract<Reply, { failure: FailureKind }>;

/** The error for a program when a worker has no result. */
const FAILURES: Record<FailureKind, (work: Work, failed: Failed, Broken: BrokenClass) => unknown> = {
  thrown: (_work, { error }) => unpack(error),
  module: (work, { error }) => {
    const cause = unpack(error);
    return new RuntimeError(`${nameOf(work)} cannot be called: its module cannot be loaded: ${messageOf(cause)}`, {
      code: 'MODULE_NOT_LOADED',
      cause,
    });
  },
  export: (work, { detail = '' }) =>
    exportNotFound(
      'url' in work ? work.exportName : work.name,
      detail === '' ? [] : detail.split(', '),
      `${nameOf(work)} cannot be called: the module does not export this function`,
    ),
  capture: (work, { error, detail }) =>
    withCause(
      typeError(
        `${nameOf(work)} uses ${detail}, which does not exist in the worker: an inline function is sent as text, without the variables that it ` +
          `captures. Pass ${detail} as an argument, import it inside the function, or name the function with moduleFunctions()`,
        'FUNCTION_CAPTURES',
      ),
      unpack(error),
    ),
  result: (work, { error }) => resultNotSent(work, unpack(error)),
  initializer: (_work, { error }, Broken) => {
    const cause = unpack(error);
    return new Broken(`the initializer of a worker has failed: ${messageOf(cause)}`, {
      code: 'INITIALIZER_FAILED',
      cause,
    });
  },
};

export function failureOf(work: Work, failed: Failed, Broken: BrokenClass): unknown {
  return FAILURES[failed.failure](work, failed, Broken);
}

/** The error for a program when a job could not be sent to a worker, or the worker has not answered. */
export function engineFailure(work: Work, error: unknown, Broken: BrokenClass): unknown {
  if (error instanceof NotStarted) {
    const { cause } = error;
    const what = `no worker could be started for ${nameOf(work)}: ${error.message}`;
    return new Broken(what, { code: 'WORKER_NOT_STARTED', cause });
  }
  const what = `a worker has died while it ran ${nameOf(work)}: ${messageOf(error)}`;
  return new Broken(what, { code: 'WORKER_DIED', cause: error });
}

/** The error for a program when arguments cannot be sent to a worker. */
export function argumentFailure({ work, args }: Call, problem: Problem): TypeError {
  const [first] = problem.path;
  // The path begins in the array of the arguments.
  const at = first !== undefined && 'key' in first ? Number(first.key) : null;
  const [which, got] = at === null ? ['the arguments', ''] : [`argument ${at + 1}`, `, got ${shown(args[at])}`];
  return typeError(
    `${which} of ${nameOf(work)} cannot be sent to a worker${got}: it${sentence(problem, 1)}`,
    'ARGUMENT_NOT_CLONEABLE',
  );
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

/** `fib() of file:///work.ts`, or `fib()` of an inline function. */
function nameOf(work: Work): string {
  return 'url' in work ? `${work.exportName}() of ${work.url}` : `${work.name === '' ? '<anonymous>' : work.name}()`;
}
