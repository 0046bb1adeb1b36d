import { typeError } from '../../errors/type-error.ts';
import { iscoroutinefunction } from '../../index.ts';
import { describe } from '../../internal/describe.ts';
import { inspectAsText } from '../../internal/inspection.ts';
import {
  type AwaitableCoroutine,
  type AwaitableLike,
  isAwaitable,
  iterableOf,
  libraryCoroutine,
} from '../../kernel/lowlevel.ts';
import type { Model, Operation } from './model.ts';

/** How an operation has ended. */
export type CallOutcome =
  | { readonly kind: 'result'; readonly value: unknown }
  /** It has failed with an error that is a result of the model. */
  | { readonly kind: 'error'; readonly error: unknown }
  /** It has not ended, or failed: nobody knows whether it has happened. */
  | { readonly kind: 'unknown' };

/** An operation of a history. */
export interface RecordedCall extends Operation {
  /** Its place among the calls and ends of all operations, from 0. */
  readonly calledAt: number;
  /** The same for its end; `null` when it has not ended, or nobody knows how. */
  readonly endedAt: number | null;
  readonly outcome: CallOutcome;
}

class Call implements RecordedCall {
  readonly client: string;
  readonly name: string;
  readonly args: readonly unknown[];
  readonly calledAt: number;
  endedAt: number | null = null;
  outcome: CallOutcome = { kind: 'unknown' };

  constructor(client: string, name: string, args: readonly unknown[], calledAt: number) {
    this.client = client;
    this.name = name;
    this.args = args;
    this.calledAt = calledAt;
  }
}

/** An operation that has been called; whoever has called it says how it ends. */
export interface OpenCall {
  /** It has given a result. */
  end(result?: unknown): void;
  /** It has failed. With an error that is not one of the model's, nobody knows whether it has happened. */
  fail(error: unknown): void;
}

/** What a function gives in the end. */
export type Given<T> = T extends PromiseLike<infer R> ? R : T extends Generator<unknown, infer R, unknown> ? R : T;

/**
 * Records the operations that clients call on an object, with their results, so that `checkLinearizable` can tell whether the object behaves as
 * if each of them happened at one moment between its call and its end.
 *
 * @example
 * await runVirtual(async () => {
 *   const queue = new Queue<number>();
 *   const history = new History(queueModel());
 *   const producer = async () => {
 *     for (const item of [1, 2]) await history.call('producer', 'put', [item], () => queue.put(item));
 *   };
 *   const consumer = async () => {
 *     for (let i = 0; i < 2; i++) await history.call('consumer', 'get', [], () => queue.get());
 *   };
 *   await gather(producer(), consumer());
 *   checkLinearizable(history);
 * });
 */
export class History<S = unknown> {
  static {
    inspectAsText(History.prototype);
  }

  /** How the object behaves when its operations happen one after the other. */
  readonly model: Model<S>;
  readonly #calls: Call[] = [];
  #events = 0;

  /** @throws {TypeError} when it is no model */
  constructor(model: Model<S>) {
    if (typeof model?.apply !== 'function' || !('init' in model)) {
      throw typeError(`new History: a model { init, apply(state, operation) } is required, got ${describe(model)}`);
    }
    this.model = model;
  }

  /** The operations, in the order of their calls. */
  get calls(): readonly RecordedCall[] {
    return this.#calls;
  }

  /**
   * Calls a function that is an operation of a client, and records it with its result.
   *
   * **Cancellation**: cancels the operation. Nobody knows then whether it has happened, and both is right.
   *
   * @param client who calls it: one operation of a client at a time
   * @param name the operation, as the model knows it
   * @param args its arguments, for the model
   * @param fn does it: an async function, a generator function, or a plain one
   * @returns what it returns
   * @throws what it throws
   */
  call<T>(client: string, name: string, args: readonly unknown[], fn: () => T): AwaitableCoroutine<Given<T>> {
    if (typeof fn !== 'function') {
      throw typeError(
        `history.call: a function is required, got ${describe(fn)}; write call(client, '${name}', args, () => …)`,
      );
    }
    return recorded(this as History, client, name, args, fn) as AwaitableCoroutine<Given<T>>;
  }

  /** As `call`, for an operation that takes no time. */
  callNowait<T>(client: string, name: string, args: readonly unknown[], fn: () => T): T {
    const call = this.begin(client, name, args);
    try {
      const result = fn();
      call.end(result);
      return result;
    } catch (error) {
      call.fail(error);
      throw error;
    }
  }

  /** Records the call of an operation, where its end is known only later and elsewhere. */
  begin(client: string, name: string, args: readonly unknown[] = []): OpenCall {
    const call = new Call(client, name, [...args], this.#events++);
    this.#calls.push(call);
    return {
      end: (result) => this.#end(call, { kind: 'result', value: result }),
      fail: (error) => {
        const { errors = [] } = this.model;
        if (errors.some((type) => error instanceof type)) this.#end(call, { kind: 'error', error });
      },
    };
  }

  #end(call: Call, outcome: CallOutcome): void {
    if (call.endedAt !== null) return;
    call.endedAt = this.#events++;
    call.outcome = outcome;
  }

  toString(): string {
    return `<History of ${this.model.title ?? 'an object'} calls=${this.#calls.length}>`;
  }
}

const recorded = /* @__PURE__ */ libraryCoroutine(function* call(
  history: History,
  client: string,
  name: string,
  args: readonly unknown[],
  fn: () => unknown,
): Generator<unknown, unknown, unknown> {
  const call = history.begin(client, name, args);
  try {
    const begun: unknown = iscoroutinefunction(fn) ? fn : fn();
    const isBegun = begun === fn || (typeof begun === 'object' && begun !== null && isAwaitable(begun));
    const result: unknown = isBegun ? yield* iterableOf(begun as AwaitableLike<unknown>) : begun;
    call.end(result);
    return result;
  } catch (error) {
    call.fail(error);
    throw error;
  }
});
