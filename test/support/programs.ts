import { type CoroutineFunction, type ExceptionContext, getRunningLoop, sleep, type Task } from 'asyncio-ts';
import { expect } from 'vitest';
import { type Body, runVirtually, type Spelling } from './spellings.ts';

/** The body of a program; its argument has the reports to its loop's exception handler so far. */
export type ProgramBody = Body<[reports: ExceptionContext[]], void>;

/**
 * A test whose body is the main coroutine of a program in simulated time. A report to the exception handler fails the
 * test, unless the body takes it out of `reports`.
 */
export function program(s: Spelling, body: ProgramBody): () => Promise<void> {
  return programBy(runVirtually, s, body);
}

/** As `program`, for any function that runs a main coroutine. */
export function programBy(
  runner: (main: CoroutineFunction<void>) => Promise<unknown>,
  s: Spelling,
  body: ProgramBody,
): () => Promise<void> {
  return async () => {
    const reports: ExceptionContext[] = [];
    const main = s.fn(function* () {
      getRunningLoop().setExceptionHandler((_loop, context) => {
        reports.push(context);
      });
      yield* body(reports);
    });
    await runner(main);
    expect(reports).toEqual([]);
  };
}

/** Waits, inside a body, for something that must fail; gives what it failed with. */
export function* failure(s: Spelling, awaitable: unknown): Generator<unknown, unknown, unknown> {
  let result: unknown;
  try {
    result = yield* s.wait(awaitable);
  } catch (error) {
    return error;
  }
  throw new Error(`expected a failure, got ${String(result)}`);
}

/** Lets so many iterations of the loop go by, inside a body. */
export function* iterations(s: Spelling, count: number): Generator<unknown, void, unknown> {
  for (let i = 0; i < count; i++) yield* s.wait(sleep(0));
}

/** What a function throws. */
export function thrownBy(fn: () => unknown): unknown {
  try {
    fn();
  } catch (error) {
    return error;
  }
  throw new Error('expected it to throw');
}

/** The names of tasks. Expectations compare these, because comparing the tasks themselves would iterate, hence await them. */
export function names(tasks: Iterable<Task<never> | Task<unknown>>): string[] {
  return Array.from(tasks, (task) => task.getName());
}
