import { textOf } from '../../errors/errors.ts';
import { quote } from '../../internal/describe.ts';
import type { Request, TaskRole } from './roles.ts';

/** Counts steps, waits and requests in one order. */
export const sequence = { now: 0 };

/** One request, from when it is made until the errors that it becomes are forgotten. */
export class MadeRequest implements Request {
  readonly by: TaskRole | null;
  readonly message: unknown;
  readonly order: number = ++sequence.now;
  readonly at: number;
  readonly #target: TaskRole | string | null;
  readonly #through: object | string | null;
  /** The request that led to this one. */
  readonly cause: Request | null;

  /**
   * @param target a task, or the words for something else that was cancelled; `null` for a function outside any task
   * @param through the construct that asks; what its `toString` gives
   * @param cause the request that this one hands on
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

  /** The request that began it, however long the chain of tasks is that await each other. */
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

/** `Task-3`, or `Task 'GET /'` where a program has given it a name. */
export function nameOf(task: Pick<TaskRole, 'getName'>): string {
  const name = task.getName();
  return /^Task-\d+$/.test(name) ? name : `Task ${quote(name)}`;
}
