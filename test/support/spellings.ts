import {
  type AwaitableLike,
  type Coroutine,
  type CoroutineFunction,
  EventLoop,
  type Outcome,
  type RunnerOptions,
  type RunOptions,
  run,
} from 'asyncio-ts';
import { VirtualHost } from 'asyncio-ts/testing';
import { describe } from 'vitest';

/** The body of a coroutine, written once: `yield* s.wait(x)` is `yield* x` in one spelling and `await x` in the other. */
export type Body<A extends unknown[], T> = (...args: A) => Generator<unknown, T, unknown>;

/** One spelling of a coroutine. */
export interface Spelling {
  readonly name: 'generator' | 'async';
  /** A coroutine function with this body: a generator function, or an async function whose `await`s are real ones. */
  fn<A extends unknown[], T>(body: Body<A, T>): CoroutineFunction<T, A>;
  /** Waits for something inside a body. */
  wait<A>(awaitable: A): Generator<unknown, Outcome<A>, unknown>;
}

class Wait {
  readonly awaitable: unknown;

  constructor(awaitable: unknown) {
    this.awaitable = awaitable;
  }
}

const generator: Spelling = {
  name: 'generator',
  fn: (body) => body as never,
  *wait<A>(awaitable: A) {
    return (yield* awaitable as Iterable<unknown>) as Outcome<A>;
  },
};

const asynchronous: Spelling = {
  name: 'async',
  fn:
    <A extends unknown[], T>(body: Body<A, T>) =>
    async (...args: A): Promise<T> => {
      const steps = body(...args);
      let result = steps.next();
      while (!result.done) {
        if (!(result.value instanceof Wait)) throw new Error('a body waits with `yield* s.wait(x)` only');
        let value: unknown;
        try {
          value = await (result.value.awaitable as PromiseLike<unknown>);
        } catch (error) {
          result = steps.throw(error);
          continue;
        }
        result = steps.next(value);
      }
      return result.value;
    },
  *wait<A>(awaitable: A) {
    return (yield new Wait(awaitable)) as Outcome<A>;
  },
};

export const spellings: readonly Spelling[] = [generator, asynchronous];

/** Runs a suite of tests once with generator coroutines and once with async functions. */
export function describeBoth(name: string, suite: (s: Spelling) => void): void {
  for (const spelling of spellings) describe(`${name} (${spelling.name})`, () => suite(spelling));
}

/** Runs a program in simulated time. Gives its result and how many seconds it took. */
export async function runVirtually<T>(
  main: Coroutine<T> | CoroutineFunction<T>,
  options: RunnerOptions & RunOptions = {},
): Promise<{ result: T; seconds: number }> {
  const host = new VirtualHost();
  const result = await run<T>(main, { ...options, loopFactory: () => new EventLoop({ host }) });
  return { result, seconds: host.time() };
}

export type { AwaitableLike };
