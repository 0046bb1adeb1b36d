import { type ExceptionContext, getRunningLoop, run } from 'asyncio-ts';
import { expect } from 'vitest';
import type { Body, Spelling } from './spellings.ts';

/** A test whose body is a program that uses the system. What is reported to the exception handler must be taken out of `reports`. */
export function realProgram(s: Spelling, body: Body<[reports: ExceptionContext[]], void>): () => Promise<void> {
  return async () => {
    const reports: ExceptionContext[] = [];
    const main = s.fn(function* () {
      getRunningLoop().setExceptionHandler((_loop, context) => {
        reports.push(context);
      });
      yield* body(reports);
    });
    await run(main);
    expect(reports).toEqual([]);
  };
}
