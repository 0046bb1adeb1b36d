import { typeError } from '../../errors/type-error.ts';
import type { Task } from '../../index.ts';
import { describe } from '../../internal/describe.ts';
import { checkCallback } from '../../internal/options.ts';
import { placeInDebugMode, titleOf, waitsOfTask } from '../../kernel/lowlevel.ts';
import { simulationAround } from '../inside.ts';
import { CheckError } from './check-error.ts';
import { holds, observeSteps, type Reading, read, tellReading } from './conditions.ts';

/** A check that goes on: `using _ = always(…)` ends it with its block. */
export interface StandingCheck extends Disposable {
  /** Ends it. Has no effect when it has ended. */
  end(): void;
}

/**
 * Checks a condition now and after each step of the simulated program, until the check is ended, or the program. The first time that it does
 * not hold, the program ends with a `CheckError` that names the step after which that was.
 *
 * @param condition gives `false` or `null`, or throws, when it does not hold; it must not wait. Assertions of a test runner, which give
 * nothing, fit: `always(() => expect(balance).toBeGreaterThanOrEqual(0))`
 * @param message what the condition means, or a function that gives it, for the error
 * @throws {CheckError} when the condition does not hold from the beginning
 * @throws {RuntimeError} outside of a simulated program
 * @throws {TypeError} when the condition gives a promise
 * @example
 * const found = await explore(async () => {
 *   let users = 0;
 *   using _ = always(() => users <= 1, () => `${users} use the printer at once`);
 *   const printer = new Lock();
 *   const print = async () => {
 *     using _ = await printer.acquire();
 *     users++;
 *     await sleep(1);
 *     users--;
 *   };
 *   await gather(print(), print());
 * });
 * found.schedules > 0; // true
 */
export function always(condition: () => unknown, message?: string | (() => string)): StandingCheck {
  if (typeof condition !== 'function') {
    throw typeError(
      `always: a function is required, got ${describe(condition)}; write always(() => …)`,
      'NOT_CALLABLE',
    );
  }
  if (typeof message !== 'string') checkCallback('always: message', message);
  const simulation = simulationAround('always()');
  const place = placeInDebugMode() ?? null;
  const failureOf = (reading: Reading<unknown>, when: string): CheckError => {
    const what = message === undefined ? '' : `: ${typeof message === 'string' ? message : message()}`;
    const where = place === null ? '' : `; it is checked since ${place}`;
    return new CheckError(
      `what must always hold does not hold${what} (${tellReading(reading)}) ${when}, at ${simulation.loop.time()} s${where}`,
      'ALWAYS',
      reading.kind === 'error' ? { cause: reading.error } : {},
    );
  };
  const first = read('always', condition);
  if (!holds(first)) throw failureOf(first, 'from the beginning');
  const end = observeSteps(simulation, (task) => {
    let error: unknown;
    try {
      const reading = read('always', condition);
      if (holds(reading)) return;
      error = failureOf(reading, `after ${tellStep(task)}`);
    } catch (thrown) {
      error = thrown;
    }
    end();
    simulation.fail(error);
  });
  return { end, [Symbol.dispose]: end };
}

function tellStep(task: Task<unknown> | null): string {
  if (task === null) return 'a callback of the loop';
  const who = titleOf(task);
  const place = waitsOfTask(task).find((wait) => wait.place !== null)?.place ?? null;
  if (place !== null) return `a step of ${who}, which now waits at ${place}`;
  return `${task.done() ? 'the last step' : 'a step'} of ${who}`;
}
