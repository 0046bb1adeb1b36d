import { QueueEmpty, QueueFull } from '../../index.ts';

/** An operation on an object, as a client has called it. */
export interface Operation {
  /** Who has called it: the name of a task, of a connection. */
  readonly client: string;
  readonly name: string;
  readonly args: readonly unknown[];
}

/** What an operation does in a state of a model. */
export interface Effect<S> {
  /** The state after it: a new one, or the same; states are never changed. */
  readonly state: S;
  /** What it gives. Absent when it may give anything. */
  readonly result?: unknown;
  /** The class of the error with which it fails, one of the model's `errors`. */
  readonly throws?: ErrorClass;
}

/** A class of errors. */
export type ErrorClass = abstract new (...args: never[]) => Error;

/**
 * How an object behaves when its operations happen one after the other.
 *
 * @example
 * const counter: Model<number> = {
 *   init: 0,
 *   apply: (count, { name }) => (name === 'increment' ? { state: count + 1, result: count + 1 } : { state: count, result: count }),
 * };
 */
export interface Model<S> {
  /** What it is, for messages: `a register`. */
  readonly title?: string | undefined;
  /** The state at the beginning: plain data. */
  readonly init: S;
  /**
   * What an operation does in a state; `null` where it cannot happen in that state, because it waits: for a lock that is held, for an item. A
   * list where it may do one of several things.
   */
  apply(state: S, operation: Operation): Effect<S> | readonly Effect<S>[] | null;
  /** Errors that are results, such as `QueueEmpty`. Of an operation that fails with another error nobody knows whether it has happened. */
  readonly errors?: readonly ErrorClass[] | undefined;
  /** What part of the object an operation is on, such as a key: parts that are independent of each other are checked by themselves. */
  partOf?(operation: Operation): unknown;
}

/**
 * A variable: `read()`, `write(value)`, and `compareAndSet(expected, value)`, which gives whether it has set it.
 *
 * @param init its value at the beginning
 */
export function registerModel(init: unknown = undefined): Model<unknown> {
  return {
    title: 'a register',
    init,
    apply(state, { name, args }) {
      switch (name) {
        case 'read':
          return { state, result: state };
        case 'write':
          return { state: args[0] };
        case 'compareAndSet':
          return state === args[0] ? { state: args[1], result: true } : { state, result: false };
        default:
          throw unknown('a register', name, ['read', 'write', 'compareAndSet']);
      }
    },
  };
}

/**
 * A queue: `put(item)` and `get()`, which wait, `putNowait(item)` and `getNowait()`, which fail with `QueueFull` and `QueueEmpty`, and
 * `qsize()`.
 *
 * @param maxsize how many items it holds at the most; 0 for any number
 */
export function queueModel(maxsize = 0): Model<readonly unknown[]> {
  return {
    title: 'a queue',
    init: [],
    errors: [QueueEmpty, QueueFull],
    apply(items, { name, args }) {
      const isFull = maxsize > 0 && items.length >= maxsize;
      switch (name) {
        case 'put':
          return isFull ? null : { state: [...items, args[0]] };
        case 'putNowait':
          return isFull ? { state: items, throws: QueueFull } : { state: [...items, args[0]] };
        case 'get':
          return items.length === 0 ? null : { state: items.slice(1), result: items[0] };
        case 'getNowait':
          return items.length === 0
            ? { state: items, throws: QueueEmpty }
            : { state: items.slice(1), result: items[0] };
        case 'qsize':
          return { state: items, result: items.length };
        default:
          throw unknown('a queue', name, ['put', 'get', 'putNowait', 'getNowait', 'qsize']);
      }
    },
  };
}

/** A lock: `acquire()`, which waits, `release()` by the client that holds it, and `locked()`. */
export function lockModel(): Model<string | null> {
  return {
    title: 'a lock',
    init: null,
    apply(holder, { client, name }) {
      switch (name) {
        case 'acquire':
          return holder === null ? { state: client } : null;
        case 'release':
          return holder === client ? { state: null } : null;
        case 'locked':
          return { state: holder, result: holder !== null };
        default:
          throw unknown('a lock', name, ['acquire', 'release', 'locked']);
      }
    },
  };
}

function unknown(title: string, name: string, names: readonly string[]): RangeError {
  return new RangeError(`the model of ${title} has no operation '${name}'; it has ${names.join(', ')}`);
}
