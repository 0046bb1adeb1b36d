import { describe } from '../internal/describe.ts';
import { ValueError } from './errors.ts';
import { typeError } from './type-error.ts';

/** Selects errors: a class of errors, or a function that returns whether an error matches. */
export type ErrorMatcher<E extends Error = Error> =
  | (abstract new (
      ...args: never[]
    ) => E)
  | ((error: unknown) => boolean);

/**
 * Several errors of tasks that ran at the same time, as a task group throws them.
 *
 * @example
 * const [timeouts, rest] = group.split(TimeoutError);
 * if (rest !== null) throw rest;
 */
export class ExceptionGroup<E = unknown> extends AggregateError {
  declare errors: E[];
  readonly code = 'EXCEPTION_GROUP';
  /** What the errors have in common; `message` also lists the errors. */
  #subject: string | null = null;

  /**
   * @param message what the errors have in common
   * @param errors at least one error; a group may hold groups
   * @throws {ValueError} when `errors` is empty
   * @throws {TypeError} when the message is no string, or `errors` are no list
   */
  constructor(message: string, errors: Iterable<E>, options?: ErrorOptions) {
    if (typeof message !== 'string' || typeof errors !== 'object' || errors === null || !(Symbol.iterator in errors)) {
      throw typeError(
        `ExceptionGroup: a message and a list of errors are required, got ${describe(message)} and ${describe(errors)}; ` +
          "write new ExceptionGroup('what failed', [error])",
      );
    }
    const list = [...errors];
    if (list.length === 0) throw new ValueError('ExceptionGroup: at least one error is required, got none');
    super(list, message, options);
  }

  /**
   * A group whose message says what failed, for logs that keep only `String(error)`. The groups that it is split into hold other errors, so
   * their messages have only the subject. @internal
   */
  static tellingOf<E>(subject: string, summary: string, errors: Iterable<E>): ExceptionGroup<E> {
    const group = new ExceptionGroup(`${subject} (${summary})`, errors);
    group.#subject = subject;
    return group;
  }

  override get name(): string {
    return 'ExceptionGroup';
  }

  /** The same group with other errors. A subclass overrides it so that `split` and `subgroup` make groups of its class. */
  derive(errors: Iterable<E>): ExceptionGroup<E> {
    return new ExceptionGroup(this.#subject ?? this.message, errors);
  }

  /** The group of the errors that match, at any depth; nested groups stay nested. `null` when none matches. */
  subgroup(matcher: ErrorMatcher): ExceptionGroup<E> | null {
    return this.split(matcher)[0];
  }

  /** The group of the errors that match and the group of those that do not; an empty one is `null`. */
  split(matcher: ErrorMatcher): [ExceptionGroup<E> | null, ExceptionGroup<E> | null] {
    const matches = predicate(matcher);
    if (matches(this)) return [this, null];
    const matching: E[] = [];
    const others: E[] = [];
    for (const error of this.errors) {
      if (error instanceof ExceptionGroup) {
        const [some, rest] = error.split(matcher);
        if (some !== null) matching.push(some as E);
        if (rest !== null) others.push(rest as E);
      } else {
        (matches(error) ? matching : others).push(error);
      }
    }
    return [this.#part(matching), this.#part(others)];
  }

  #part(errors: E[]): ExceptionGroup<E> | null {
    if (errors.length === 0) return null;
    const part = this.derive(errors);
    if ('cause' in this) part.cause = this.cause;
    if (this.stack !== undefined) part.stack = this.stack;
    return part;
  }
}

function predicate(matcher: ErrorMatcher): (error: unknown) => boolean {
  if (typeof matcher !== 'function') {
    throw typeError(
      `ExceptionGroup: a class of errors or a function is required, got ${describe(matcher)}; write group.split(TypeError) or ` +
        'group.split((error) => …)',
      'NOT_CALLABLE',
    );
  }
  if (isErrorClass(matcher)) return (error) => error instanceof matcher;
  return matcher;
}

function isErrorClass(matcher: ErrorMatcher): matcher is abstract new (...args: never[]) => Error {
  return matcher === Error || matcher.prototype instanceof Error;
}
