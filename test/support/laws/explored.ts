import { CancelledError, type CoroutineFunction, createTask, sleep, type Task } from 'asyncio-ts';
import { type ExploreOptions, explore } from 'asyncio-ts/testing';
import { expect, test } from 'vitest';
import { type Body, type Spelling, spellings } from '../spellings.ts';

/** A part of a law, as a generator that awaits with `yield* s.wait(x)`. */
export type Steps<T = void> = Generator<unknown, T, unknown>;

/** A program that throws where a law does not hold. */
export type Law = (s: Spelling) => Body<[], unknown>;

/** How far laws are explored. */
interface Extent {
  /** So many delays are put into a schedule of generators at the most; all of these schedules are run. */
  readonly bound?: number;
  /** So many schedules of async functions are run. */
  readonly async?: number;
}

const MOST_SCHEDULES = 1_000_000;

/** `LAWS_BOUND=3 LAWS_ASYNC=1000 npx vitest run test/unit/testing/laws` goes further than a test has the time for. */
const far = { bound: numberIn('LAWS_BOUND'), async: numberIn('LAWS_ASYNC') };

function numberIn(name: string): number | null {
  const text = process.env[name];
  return text === undefined ? null : Number(text);
}

async function hold(law: Law, s: Spelling, extent: Extent): Promise<void> {
  const bound = far.bound ?? extent.bound ?? 2;
  const schedules = far.async ?? extent.async ?? 100;
  const isGenerator = s.name === 'generator';
  const options: ExploreOptions = isGenerator
    ? { strategy: 'dfs', bound, schedules: MOST_SCHEDULES }
    : { strategy: 'portfolio', schedules };
  const main = s.fn(law(s)) as CoroutineFunction<unknown>;
  const report = await explore(main, { ...options, level: 'any' }).catch(({ message }: Error) => {
    throw new Error(message); // which says everything: the cause would be printed with it
  });
  if (isGenerator) expect(report.isComplete).toBe(true);
}

/** A law must hold under all schedules with three delays, in generators, and under a hundred in async functions. */
export function explored(title: string, law: Law, extent: Extent = {}): void {
  test.each(spellings)(`${title} ($name)`, async (s) => {
    await hold(law, s, { bound: 3, ...extent });
  });
}

/** Of what is cancelled, and after how many steps of the one who cancels. */
export interface Cancellation {
  readonly victim: number;
  readonly steps: number;
}

/**
 * A law that is explored once for each task that may be cancelled, and each number of steps after which it is: under all schedules with two
 * delays, in generators, and under some in async functions.
 */
export function exploredWithCancellation(
  title: string,
  { victims, steps: most, ...extent }: Extent & { readonly victims: number; readonly steps: number },
  law: (s: Spelling, cancellation: Cancellation) => Body<[], unknown>,
): void {
  test.each(spellings)(`${title}, whoever is cancelled at any time ($name)`, async (s) => {
    for (let victim = 0; victim < victims; victim++) {
      for (let steps = 0; steps < most; steps++) {
        try {
          await hold((spelling) => law(spelling, { victim, steps }), s, { async: 15, ...extent });
        } catch (error) {
          throw new Error(`when task ${victim} is cancelled after ${steps} steps: ${(error as Error).message}`);
        }
      }
    }
  });
}

/** Fails the law. */
export function check(isTrue: boolean, otherwise: string): void {
  if (!isTrue) throw new Error(otherwise);
}

/** Lets others run, so many times. */
export function* pass(s: Spelling, steps: number): Steps {
  for (let i = 0; i < steps; i++) yield* s.wait(sleep(0));
}

/** Of those that were to be cancelled: whether they have taken the request. */
const requests = new WeakMap<Task<unknown>, boolean>();

/** Makes a task that cancels another one after some steps. */
export function cancelAfter(s: Spelling, victim: Task<unknown>, steps: number): Task<unknown> {
  const body = s.fn(function* () {
    yield* pass(s, steps);
    requests.set(victim, victim.cancel());
  });
  return createTask(body, { name: 'canceller' });
}

/** Whether a task has been asked to end by `cancelAfter`. */
export function isAsked(task: Task<unknown> | null): boolean {
  return task !== null && requests.has(task);
}

/**
 * Waits for tasks, of which some may have been cancelled, and throws what one of them has failed with. Whoever has taken a request to be
 * cancelled must have ended with it: nothing may swallow one.
 */
export function* ends(s: Spelling, tasks: readonly Task<unknown>[]): Steps {
  for (const task of tasks) {
    try {
      yield* s.wait(task);
    } catch (error) {
      if (!(error instanceof CancelledError)) throw error;
    }
  }
  for (const task of tasks) {
    if (requests.get(task) === true) check(task.cancelled(), `${task.getName()} was cancelled, and has gone on`);
  }
}

/** Makes a task of a body. */
export function start<T>(s: Spelling, name: string, body: () => Steps<T>): Task<T> {
  return createTask(s.fn(body), { name });
}
