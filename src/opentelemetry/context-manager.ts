import { type Context, type ContextManager, ROOT_CONTEXT } from '@opentelemetry/api';
import {
  ContextVar,
  type Coroutine,
  copyContext,
  coroutine,
  createTask,
  iscoroutine,
  type Task,
  type Context as ValueContext,
} from '../index.ts';
import { canTellTasks, isAsyncFunction, runInFlow, runningTask } from '../kernel/lowlevel.ts';
import { EmitterBinding, isEmitter } from './emitters.ts';
import { isGenerator } from './kinds.ts';

/** The active context. Tasks inherit it from where they are made, as all context variables. */
const active = /* @__PURE__ */ new ContextVar<Context>('opentelemetry', { default: ROOT_CONTEXT });

/**
 * Keeps OpenTelemetry's active context in a context variable of this library: each task has its own, also a generator coroutine, and also in
 * browsers; under `Promise.all` each branch keeps the one that it was started with.
 *
 * In browsers there are no async contexts. An async function that is given to `with` in a task runs there as a task of its own; what an async
 * function does after it has awaited a promise that is not of this library has the root context.
 *
 * @example
 * const manager = new AsyncioContextManager().enable(); // for `context.setGlobalContextManager(manager)` of OpenTelemetry
 * const inner = manager.active().setValue(Symbol.for('user'), 'ada');
 * const user = await manager.with(inner, async () => await sleep(1, manager.active().getValue(Symbol.for('user'))));
 * console.log(user); // ada
 */
export class AsyncioContextManager implements ContextManager {
  #isEnabled = false;
  readonly #emitters = new EmitterBinding((context, fn) => this.bind(context, fn));

  /** The active context; the root context while the manager is not enabled. */
  active(): Context {
    return this.#isEnabled ? active.get() : ROOT_CONTEXT;
  }

  /**
   * Calls a function with a context, which is active in it and in all that it calls and awaits. A generator that the function returns runs with
   * that context as well.
   *
   * @returns what the function returns
   */
  with<A extends unknown[], F extends (...args: A) => ReturnType<F>>(
    context: Context,
    fn: F,
    thisArg?: ThisParameterType<F>,
    ...args: A
  ): ReturnType<F> {
    const call = (): ReturnType<F> => Reflect.apply(fn, thisArg, args) as ReturnType<F>;
    if (!this.#isEnabled) return call();
    const values = copyContext();
    values.run(() => active.set(context));
    if (!canTellTasks() && isAsyncFunction(fn) && runningTask() !== null) {
      // The kernel knows which task runs, and not which branch of it: so the branch becomes a task.
      const body = Object.defineProperty(async () => await (call() as Promise<unknown>), 'name', { value: fn.name });
      return createTask(body, { context: values, eagerStart: true }) as ReturnType<F>;
    }
    const result = runInFlow(values, call);
    if (isGenerator(result)) return within(context, result) as ReturnType<F>;
    if (!iscoroutine(result)) return result;
    return (canTellTasks() ? inFlow(values, result) : withinObject(context, result)) as ReturnType<F>;
  }

  /** A function, or an emitter whose listeners are called, with a context. Anything else is returned as it is. */
  bind<T>(context: Context, target: T): T {
    if (typeof target === 'function') {
      const manager = this;
      const bound = function (this: unknown, ...args: unknown[]): unknown {
        return manager.with(context, target as unknown as (...args: unknown[]) => unknown, this, ...args);
      };
      Object.defineProperty(bound, 'length', { value: target.length, configurable: true });
      return bound as T;
    }
    return isEmitter(target) ? this.#emitters.bind(context, target) : target;
  }

  enable(): this {
    this.#isEnabled = true;
    return this;
  }

  disable(): this {
    this.#isEnabled = false;
    return this;
  }
}

/** A generator coroutine has one line of execution, so that its task has the context from its first step to its end. */
function* within(context: Context, body: Iterable<unknown, unknown>): Generator<unknown, unknown, unknown> {
  const token = active.set(context);
  try {
    return yield* body as Coroutine<unknown>;
  } finally {
    active.reset(token);
  }
}

/**
 * Of what can be awaited as well, such as `timeout()`: it begins where it is awaited, which may be in one of several branches of a task that
 * share a context. So it has a flow of its own there.
 */
const inFlow = /* @__PURE__ */ coroutine(
  async (values: ValueContext, body: unknown) => await runInFlow(values, async () => await body),
);

/** The same where there are no async contexts. */
const withinObject = /* @__PURE__ */ coroutine(within);

/** A task that was just made begins with a context, and so does what it makes. */
export function beginWith(context: Context, task: Task<unknown>): void {
  task.getContext().run(() => active.set(context));
}
