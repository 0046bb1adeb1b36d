import { RuntimeError } from '../../errors/index.ts';
import { describe } from '../../internal/describe.ts';
import { taskTitle } from '../../internal/task-title.ts';
import { describeMode, type SweepMode } from './modes.ts';
import type { Plan } from './striker.ts';

/** Where a sweep has ended a wait, and how. */
export interface SweepPoint {
  /** The line of the program that waited, as `file:line:column`; `null` when it is not known. */
  readonly place: string | null;
  /** The name of the task. */
  readonly task: string;
  /** The name of its coroutine function; empty when it has none. */
  readonly coroutine: string;
  /** What it waited for: `acquire`, `get`, `sleep`, `task` …; `result` for a future of the program. */
  readonly operation: string;
  /** The lock, queue, task … that it waited for; `null` when there is none. */
  readonly object: string | null;
  readonly mode: SweepMode;
  /** The number of the wait among all waits of the program, from 0. */
  readonly index: number;
}

/** A program does not keep its promises when one of its awaits is cancelled. The message tells which, how, and what went wrong. */
export class SweepFailure extends RuntimeError {
  /** Which await, of which task, was ended in which way. */
  readonly at: SweepPoint;
  /** Repeats this run: `replay(main, token)`. */
  readonly token: string;
  /** What went wrong; also the `cause`. */
  readonly error: unknown;

  constructor(message: string, at: SweepPoint, token: string, error: unknown) {
    super(message, { code: 'SWEEP_FAILURE', cause: error });
    this.at = at;
    this.token = token;
    this.error = error;
  }

  override get name(): string {
    return 'SweepFailure';
  }
}

export function pointOf({ site, mode }: Plan): SweepPoint {
  const { place, taskName: task, coroutine, operation, object, index } = site;
  return { place, task, coroutine, operation, object, mode, index };
}

/**
 * @param given the options of the call that the replay needs, too; `null` when the program is the body of a test, which only its runner runs
 */
export function failureOf(plan: Plan, token: string, error: unknown, given: readonly string[] | null): SweepFailure {
  const at = pointOf(plan);
  const who = taskTitle(at.task, at.coroutine);
  const options = given === null || given.length === 0 ? '' : `, { ${given.join(', ')} }`;
  const repeat = given === null ? 'this test alone, with ASYNCIO_SWEEP=1' : `await replay(main, '${token}'${options})`;
  const message = [
    `${describeMode(at.mode, who)}: ${describeWait(at)}.`,
    `Then: ${textOfError(error)}`,
    `To see it again: ${repeat}`,
  ].join('\n');
  return new SweepFailure(message, at, token, error);
}

function describeWait({ operation, object, place }: SweepPoint): string {
  const what =
    operation === 'task'
      ? `it awaited ${object}`
      : object === null
        ? operation === 'result'
          ? 'it awaited a future'
          : `it awaited ${operation.endsWith(')') ? operation : `${operation}()`}`
        : `it awaited ${operation}() of ${object}`;
  return place === null ? what : `${what} at ${place}`;
}

export function textOfError(error: unknown): string {
  if (!(error instanceof Error)) return `${describe(error)} was thrown`;
  return error.message === '' ? error.name : `${error.name}: ${error.message}`;
}
