import { readFileSync } from 'node:fs';
import { type CoroutineFunction, type ExceptionContext, getRunningLoop, run, sleep } from 'asyncio-ts';
import { expect } from 'vitest';
import type { Body, Spelling } from '../../../support/spellings.ts';

/** The body of a program; its argument has the reports to its loop's exception handler so far. */
type ProgramBody = Body<[reports: ExceptionContext[]], void>;

/** A test whose body is the main coroutine of a program with real processes. A report to the exception handler fails it. */
export function program(s: Spelling, body: ProgramBody): () => Promise<void> {
  return async () => {
    const reports: ExceptionContext[] = [];
    await run(
      s.fn(function* () {
        getRunningLoop().setExceptionHandler((_loop, context) => {
          reports.push(context);
        });
        yield* body(reports);
      }) as CoroutineFunction<void>,
    );
    expect(reports).toEqual([]);
  };
}

/** Waits until a condition holds for which there is no event, by checking again and again. */
export function* until(s: Spelling, condition: () => boolean): Generator<unknown, void, unknown> {
  while (!condition()) yield* s.wait(sleep(0.002));
}

/** Whether there is a process that has not ended. One that has, and whose parent has not asked how, does not count. */
export function isAlive(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'latin1'));
  } catch {
    return false;
  }
}

export function text(bytes: Uint8Array | null): string {
  return new TextDecoder().decode(bytes ?? undefined);
}
