import { LookupError, RuntimeError, ValueError } from '../../errors/errors.ts';
import { typeError } from '../../errors/type-error.ts';
import { describe } from '../../internal/describe.ts';
import { checkOptions } from '../../internal/options.ts';
import { type AsyncStorage, callbackId, canTellCallbacks } from '../runtime/platform.ts';
import { current, NOT_ENTERED, prepareAsyncTasks } from './current.ts';
import {
  contextOfScope,
  keepContextOfCallback,
  noteCalled,
  offerValues,
  ownContextOf,
  runningScope,
  scopeOfLine,
} from './line.ts';
import { isAboutToWait } from './lookups.ts';
import type { ContextRole, LoopRole, Scope } from './roles.ts';
import { CancelScope, waitsNow } from './scope.ts';

/** The values of a context; never changed, so that contexts can share it. */
export type Values = ReadonlyMap<ContextVar<unknown>, unknown>;

const NO_VALUES: Values = /* @__PURE__ */ new Map();
const MISSING: unique symbol = /* @__PURE__ */ Symbol('missing');

/**
 * The values of context variables. Every task and every handle runs in a context. A new task gets a copy of the context
 * of the code that makes it, so values that the task sets are seen only by the task and by tasks and callbacks that it
 * makes afterwards.
 *
 * Follows CPython's `contextvars.Context`.
 *
 * @example
 * const context = copyContext();
 * context.run(() => user.set('ada'));
 * context.get(user); // 'ada'; the caller's own value is as it was
 */
export class Context implements ContextRole {
  // Copies share the map until one of them is written to: a set makes a new map, which is rare and small.
  /** @internal */
  _values: Values;
  /** Whether code that runs in it has entered another context, and will come back to it. @internal */
  _entered = false;

  constructor() {
    this._values = NO_VALUES;
  }

  /**
   * Calls a function in this context.
   *
   * @returns what the function returns
   * @throws {RuntimeError} when the context is already entered
   */
  run<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): R {
    if (typeof fn !== 'function')
      throw typeError(
        `Context.run: a function is required, got ${describe(fn)}; write context.run(f, …)`,
        'NOT_CALLABLE',
      );
    const outer = enterContext(this);
    try {
      return fn(...args);
    } finally {
      leaveContext(outer);
    }
  }

  /** A context with the same values. */
  copy(): Context {
    return contextOf(this._values);
  }

  /**
   * The variable's value in this context, or `fallback` when it has none (`null` when absent). The variable's own
   * default is not used.
   */
  get<T, D = null>(variable: ContextVar<T>, fallback: D | null = null): T | D | null {
    return this._values.has(variable) ? (this._values.get(variable) as T) : fallback;
  }

  /** Whether the variable has a value in this context. */
  has<T>(variable: ContextVar<T>): boolean {
    return this._values.has(variable);
  }

  /** The variables that have a value. */
  keys(): IterableIterator<ContextVar<unknown>> {
    return this._values.keys();
  }

  /** Pairs of a variable and its value. */
  [Symbol.iterator](): IterableIterator<[ContextVar<unknown>, unknown]> {
    return this._values[Symbol.iterator]();
  }

  /** How many variables have a value. */
  get size(): number {
    return this._values.size;
  }

  toString(): string {
    return `<Context ${this.size} ${this.size === 1 ? 'variable' : 'variables'}>`;
  }
}

/**
 * Checks a context that a program has given; `null` when it gave none.
 *
 * @throws {TypeError} when it is not a context
 */
export function givenContext(context: unknown): Context | null {
  if (context === null || context === undefined) return null;
  if (context instanceof Context) return context;
  throw typeError(
    `a context was expected, got ${describe(context)}: give one from copyContext() or new Context(), or none`,
    'NOT_A_CONTEXT',
  );
}

/**
 * Makes a context current; returns what `leaveContext` has to be called with.
 * @throws {RuntimeError} when the context is already entered
 */
export function enterContext(context: Context): Context | null {
  const present = currentContext();
  if (context._entered || present === context) {
    throw new RuntimeError(`cannot enter context: ${context} is already entered`, { code: 'CONTEXT_ENTERED' });
  }
  const outer = current.context as Context | null;
  present._entered = true;
  current.context = context;
  return outer;
}

export function leaveContext(outer: Context | null): void {
  current.context = outer;
  currentContext()._entered = false;
}

let root: Context | null = null;

/**
 * The current context: that of the running handle or step, otherwise that of the running line, otherwise the thread's
 * own.
 */
export function currentContext(): Context {
  if (current.context !== null) return current.context as Context;
  if (current.loop !== null) {
    if (current.task !== null) {
      current.context = current.task._context;
      return current.context as Context;
    }
  } else {
    const scope = scopeOfLine();
    const context = scope === null ? null : contextOfScope(scope);
    if (context !== null) return context as Context;
  }
  root ??= new Context();
  return root;
}

/** The values of the current context. A copy of the context can share them, because they are never changed. */
export function currentValues(): Values {
  if (current.context !== null) return current.context._values as Values;
  if (current.loop !== null) return current.task !== null ? (current.task._currentValues() as Values) : rootValues();
  const scope = scopeOfLine();
  return (ownContextOf(scope)?._values ?? scope?.task?._currentValues() ?? rootValues()) as Values;
}

function rootValues(): Values {
  return root === null ? NO_VALUES : root._values;
}

/**
 * The context that `set` writes to. A line that sets a variable in a step of its task sets it for the whole task. But
 * code that sets a variable while the task waits elsewhere, or after a call in the same segment has begun to wait, runs
 * beside the task's other lines: it gets a scope with variables of its own, and only what follows from that code sees
 * the value.
 */
function contextToSet(): Context {
  const context = currentContext();
  const { storage } = current;
  if (storage === null) return context;
  const isInHandle = current.loop !== null;
  if (isInHandle && current.task === null) keepContextOfCallback();
  const scope = isInHandle ? (storage.getStore() as Scope | undefined) : scopeOfLine();
  if (scope === undefined || scope === null) {
    // A callback that has inherited no scope, while a loop runs: other callbacks must not see what it sets.
    if (isInHandle || current.context !== null || current.run === null) return context;
    const flow = new CancelScope(null, null, current.run, null);
    noteCalled(flow, context);
    return enterWithOwnVariables(flow, context, storage);
  }
  const { task } = scope;
  if (task === null || (scope.context !== null && (isInHandle || canTellCallbacks()))) return context;
  let isOffered = false;
  if (isInHandle) {
    // Only the first segment of an async function that was called in a step of its task. One that a frame has called
    // cannot be distinguished from the frame.
    if (task !== current.task || current.outerStore !== NOT_ENTERED || !isAboutToWait(task)) return context;
    if (context !== task._context) return context; // that of `Context.run`
  } else {
    if (current.context !== null) return context;
    if (task._loop._step.task === task) {
      if (!isAboutToWait(task)) return context;
    } else if (!canTellCallbacks()) {
      isOffered = true;
    } else if (!task.done() && !waitsNow(task)) {
      return context; // a line that has come back from a foreign promise: its caller has to see what it sets
    }
  }
  const line = new CancelScope(scope, task, task._loop, null);
  const own = enterWithOwnVariables(line, context, storage);
  if (isInHandle) current.context = own;
  if (isOffered) offerValues(scope, line);
  return own;
}

/** From now on the running code, and what follows from it, is in a scope with context variables of its own. */
function enterWithOwnVariables(scope: CancelScope, context: Context, storage: AsyncStorage): Context {
  const own = context.copy();
  scope.context = own;
  storage.enterWith(scope);
  return own;
}

/**
 * Calls a function in a context. Unlike with `Context.run`, async functions that it calls keep the context after each
 * of their awaits, because they are in a scope of their own (a flow, if no task runs). In runtimes without async
 * contexts it is the same as `Context.run`.
 *
 * @param loop gives the loop of the scope, if no task runs
 */
export function callInFlow<R>(context: Context, fn: () => R, loop: () => LoopRole): R {
  const storage = prepareAsyncTasks();
  if (storage === null) return context.run(fn);
  const parent = runningScope();
  const flow =
    parent === null
      ? new CancelScope(null, null, loop(), null)
      : new CancelScope(parent, parent.task, parent.loop, null);
  flow.context = context;
  if (parent === null) flow.calledBy = callbackId(0);
  const store = storage.getStore();
  const { scope, context: outer, outerStore } = current;
  // Entered now and not at the function's first await of this library: it may await a foreign promise before.
  storage.enterWith(flow);
  if (current.loop !== null && parent !== null) current.scope = flow;
  current.context = context;
  try {
    return fn();
  } finally {
    current.scope = scope;
    current.context = outer;
    current.outerStore = outerStore;
    if (storage.getStore() !== store) storage.enterWith(store);
  }
}

/** A context with these values. */
export function contextOf(values: Values): Context {
  const context = new Context();
  context._values = values;
  return context;
}

/**
 * A copy of the current context in which a variable has a value. It takes less time than to enter the copy and set the
 * variable.
 */
export function contextWith<T>(variable: ContextVar<T>, value: T): Context {
  return contextOf(new Map(currentValues()).set(variable, value));
}

/**
 * A copy of the current context.
 *
 * Follows CPython's `contextvars.copy_context`.
 *
 * @example
 * const name = new ContextVar('name', { default: 'nobody' });
 * const context = copyContext();
 * context.run(() => name.set('ada'));
 * console.log(context.get(name), name.get()); // ada nobody
 */
export function copyContext(): Context {
  return contextOf(currentValues());
}

/** What `ContextVar.set` returns. With it, `ContextVar.reset` takes the variable back to its value before that call. */
export class Token<T> {
  readonly variable: ContextVar<T>;
  /** @internal */
  readonly _context: Context;
  /** @internal */
  readonly _old: T | typeof MISSING;
  /** @internal */
  _used = false;

  /** @internal */
  constructor(variable: ContextVar<T>, context: Context, old: T | typeof MISSING) {
    this.variable = variable;
    this._context = context;
    this._old = old;
  }

  /** Whether the variable had a value before. */
  get hadValue(): boolean {
    return this._old !== MISSING;
  }

  toString(): string {
    return `<Token ${this._used ? 'used ' : ''}var=${this.variable}>`;
  }
}

/**
 * A variable with a value of its own in each context, such as a request's id that every log line should show.
 *
 * Follows CPython's `contextvars.ContextVar`.
 *
 * @example
 * const requestId = new ContextVar('requestId', { default: '-' });
 * const token = requestId.set('42');
 * requestId.get(); // '42'
 * requestId.reset(token);
 */
export class ContextVar<T> {
  readonly name: string;
  /** @internal */
  readonly _default: T | typeof MISSING;

  /**
   * @param name the name of the variable, for messages and tools
   * @param options `default`: the value where none is set
   */
  constructor(name: string, options: { readonly default?: T } = {}) {
    checkOptions('ContextVar', options, ['default']);
    if (typeof name !== 'string') throw typeError(`ContextVar: the name must be a string, got ${describe(name)}`);
    this.name = name;
    this._default = 'default' in options ? (options.default as T) : MISSING;
  }

  /**
   * The value in the current context; if it has none there, `fallback` when it is given, otherwise the variable's
   * default.
   *
   * @throws {LookupError} when there is none of them
   */
  get(...fallback: [] | [T]): T {
    if (current.loop !== null && current.task === null) keepContextOfCallback();
    const values = currentContext()._values;
    if (values.has(this)) return values.get(this) as T;
    if (fallback.length > 0) return fallback[0] as T;
    if (this._default !== MISSING) return this._default;
    throw new LookupError(`${this} has no value here and no default`, { code: 'NO_VALUE' });
  }

  /**
   * Sets the value in the current context. `reset` with the returned token takes the variable back to its value before.
   */
  set(value: T): Token<T> {
    const context = contextToSet();
    const old = context._values.has(this) ? (context._values.get(this) as T) : MISSING;
    context._values = new Map(context._values).set(this, value);
    return new Token(this, context, old);
  }

  /**
   * Takes the variable back to its value before the `set` that returned the token.
   *
   * @throws {RuntimeError} when the token was used before
   * @throws {ValueError} when it belongs to another variable or another context
   */
  reset(token: Token<T>): void {
    if (token._used) throw new RuntimeError(`${token} has already been used once`, { code: 'TOKEN_USED' });
    if (token.variable !== this) {
      throw new ValueError(`${token} was created by a different ContextVar than ${this}`, {
        code: 'TOKEN_OF_OTHER_VARIABLE',
      });
    }
    const context = currentContext();
    if (token._context !== context) {
      throw new ValueError(`${token} was created in a different Context`, { code: 'TOKEN_OF_OTHER_CONTEXT' });
    }
    token._used = true;
    const values = new Map(context._values);
    if (token._old === MISSING) values.delete(this);
    else values.set(this, token._old);
    context._values = values;
  }

  toString(): string {
    return `<ContextVar name=${describe(this.name)}>`;
  }
}
