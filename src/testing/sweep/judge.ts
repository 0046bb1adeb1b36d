import { isCancelledError, unwrapCancellation } from '../../errors/errors.ts';
import { CancelledError, ExceptionGroup, RuntimeError } from '../../errors/index.ts';
import { describe } from '../../internal/describe.ts';
import { titleOf } from '../../kernel/lowlevel.ts';
import { LeakError, LivelockError, UnretrievedError } from '../errors.ts';
import type { Ending } from '../simulation/simulation.ts';
import { newlyHeld, type PrimitiveState } from './held.ts';
import { RanOn, type Striker } from './striker.ts';

/** What was found in a run, undisturbed or not. */
export interface Run {
  readonly ending: Ending<unknown>;
  /** Tasks, timers and resources that were left behind. */
  readonly leak: LeakError | null;
  readonly primitives: readonly PrimitiveState[];
  /** Tracked resources that are in use. */
  readonly inUse: readonly string[];
}

/** What comes out of a run besides its value: what its main function has thrown, and errors that nobody has looked at. */
function errorsOf({ failure, problems }: Ending<unknown>): unknown[] {
  const lost = problems.flatMap((problem) => (problem instanceof UnretrievedError ? problem.errors : [problem]));
  return failure === null ? lost : [failure.error, ...lost];
}

/** Says what is wrong with runs that were disturbed, by what was found in the one that was not. */
export class Judge {
  readonly #undisturbed: Run;
  readonly #known: Set<string>;
  readonly #expected: (error: unknown) => boolean;
  readonly #failOnLeaks: boolean;

  constructor(undisturbed: Run, expected: ((error: unknown) => boolean) | undefined, failOnLeaks: boolean) {
    this.#undisturbed = undisturbed;
    this.#known = new Set(errorsOf(undisturbed.ending).map(signatureOf));
    this.#expected = expected ?? (() => false);
    this.#failOnLeaks = failOnLeaks;
  }

  /** The first thing that is wrong, as an error; `null` when nothing is. */
  problemOf(run: Run, striker: Striker): unknown {
    const { ending, leak, primitives, inUse } = run;
    const error = ending.failure?.error;
    if (error instanceof RanOn) return ranOn(striker);
    if (striker.hit !== null) return cancelledAnother(striker);
    for (const one of errorsOf(ending)) if (!this.#isAllowed(one, striker)) return one;
    if (this.#failOnLeaks && leak !== null) return leak;
    const held = newlyHeld(primitives, this.#undisturbed.primitives);
    const before = [...this.#undisturbed.inUse];
    const used = inUse.filter((text) => {
      const at = before.indexOf(text);
      if (at >= 0) before.splice(at, 1);
      return at < 0;
    });
    if (held.length + used.length > 0) return notGivenBack([...held, ...used]);
    return deadlineEscaped(striker);
  }

  /** Whether an error may come out: it is the cancellation or timeout of the sweep, or was there without it. */
  #isAllowed(error: unknown, striker: Striker): boolean {
    if (isCancelledError(unwrapCancellation(error))) return true;
    const thrown = striker.limit?.thrown ?? null;
    if (thrown !== null && error === thrown) return true;
    if (error instanceof ExceptionGroup) return error.errors.every((one) => this.#isAllowed(one, striker));
    return this.#known.has(signatureOf(error)) || this.#isExplained(error, striker, thrown) || this.#expected(error);
  }

  /**
   * Whether an error has the sweep's error as its cause: a program may well say "the job has failed" when a job of its is cancelled. But a
   * task that is cancelled itself must not turn that into a failure.
   */
  #isExplained(error: unknown, striker: Striker, thrown: unknown): boolean {
    const main = striker.tasks[0];
    const isOther = main !== undefined && main !== striker.target && main.cancelRequest === null;
    const seen = new Set<unknown>();
    for (let at = error; at instanceof Error && !seen.has(at); at = at.cause) {
      seen.add(at);
      if (at !== error && at instanceof CancelledError) return isOther;
      if (at !== error && thrown !== null && at === thrown) return true;
    }
    return false;
  }
}

function signatureOf(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : describe(error);
}

function ranOn({ iterations, doneAtLast }: Striker): LivelockError {
  return new LivelockError(
    `the program goes on and on: it has run for ${iterations} iterations of the loop, many times as long as without the cancellation. ` +
      'Does something catch the CancelledError and try again? Begin such a catch with rethrowIfCancelled(error). Or does a task wait for what ' +
      `only the cancelled one would have done, while others repeat what they do?${doneAtLast}`,
  );
}

function cancelledAnother(striker: Striker): RuntimeError {
  const { task, shared } = striker.hit!;
  return new RuntimeError(
    `${titleOf(task)} was cancelled as well, though nobody has asked for that: it waited for the same ${describe(shared)} as ` +
      `${titleOf(striker.target!)}, and a cancellation goes on to what is waited for. Let each wait for shield(…) of it, or use shared().`,
    { code: 'CANCELLED_ANOTHER' },
  );
}

function notGivenBack(lines: readonly string[]): LeakError {
  const what = lines.length === 1 ? 'this was' : `these ${lines.length} were`;
  return new LeakError(`${what} not given back:\n${lines.map((line) => `  ${line}`).join('\n')}`, lines);
}

/** A timeout has to make a `TimeoutError` of its own deadline, and of nothing else. */
function deadlineEscaped(striker: Striker): RuntimeError | null {
  const { limit, target } = striker;
  if (limit === null || target === null || !limit.hasLetThrough || target.cancelRequest !== null) return null;
  return new RuntimeError(
    `the deadline of the timeout came out of it as a CancelledError, though nobody else has cancelled ${titleOf(target)}: a TimeoutError was expected`,
    { code: 'DEADLINE_ESCAPED' },
  );
}
