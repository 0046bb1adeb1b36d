import {
  createTask,
  type Future,
  gather,
  getRunningLoop,
  shield,
  sleep,
  type Task,
  timeout,
  wait,
  waitFor,
} from 'asyncio-ts';
import { expect, test } from 'vitest';
import { describeBoth, runVirtually, type Spelling } from '../../support/spellings.ts';

/*
 * Every combination of cancellation, failure, shield and timeout around one operation that takes two seconds, compared with
 * what a small model says. Events of one moment happen in the order: cancellation, end of the operation, deadline.
 */

const WORK = 2;
const CLEAN_UP = 1;

/** How the operation ends without a disturbance. */
const endings = ['returns', 'fails'] as const;
/** What it does when it is cancelled. */
const reactions = ['ends', 'cleans up', 'refuses', 'fails instead'] as const;
/** Seconds at which it is cancelled, or at which its time is over: before, at and after its end. */
const times = [null, 1, 2, 3] as const;
const forms = ['waitFor', 'timeout'] as const;

interface Combination {
  readonly form: (typeof forms)[number];
  readonly shielded: boolean;
  readonly reaction: (typeof reactions)[number];
  readonly ending: (typeof endings)[number];
  readonly deadline: number | null;
  readonly cancelAt: number | null;
}

/** What came of a combination. */
interface Result {
  /** The outcome of the operation itself. */
  readonly operation: string;
  /** The outcome for the code that waits for it. */
  readonly waiter: string;
  /** When the wait was over. */
  readonly at: number;
  /** How many requests to cancel the waiting task has left. */
  readonly cancelling: number;
}

// ----------------------------------------------------------------------------------------------- the model

function predict(combination: Combination): Result {
  const [operation, end] = predictOperation(combination);
  const first = firstInterruption(combination, 0, WORK);
  // A shield ends the wait and leaves the operation alone; without one, the wait ends as the operation does.
  const at = combination.shielded ? (first ?? WORK) : end;
  const interrupted = combination.shielded ? first !== null : operation === 'CancelledError';
  const { cancelAt } = combination;
  const cancelled = cancelAt !== null && cancelAt <= at;
  const waiter = !interrupted ? operation : cancelled ? 'CancelledError' : 'TimeoutError';
  return { operation, waiter, at, cancelling: cancelled ? 1 : 0 };
}

function predictOperation(combination: Combination): [outcome: string, end: number] {
  const { shielded, reaction, ending } = combination;
  const first = firstInterruption(combination, 0, WORK);
  if (first === null || shielded) return [ending === 'returns' ? 'value' : 'Error: failed', WORK];
  if (reaction === 'refuses') return ['refused', first];
  if (reaction === 'fails instead') return ['Error: in the clean-up', first];
  if (reaction === 'ends') return ['CancelledError', first];
  return ['CancelledError', firstInterruption(combination, first, first + CLEAN_UP) ?? first + CLEAN_UP];
}

/** The first cancellation or deadline after a moment, up to another one. It wins over what else happens then. */
function firstInterruption({ deadline, cancelAt }: Combination, after: number, until: number): number | null {
  const interruptions = [deadline, cancelAt].filter(
    (time) => time !== null && time > after && time <= until,
  ) as number[];
  return interruptions.length === 0 ? null : Math.min(...interruptions);
}

// ----------------------------------------------------------------------------------------------- the program

function operation(s: Spelling, { reaction, ending }: Combination) {
  return s.fn(function* () {
    try {
      yield* s.wait(sleep(WORK));
    } catch (cancelled) {
      if (reaction === 'refuses') return 'refused';
      if (reaction === 'fails instead') throw new Error('in the clean-up');
      if (reaction === 'cleans up') yield* s.wait(sleep(CLEAN_UP));
      throw cancelled;
    }
    if (ending === 'fails') throw new Error('failed');
    return 'value';
  });
}

function waitingFor(s: Spelling, { form, shielded, deadline }: Combination, inner: Task<string>) {
  return s.fn(function* () {
    const target = shielded ? shield(inner) : inner;
    if (form === 'waitFor') return yield* s.wait(waitFor(target, deadline));
    const body = s.fn(function* () {
      return yield* s.wait(target);
    });
    return yield* s.wait(timeout(deadline, body));
  });
}

function outcome(future: Future<string | undefined>): string {
  if (future.cancelled()) return 'CancelledError';
  const error = future.exception();
  if (error === null) return String(future.result());
  return (error as Error).name === 'TimeoutError' ? 'TimeoutError' : String(error);
}

/** Tries a combination out. The order of the timers of one moment is that in which they are made here. */
function trial(s: Spelling, combination: Combination) {
  return s.fn(function* (): Generator<unknown, Result, unknown> {
    const loop = getRunningLoop();
    let at = Number.NaN;
    const inner = createTask(operation(s, combination));
    const waiter = createTask(waitingFor(s, combination, inner));
    waiter.addDoneCallback(() => {
      at = loop.time();
    });
    if (combination.cancelAt !== null) loop.callLater(combination.cancelAt, () => waiter.cancel());
    yield* s.wait(wait([inner, waiter]));
    return { operation: outcome(inner), waiter: outcome(waiter), at, cancelling: waiter.cancelling() };
  });
}

function picture({ ending, deadline, cancelAt }: Combination, { operation, waiter, at, cancelling }: Result): string {
  const given = `${ending}, deadline ${deadline ?? 'none'}, cancelled at ${cancelAt ?? 'no time'}`;
  return `${given}: operation ${operation}, waiter ${waiter} at ${at}, cancelling ${cancelling}`;
}

describeBoth('waiting for an operation', (s) => {
  for (const form of forms) {
    for (const shielded of [false, true]) {
      for (const reaction of reactions) {
        const combinations = endings.flatMap((ending) =>
          times.flatMap((deadline) =>
            times.map((cancelAt) => ({ form, shielded, reaction, ending, deadline, cancelAt })),
          ),
        );

        test(`by ${form}${shielded ? ' and shield' : ''} comes out as predicted, when a cancelled one ${reaction}`, async () => {
          const main = s.fn(function* () {
            getRunningLoop().setExceptionHandler(() => {}); // told of shielded failures, which shield.test.ts is about
            return yield* s.wait(gather(combinations.map((combination) => trial(s, combination))));
          });
          const { result } = await runVirtually(main);
          const predicted = combinations.map((combination) => picture(combination, predict(combination)));
          expect(combinations.map((combination, i) => picture(combination, result[i]!))).toEqual(predicted);
        });
      }
    }
  }
});
