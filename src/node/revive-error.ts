import {
  ExceptionGroup,
  InvalidStateError,
  LookupError,
  QueueEmpty,
  QueueFull,
  QueueShutDown,
  RuntimeError,
  TimeoutError,
  ValueError,
} from '../errors/index.ts';
import type { PortableError } from './portable-error.ts';

/**
 * The classes that come back as what they were. `CancelledError` is none of them: the cancellation of a task over there must not be
 * taken for that of the task that waits here.
 */
const CLASSES: ReadonlyMap<string, new (message?: string) => Error> = new Map(
  [
    EvalError,
    RangeError,
    ReferenceError,
    SyntaxError,
    TypeError,
    URIError,
    InvalidStateError,
    LookupError,
    QueueEmpty,
    QueueFull,
    QueueShutDown,
    RuntimeError,
    TimeoutError,
    ValueError,
  ].map((Class) => [Class.name, Class]),
);

/** What was thrown in another thread or process: of the same class where it is known here, otherwise an `Error` of that name. */
export function reviveError(error: PortableError): unknown {
  if ('thrown' in error) return error.thrown;
  const { name = 'Error', message = '', stack, code, cause } = error;
  const revived = emptyError(error, name, message);
  if (revived.name !== name) define(revived, 'name', name);
  if (stack !== undefined) define(revived, 'stack', stack);
  if (code !== undefined) define(revived, 'code', code);
  if (cause !== undefined) define(revived, 'cause', reviveError(cause));
  return revived;
}

function emptyError({ errors }: PortableError, name: string, message: string): Error {
  if (errors === undefined) return new (CLASSES.get(name) ?? Error)(message);
  const members = errors.map(reviveError);
  return name === 'ExceptionGroup' && members.length > 0
    ? new ExceptionGroup(message, members)
    : new AggregateError(members, message);
}

function define(error: Error, key: string, value: unknown): void {
  Object.defineProperty(error, key, { value, configurable: true, writable: true, enumerable: key === 'code' });
}
