import { LookupError, RuntimeError, ValueError } from '../../errors/errors.ts';
import { typeError } from '../../errors/type-error.ts';
import { describe } from '../../internal/describe.ts';
import { checkOptions } from '../../internal/options.ts';
import { type AsyncStorage, callbackId, canTellCallbacks } from '../runtime/platform.ts';
import { current, NOT_ENTERED, prepareAsyncTasks } from './current.ts';
import {
  contextOfScope,
  keepContextOfCallback,
  lend,
  noteCalled,
  ownContextOf,
  runningScope,
  scopeOfLine,
} from './line.ts';
import { isAboutToWait } from './lookups.ts';
import type { ContextRole, LoopRole, Scope } from './roles.ts';
import { CancelScope, waitsNow } from './scope.ts';

/** The values of a context; never changed, so that contexts can share it. */
export type Values = ReadonlyMap<ContextVar<unknown>, unknown>;

const NONE: Values = /* @__PURE__ */ new Map();
const MISSING: unique symbol = /* @__PURE__ */ Symbol('missing');

/**
 * The values of context variables. Every task and every handle runs in one; a task gets a copy of its creator's, so that
 * what it sets is seen by itself and by what it starts, and by nobody else.
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
  /** Whether code runs in it below the context that is current now. @internal */
  _entered = false;

  constructor() {
    this._values = NONE;
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

  /** The variable's value in this context, `fallback` (or `null`) when it has none; a variable's own default does not count. */
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
 * A context that was given, `null` when none was.
 *
 * @throws {TypeError} when something else was
 */
export function givenContext(context: unknown): Context | null {
  if (context === null || context === undefined) return null;
  if (context instanceof Context) return context;
  throw typeError(
    `a context was expected, got ${describe(context)}: give one from copyContext() or new Context(), or none`,
    'NOT_A_CONTEXT',
  );
}

/** Makes a context current; returns what `leaveContext` needs. */
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

/** The context that is current: of the running handle or step, of the async function's line, or the thread's own. */
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

/** The values of the current context, to be shared: what a copy would have. */
export function currentValues(): Values {
  if (current.context !== null) return current.context._values as Values;
  if (current.loop !== null) return current.task !== null ? (current.task._currentValues() as Values) : rootValues();
  const scope = scopeOfLine();
  return (ownContextOf(scope)?._values ?? scope?.task?._currentValues() ?? rootValues()) as Values;
}

function rootValues(): Values {
  return root === null ? NONE : root._values;
}

/**
 * The context that `set` writes to. What a line sets in a step of its task is the task's. What is set while the task waits elsewhere, or
 * after a call in the same segment has begun to wait, is seen by that flow alone: it is code beside the task's line.
 */
function contextToSet(): Context {
  const context = currentContext();
  const { storage } = current;
  if (storage === null) return context;
  const isInHandle = current.loop !== null;
  if (isInHandle && current.task === null) keepContextOfCallback();
  const scope = isInHandle ? (storage.getStore() as Scope | undefined) : scopeOfLine();
  if (scope === undefined || scope === null) {
    // A callback that has inherited nothing, while a loop runs: what it sets is no affair of other callbacks.
    if (isInHandle || current.context !== null || current.run === null) return context;
    const flow = new CancelScope(null, null, current.run, null);
    noteCalled(flow, context);
    return startFlow(flow, context, storage);
  }
  const { task } = scope;
  if (task === null || (scope.context !== null && (isInHandle || canTellCallbacks()))) return context;
  let isLent = false;
  if (isInHandle) {
    // The first segment of an async function, called in a step of its task; not one that a frame has called, which looks like the frame.
    if (task !== current.task || current.outerStore !== NOT_ENTERED || !isAboutToWait(task)) return context;
    if (context !== task._context) return context; // that of `Context.run`
  } else {
    if (current.context !== null) return context;
    if (task._loop._step.task === task) {
      if (!isAboutToWait(task)) return context;
    } else if (!canTellCallbacks()) {
      isLent = true;
    } else if (!task.done() && !waitsNow(task)) {
      return context; // a line of the task that comes back from a foreign promise: its caller is to see what it sets
    }
  }
  const line = new CancelScope(scope, task, task._loop, null);
  const own = startFlow(line, context, storage);
  if (isInHandle) current.context = own;
  if (isLent) lend(scope, line);
  return own;
}

/** What runs now, and what follows from it, has context variables of its own. */
function startFlow(flow: CancelScope, context: Context, storage: AsyncStorage): Context {
  const own = context.copy();
  flow.context = own;
  storage.enterWith(flow);
  return own;
}

/**
 * Calls a function in a context, which async functions that it calls keep after each of their awaits: they are a flow of their own. Where the
 * runtime has no async contexts the context ends with the call, as with `Context.run`.
 *
 * @param loop the one that the flow belongs to where no task runs
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
  // The function may await a foreign promise first, so that its first await is too late to enter the async context.
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

/** A copy of the current context in which a variable has a value: cheaper than to set it where the copy is current. */
export function contextWith<T>(variable: ContextVar<T>, value: T): Context {
  return contextOf(new Map(currentValues()).set(variable, value));
}

/**
 * A copy of the current context.
 *
 * Follows CPython's `contextvars.copy_context`.
 */
export function copyContext(): Context {
  return contextOf(currentValues());
}

/** What `ContextVar.set` returns: takes the variable back to its value before that call. */
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
   * @param name for messages and tools
   * @param options `default`: the value where none is set
   */
  constructor(name: string, options: { readonly default?: T } = {}) {
    checkOptions('ContextVar', options, ['default']);
    if (typeof name !== 'string') throw typeError(`ContextVar: the name must be a string, got ${describe(name)}`);
    this.name = name;
    this._default = 'default' in options ? (options.default as T) : MISSING;
  }

  /**
   * The value in the current context, else `fallback` when given, else the variable's default.
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

  /** Sets the value in the current context; `reset` with the token takes it back. */
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
