import { textOf } from '../../errors/errors.ts';
import { quote } from '../../internal/describe.ts';
import type { Request, TaskRole } from './roles.ts';

/** The number of the latest event. Steps, waits and requests are events, numbered in one common order. */
export const sequence = { now: 0 };

/** One request to cancel. The errors that are thrown because of it hold it, for their texts. */
export class MadeRequest implements Request {
  readonly by: TaskRole | null;
  readonly message: unknown;
  readonly order: number = ++sequence.now;
  readonly at: number;
  readonly #target: TaskRole | string | null;
  readonly #through: object | string | null;
  readonly cause: Request | null;

  /**
   * @param target what was cancelled: a task, or words for something else; `null` for a function outside any task
   * @param by the task whose code makes the request; `null` for none
   * @param through the construct that makes the request, as a text or an object whose `toString` gives it; `null` for a
   * direct `cancel()`
   * @param cause the request that led to this one
   * @param at seconds of the loop's clock
   */
  constructor(
    target: TaskRole | string | null,
    by: TaskRole | null,
    message: unknown,
    through: object | string | null,
    cause: Request | null,
    at: number,
  ) {
    this.by = by;
    this.message = message;
    this.#target = target;
    this.#through = through;
    this.cause = cause;
    this.at = at;
  }

  get through(): string | null {
    if (this.#through !== null) return textOf(this.#through);
    return this.cause === null ? null : this.#firstCause().tell();
  }

  /** The first request of a chain of tasks that await each other, without recursion, because the chain may be long. */
  #firstCause(): Request {
    let first: Request = this;
    while (first instanceof MadeRequest && first.#through === null && first.cause !== null) first = first.cause;
    return first;
  }

  tell(): string {
    const target = nameOfTarget(this.#target);
    const by = this.by === null ? '' : nameOf(this.by);
    const why = this.message === undefined ? '' : `: ${textOf(this.message)}`;
    if (this.#through !== null) {
      const of = by === '' || by === target ? '' : ` of ${by}`;
      return `${target} was cancelled by ${textOf(this.#through)}${of}${why}`;
    }
    if (this.cause !== null) return `${target} was cancelled with who awaited it: ${this.#firstCause().tell()}`;
    if (by === '') return `${target} was cancelled${why}`;
    return by === target ? `${target} cancelled itself${why}` : `${target} was cancelled by ${by}${why}`;
  }
}

function nameOfTarget(target: TaskRole | string | null): string {
  if (target === null) return 'A function';
  return typeof target === 'string' ? target : nameOf(target);
}

/** `Task-3`, or `Task 'GET /'` if the program has given it a name. */
export function nameOf(task: Pick<TaskRole, 'getName'>): string {
  const name = task.getName();
  return /^Task-\d+$/.test(name) ? name : `Task ${quote(name)}`;
}
