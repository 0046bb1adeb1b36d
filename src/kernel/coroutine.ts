import { RuntimeError } from '../errors/errors.ts';
import { typeError } from '../errors/type-error.ts';
import { describe, describeFunction } from '../internal/describe.ts';
import { inspectAsText } from '../internal/inspection.ts';
import type { Rejection } from '../internal/rejection.ts';
import { awaitCoroutine, observeCoroutine } from './engine/await.ts';
import { callInTask } from './engine/calls.ts';
import { runningLoop } from './engine/line.ts';
import { isAwaitOfTheEngine, noteLookUp } from './engine/lookups.ts';
import { ENTER, type Enterable, type Frame, type TaskRole } from './engine/roles.ts';
import { isFrame } from './engine/step.ts';
import type { Future } from './future.ts';
import { callerPlaceAndStack } from './places.ts';
import { logger } from './runtime/platform.ts';
import { implicitLoop } from './thread-loop.ts';

/**
 * A coroutine: the object that a call of a generator coroutine returns, and the return type to declare for it.
 *
 * @example
 * function* greet(name: string): Coroutine<string> {
 *   yield* sleep(1);
 *   return `hello ${name}`;
 * }
 */
export interface Coroutine<T> {
  next(value?: unknown): IteratorResult<unknown, T>;
  throw(error: unknown): IteratorResult<unknown, T>;
  /**
   * `NoInfer`, because the optional argument of an iterator's `return` would add `undefined` to the result type of a
   * function that returns a future.
   */
  return(value: NoInfer<T>): IteratorResult<unknown, T>;
  [Symbol.iterator](): Coroutine<T>;
}

/** What can be awaited in both spellings: `await x` in async functions, `yield* x` in generator coroutines. */
export interface Awaitable<T> extends PromiseLike<T> {
  [Symbol.iterator](): Iterator<unknown, T, unknown>;
}

/** A lazy coroutine of this library: no code runs until it is awaited or made a task. */
export interface AwaitableCoroutine<T> extends Coroutine<T>, PromiseLike<T> {
  [Symbol.iterator](): Coroutine<T>;
  /** As a promise's `catch`. Begins it, as `then` does: the call is its one use. */
  catch<R = never>(onRejected?: ((error: Rejection) => R | PromiseLike<R>) | null): Promise<T | R>;
  /** As a promise's `finally`. Begins it, as `then` does: the call is its one use. */
  finally(onFinally?: (() => void) | null): Promise<T>;
}

/**
 * A function that begins a coroutine: a generator function, an async function, or one that returns the same as these.
 */
export type CoroutineFunction<T, A extends unknown[] = []> = (
  ...args: A
) => Coroutine<T> | Awaitable<T> | PromiseLike<T>;

/** A coroutine function with any parameters. */
export type AnyCoroutineFunction<T> = (...args: never) => Coroutine<T> | Awaitable<T> | PromiseLike<T>;

/** Accepted wherever Python takes a coroutine. */
export type CoroutineLike<T> = Coroutine<T> | CoroutineFunction<T>;

/** Accepted wherever Python takes an awaitable. */
export type AwaitableLike<T> =
  | CoroutineLike<T>
  | Future<T>
  | PromiseLike<T>
  | { [Symbol.iterator](): Iterator<unknown, T, unknown> };

/** The type of the result of awaiting an `AwaitableLike`. */
export type Outcome<A> =
  A extends Future<infer T>
    ? T
    : A extends PromiseLike<infer T>
      ? T
      : A extends CoroutineLike<infer T>
        ? T
        : A extends { [Symbol.iterator](): Iterator<unknown, infer T, unknown> }
          ? T
          : never;

/**
 * The life of a coroutine object.
 *
 *     CREATED ──[Symbol.iterator]──▶ CLAIMED ──next──▶ HANDED ──the task runs it──▶ RUNNING ──over──▶ CLOSED
 *
 * `throw` and `close` lead from any of them to CLOSED.
 */
type CoroutineState = 'created' | 'claimed' | 'handed' | 'running' | 'closed';

/**
 * A lazy call of a function: the coroutine objects that `coroutine()` makes. Its iterator passes itself to the task,
 * which puts it on its own stack, so that resuming it costs the same however deep it is nested.
 */
export class CoroutineObject<T> implements AwaitableCoroutine<T>, Enterable {
  static {
    inspectAsText(CoroutineObject.prototype);
  }

  readonly #fn: AnyCoroutineFunction<T>;
  /** What its function is called with. @internal */
  readonly _args: readonly unknown[];
  readonly #self: unknown;
  #state: CoroutineState = 'created';
  /**
   * Whether the promise of its function is not waited for any more when its scope is cancelled before the function has
   * begun a wait of this library. @internal
   */
  _isLeavable = false;

  /** @internal */
  constructor(fn: AnyCoroutineFunction<T>, args: readonly unknown[], self?: unknown) {
    this.#fn = fn;
    this._args = args;
    this.#self = self;
  }

  /** The name of the function. */
  get name(): string {
    return this.#fn.name;
  }

  /** The function as a call, for texts. @internal */
  get _call(): string {
    return describeFunction(this.#fn);
  }

  /** The caller of this awaits it: it can be called once. */
  [Symbol.iterator](): this {
    if (this.#state !== 'created') throw this.#reused();
    this.#touch('claimed');
    return this;
  }

  /** @internal */
  get _isHanded(): boolean {
    return this.#state === 'handed';
  }

  /** For the task: the first call passes the coroutine to it, the second one has the result. */
  next(value?: unknown): IteratorResult<unknown, T> {
    switch (this.#state) {
      case 'claimed':
        this.#state = 'handed';
        return { done: false, value: this };
      case 'running':
        this.#state = 'closed';
        return { done: true, value: value as T };
      case 'handed':
        throw new RuntimeError(`${this} was not awaited by a task: run it with createTask() or run()`, {
          code: 'NO_TASK',
        });
      default:
        throw this.#reused();
    }
  }

  /** For the task: an error instead of the result. */
  throw(error: unknown): IteratorResult<unknown, T> {
    if (this.#state === 'closed') throw this.#reused();
    this.#touch('closed');
    throw error;
  }

  /** Ends it without awaiting it, as `close()` does. */
  return(value: T): IteratorResult<unknown, T> {
    this.#touch('closed');
    return { done: true, value };
  }

  /** Ends it without awaiting it: it cannot be awaited any more, and debug mode does not report it. */
  close(): void {
    this.#touch('closed');
  }

  /** @internal */
  [ENTER](task: TaskRole): Frame | PromiseLike<unknown> {
    this.#state = 'running';
    return callCoroutineFunction(task, this.#fn, this._args, this.#self);
  }

  get then(): <R1 = T, R2 = never>(
    onFulfilled?: ((value: T) => R1 | PromiseLike<R1>) | null,
    onRejected?: ((error: Rejection) => R2 | PromiseLike<R2>) | null,
  ) => Promise<R1 | R2> {
    noteLookUp(this);
    return thenOfGenerator as never;
  }

  catch<R = never>(onRejected?: ((error: Rejection) => R | PromiseLike<R>) | null): Promise<T | R> {
    return catchOf.call(this, onRejected) as Promise<T | R>;
  }

  finally(onFinally?: (() => void) | null): Promise<T> {
    return finallyOf.call(this, onFinally) as Promise<T>;
  }

  /** @internal */
  get [Symbol.dispose](): never {
    return refuseDisposal();
  }

  /** @internal */
  get [Symbol.asyncDispose](): never {
    return refuseDisposal();
  }

  #touch(state: CoroutineState): void {
    this.#state = state;
    if (debug.neverAwaited !== null) debug.neverAwaited.touched(this);
  }

  #reused(): RuntimeError {
    const why = this.#state === 'running' ? 'is being awaited already' : 'cannot reuse already awaited coroutine';
    return new RuntimeError(`${this}: ${why}; call ${this._call} again for each await`, {
      code: 'COROUTINE_REUSED',
    });
  }

  toString(): string {
    return `<coroutine ${this._call} ${this.#state}>`;
  }
}

function thenOfCoroutine<T, R1, R2>(
  coroutine: Coroutine<T>,
  onFulfilled?: ((value: T) => R1 | PromiseLike<R1>) | null,
  onRejected?: ((error: Rejection) => R2 | PromiseLike<R2>) | null,
): Promise<R1 | R2> {
  if (isAwaitOfTheEngine(coroutine, onFulfilled, onRejected))
    return awaitCoroutine(coroutine, onFulfilled, onRejected, implicitLoop);
  return new Promise<T>((resolve, reject) => {
    observeCoroutine(coroutine, resolve, reject, implicitLoop);
  }).then(onFulfilled, onRejected);
}

/**
 * Makes a function lazy: calling it returns a coroutine, whose code does not run until it is awaited (then it runs
 * inside the awaiting task) or made a task. It can be awaited once. The function is called with the `this` of that
 * call, so that methods can be made lazy too.
 *
 * @param fn an async function or a generator function
 * @example
 * const fetchUser = coroutine(async (id: number) => (await fetch(`${site}/users/${id}`)).json());
 * const user = await fetchUser(1);
 */
export function coroutine<A extends unknown[], T, This = unknown>(
  fn: (this: This, ...args: A) => ReturnType<CoroutineFunction<T>>,
): (this: This, ...args: A) => CoroutineObject<T> {
  if (typeof fn !== 'function') {
    throw typeError(
      `coroutine: an async function or a generator function is required, got ${describe(fn)}`,
      'NOT_A_COROUTINE',
    );
  }
  const make = function (this: This, ...args: A): CoroutineObject<T> {
    const made = new CoroutineObject<T>(fn, args, this);
    if (debug.neverAwaited !== null) debug.neverAwaited.made(made, describeFunction(fn));
    return made;
  };
  Object.defineProperty(make, 'name', { value: fn.name, configurable: true });
  Object.defineProperty(make, COROUTINE_FUNCTION, { value: true });
  return make;
}

const COROUTINE_FUNCTION: unique symbol = /* @__PURE__ */ Symbol('coroutine function');

/** In debug mode: records new coroutine objects, to report those that are never awaited. */
interface NeverAwaited {
  made(coroutine: object, name: string): void;
  touched(coroutine: object): void;
  ended(loop: object): void;
}

/** A coroutine object that nobody has awaited yet. It does not hold the object, which may be collected. */
interface Unawaited {
  readonly message: string;
  /** The set of those of the same loop. Invariant: it is in the set until it is awaited, closed or reported. */
  readonly among: Set<Unawaited>;
}

const debug: { neverAwaited: NeverAwaited | null } = { neverAwaited: null };

let debuggingLoops = 0;

/**
 * A loop's debug mode is switched on or off. While it is on in any loop, coroutine objects that are never awaited are
 * reported.
 */
export function reportNeverAwaited(enabled: boolean): void {
  debuggingLoops += enabled ? 1 : -1;
  debug.neverAwaited = debuggingLoops === 0 ? null : (debug.neverAwaited ?? watchNewCoroutines());
}

/** In debug mode: a coroutine was made whose code does not run until it is awaited. */
export function noteMade(coroutine: object, name: string): void {
  if (debug.neverAwaited !== null) debug.neverAwaited.made(coroutine, name);
}

/** In debug mode: it is awaited, or will intentionally never be. */
export function noteTouched(coroutine: object): void {
  if (debug.neverAwaited !== null) debug.neverAwaited.touched(coroutine);
}

/** Whether coroutines are recorded; checked first on fast paths. */
export const isWatching = (): boolean => debug.neverAwaited !== null;

/** In debug mode: a loop is closed. What was made for it and not awaited until now never will be. */
export function reportUnawaited(loop: object): void {
  if (debug.neverAwaited !== null) debug.neverAwaited.ended(loop);
}

/**
 * They are reported when they are garbage collected, which may never happen in a short program, or when their loop is
 * closed, which would be too late in a server. Coroutines that are made at the same place are reported once.
 */
function watchNewCoroutines(): NeverAwaited {
  const unawaited = new WeakMap<object, Unawaited>();
  const ofLoop = new WeakMap<object, Set<Unawaited>>();
  const ofNoLoop = new Set<Unawaited>();
  const reported = new Set<string>();
  const report = (one: Unawaited): void => {
    if (!one.among.delete(one) || reported.has(one.message)) return;
    reported.add(one.message);
    logger.warn(one.message);
  };
  // Garbage collection may come late. What was made under a debug mode that has ended since is not reported.
  const collected = new FinalizationRegistry<Unawaited>((one) => {
    if (debug.neverAwaited === watch) report(one);
  });
  const among = (loop: object | null): Set<Unawaited> => {
    if (loop === null) return ofNoLoop;
    let all = ofLoop.get(loop);
    if (all === undefined) {
      all = new Set();
      ofLoop.set(loop, all);
    }
    return all;
  };
  const watch: NeverAwaited = {
    made(coroutine, name) {
      const loop = runningLoop();
      if (loop !== null && !loop.getDebug()) return; // several loops may be alive in one process
      const { place, stack } = callerPlaceAndStack();
      const where = place === null ? stack : `\n    at ${place}`;
      const message = `coroutine '${name}' was never awaited: nothing of it has run; use await, yield* or createTask()${where}`;
      const one: Unawaited = { message, among: among(loop) };
      one.among.add(one);
      unawaited.set(coroutine, one);
      collected.register(coroutine, one, coroutine);
    },
    touched(coroutine) {
      const one = unawaited.get(coroutine);
      if (one === undefined) return;
      one.among.delete(one);
      collected.unregister(coroutine);
    },
    ended(loop) {
      for (const one of [...among(loop)]) report(one);
    },
  };
  return watch;
}

/**
 * Calls a function whose result is a coroutine in either spelling.
 *
 * @throws {TypeError} when it returns something else
 */
export function callCoroutineFunction(
  task: TaskRole,
  fn: AnyCoroutineFunction<unknown>,
  args: readonly unknown[],
  self?: unknown,
): Frame | PromiseLike<unknown> {
  const called = self === undefined ? fn : (...own: never[]) => fn.apply(self, own as never);
  const result: unknown = isGeneratorFunction(fn)
    ? called(...(args as never))
    : callInTask(task, called, args as never);
  return begunOf(result, fn);
}

/**
 * Turns the result of a coroutine function into a frame to run, or a promise to wait for.
 * @throws {TypeError} when it is neither
 */
export function begunOf(result: unknown, fn: AnyCoroutineFunction<unknown>): Frame | PromiseLike<unknown> {
  if (isFrame(result)) {
    if (!(Symbol.asyncIterator in result))
      return Symbol.iterator in result ? (result as Coroutine<unknown>)[Symbol.iterator]() : result;
  } else if (typeof result === 'object' && result !== null) {
    // The library's awaitables are checked before promises, because they can be cancelled; an executor's job is both.
    if (Symbol.iterator in result && !Array.isArray(result)) {
      const iterator: unknown = (result as Iterable<unknown>)[Symbol.iterator]();
      if (isFrame(iterator)) return iterator;
    }
    if ('then' in result && typeof result.then === 'function') return result as PromiseLike<unknown>;
  }
  throw typeError(
    `a coroutine was expected, but ${describeFunction(fn)} returned ${describe(result)}: it should be an async function or a generator function`,
    'NOT_A_COROUTINE',
  );
}

// The kind of a function is recognised by its constructor. This runs for every callback, timer and body, and a property
// is fast, while Object.getPrototypeOf() is a call into the engine.
let generatorFunction: unknown;
let asyncFunction: unknown;
let generatorNext: unknown;

/** Whether calling a function does not run any of its code yet. */
export function isGeneratorFunction(fn: object): boolean {
  generatorFunction ??= function* () {}.constructor;
  return fn.constructor === generatorFunction;
}

/** Whether a function is a native async function. One that was compiled to ES2016 or older is not. */
export function isAsyncFunction(fn: object): boolean {
  asyncFunction ??= (async () => {}).constructor;
  return fn.constructor === asyncFunction;
}

let awaitableGenerators: object | undefined;

/**
 * Makes a generator function of this library awaitable in both spellings: its generators get a `then`. The function
 * must be declared once, at the top of a module: making a new one for each call costs fifty times as much as calling
 * it.
 */
export function libraryCoroutine<A extends unknown[], T>(
  fn: (...args: A) => Generator<unknown, T, unknown>,
): (...args: A) => AwaitableCoroutine<T> {
  // All generators inherit `next` from the prototype of their function's prototype; the library's generators also get
  // `then` there.
  const generators: object = Object.getPrototypeOf(fn).prototype;
  if (awaitableGenerators === undefined) {
    awaitableGenerators = Object.create(generators, {
      then: { get: lookUpThen, configurable: true },
      catch: { value: catchOf, configurable: true, writable: true },
      finally: { value: finallyOf, configurable: true, writable: true },
      [Symbol.iterator]: { value: iteratorOfGenerator, configurable: true, writable: true },
      // Not claimed yet. The same property distinguishes them from other generators without another lookup.
      [CLAIMED]: { value: false, configurable: true, writable: true },
      toString: { value: textOf, configurable: true, writable: true },
      [Symbol.dispose]: { get: refuseDisposal, configurable: true },
      [Symbol.asyncDispose]: { get: refuseDisposal, configurable: true },
    }) as object;
    inspectAsText(awaitableGenerators);
  }
  // A task that runs one is shown by the name of the function.
  fn.prototype = Object.create(awaitableGenerators, { calledAs: { value: fn.name } });
  const make = function (this: unknown, ...args: A): AwaitableCoroutine<T> {
    const made = fn.apply(this, args) as unknown as AwaitableCoroutine<T>;
    if (debug.neverAwaited !== null) debug.neverAwaited.made(made, fn.name);
    return made;
  };
  Object.defineProperty(make, 'name', { value: fn.name, configurable: true });
  Object.defineProperty(make, COROUTINE_FUNCTION, { value: true });
  return make;
}

/**
 * Read by `using guard = lock.acquire()` when `await` is missing: nothing was acquired, so nothing may be disposed of.
 * It throws before the block begins.
 */
export function refuseDisposal(): never {
  throw new RuntimeError(
    'using: the coroutine was not awaited, so nothing has been acquired; write `using x = await …`, or `yield*` instead of `await`',
    { code: 'NOT_AWAITED' },
  );
}

/** The property that marks a coroutine as awaited or run already. */
export const CLAIMED: unique symbol = /* @__PURE__ */ Symbol('claimed');

/** Whether any generator was marked by `Object.preventExtensions`: until then `claim` need not look for that. */
const sparing = { hasBegun: false };

/**
 * Marks a coroutine as awaited or run as a task. A second user would find it finished, or in the middle.
 *
 * The mark is a property. The engine allocates 40 bytes for the first property of a generator. Where a loop has very
 * many tasks, a program's generator is marked by `Object.preventExtensions` instead, which takes no memory, and 20 ns
 * more.
 *
 * @param isOneOfMany whether there are so many that memory matters more than time
 * @returns whether it is one of this library
 */
export function claim(coroutine: object & { [CLAIMED]?: boolean }, isOneOfMany = false): boolean {
  const claimed = coroutine[CLAIMED];
  const maySpare = claimed === undefined && (isOneOfMany || sparing.hasBegun) && isGenerator(coroutine);
  if (claimed === true || (maySpare && !Object.isExtensible(coroutine))) {
    throw new RuntimeError(
      `cannot reuse already awaited coroutine ${describe(coroutine)}: call its function again for each task or await`,
      { code: 'COROUTINE_REUSED' },
    );
  }
  if (maySpare && isOneOfMany) {
    sparing.hasBegun = true;
    Object.preventExtensions(coroutine);
  } else {
    coroutine[CLAIMED] = true;
  }
  if (debug.neverAwaited !== null) debug.neverAwaited.touched(coroutine);
  return claimed === false;
}

/** As `claim`, if the value is a generator of the program; otherwise it has no effect. */
export function claimGenerator(coroutine: object & { readonly [CLAIMED]?: boolean }): void {
  if (isGenerator(coroutine) && coroutine[CLAIMED] !== false) claim(coroutine);
}

/** The `toString` of coroutines of this library, in the format of `CoroutineObject`. */
export function textOf(this: { readonly calledAs: string; readonly [CLAIMED]: boolean }): string {
  return `<coroutine ${this.calledAs}() ${this[CLAIMED] ? 'awaited' : 'created'}>`;
}

function iteratorOfGenerator<T>(this: Coroutine<T>): Coroutine<T> {
  claim(this);
  return this;
}

/**
 * The accessor `then` of this library's coroutines, and of other objects with a coroutine's iterator. It must be an
 * accessor: a method that calls another `then` would not be recognised as an `await` of the line that awaits it.
 */
export function lookUpThen(this: object): unknown {
  noteLookUp(this);
  return thenOfGenerator;
}

type OnRejected = ((error: unknown) => unknown) | null | undefined;

/** The `catch` of this library's coroutines. */
export function catchOf(this: PromiseLike<unknown>, onRejected?: OnRejected): Promise<unknown> {
  return this.then(null, onRejected) as Promise<unknown>;
}

/** The `finally` of this library's coroutines. */
export function finallyOf(this: PromiseLike<unknown>, onFinally?: (() => void) | null): Promise<unknown> {
  return (this.then((value) => value) as Promise<unknown>).finally(onFinally);
}

function thenOfGenerator<T, R1, R2>(
  this: Coroutine<T>,
  onFulfilled?: ((value: T) => R1 | PromiseLike<R1>) | null,
  onRejected?: ((error: Rejection) => R2 | PromiseLike<R2>) | null,
): Promise<R1 | R2> {
  return thenOfCoroutine(this, onFulfilled, onRejected);
}

/**
 * Whether a value is a coroutine: a generator object, or an object returned by a `coroutine()` function or by this
 * library's own functions.
 *
 * Follows CPython's `asyncio.iscoroutine`.
 *
 * @example
 * const lazy = coroutine(main);
 * console.log(iscoroutine(lazy()), iscoroutine(lazy), iscoroutine(Promise.resolve())); // true false false
 */
export function iscoroutine(value: unknown): value is Coroutine<unknown> {
  return isGenerator(value) || isOtherCoroutine(value);
}

/**
 * Whether a value is a generator, as nearly every coroutine is. This is checked for every task, and every generator
 * function has its own prototype. One lookup that the engine cannot predict takes 10 ns; the four lookups of the
 * general check take 55 ns.
 */
function isGenerator(value: unknown): boolean {
  generatorNext ??= Object.getPrototypeOf(function* () {}).prototype.next;
  return typeof value === 'object' && value !== null && (value as Partial<Frame>).next === generatorNext;
}

function isOtherCoroutine(value: unknown): boolean {
  return (
    isFrame(value) && !('_asyncioFutureBlocking' in value) && !(Symbol.asyncIterator in value) && !isOfOtherCopy(value)
  );
}

/**
 * Whether a value is a coroutine of another copy of this library. Here it can be used only as a promise, because it
 * belongs to another loop.
 */
export function isOfOtherCopy(value: object): boolean {
  return '_isHanded' in value && !(ENTER in value);
}

/**
 * Whether a value is a function that begins a coroutine: a generator function, an async function, or one made by
 * `coroutine()`.
 *
 * Follows CPython's `asyncio.iscoroutinefunction`.
 *
 * @example
 * console.log(iscoroutinefunction(async () => 1), iscoroutinefunction(() => sleep(1))); // true false
 */
export function iscoroutinefunction(value: unknown): value is CoroutineFunction<unknown, unknown[]> {
  return (
    typeof value === 'function' && (COROUTINE_FUNCTION in value || isGeneratorFunction(value) || isAsyncFunction(value))
  );
}
