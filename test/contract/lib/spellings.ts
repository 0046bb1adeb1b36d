import type { CoroutineFunction, Outcome } from 'asyncio-ts';
import { checked, show } from './expect.ts';

/** What a body is while it runs. */
export type Steps<T> = Generator<unknown, T, unknown>;

/** The body of a coroutine, written once: `yield* s.wait(x)` is `yield* x` in one spelling and `await x` in the other. */
export type Body<A extends unknown[], T> = (...args: A) => Steps<T>;

/** One of the two spellings of a coroutine. */
export abstract class Spelling {
  abstract readonly name: 'generator' | 'async';

  /** A coroutine function with this body: a generator function, or an async function whose `await`s are real ones. */
  abstract fn<A extends unknown[], T>(body: Body<A, T>): CoroutineFunction<T, A>;

  /** Waits for something, inside a body. */
  abstract wait<A>(awaitable: A): Steps<Outcome<A>>;

  /** Waits for something that must fail; gives the error. */
  *fails<E>(awaitable: unknown, expected: abstract new (...args: never[]) => E, message?: RegExp): Steps<E> {
    let result: unknown;
    try {
      result = yield* this.wait(awaitable);
    } catch (error) {
      return checked(error, expected, message);
    }
    throw new Error(`expected ${expected.name} from the wait, got the result ${show(result)}`);
  }
}

class GeneratorSpelling extends Spelling {
  readonly name = 'generator';

  fn<A extends unknown[], T>(body: Body<A, T>): CoroutineFunction<T, A> {
    return body as never; // it is one already
  }

  *wait<A>(awaitable: A): Steps<Outcome<A>> {
    return (yield* awaitable as Iterable<unknown>) as Outcome<A>;
  }
}

class AsyncSpelling extends Spelling {
  readonly name = 'async';

  fn<A extends unknown[], T>(body: Body<A, T>): CoroutineFunction<T, A> {
    return async (...args) => {
      const steps = body(...args);
      let step = steps.next();
      while (!step.done) {
        let value: unknown;
        try {
          value = await (step.value as Wait).awaitable;
        } catch (error) {
          step = steps.throw(error);
          continue;
        }
        step = steps.next(value);
      }
      return step.value;
    };
  }

  *wait<A>(awaitable: A): Steps<Outcome<A>> {
    return (yield { awaitable } satisfies Wait) as Outcome<A>;
  }
}

/** What the body of an async function hands to its `await`. */
interface Wait {
  readonly awaitable: unknown;
}

export const spellings: readonly Spelling[] = [new GeneratorSpelling(), new AsyncSpelling()];
