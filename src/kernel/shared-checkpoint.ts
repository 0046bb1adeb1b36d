import { RuntimeError } from '../errors/errors.ts';
import { Checkpoint } from './checkpoint.ts';
import { type AwaitableCoroutine, finallyOf } from './coroutine.ts';
import { awaitCheckpoint, awaitCoroutine, observeCoroutine } from './engine/await.ts';
import { current } from './engine/current.ts';
import { runningScope, scopeOfLine } from './engine/line.ts';
import { isAwaitOfTheEngine, noteLookUpBy } from './engine/lookups.ts';
import type { Scope } from './engine/roles.ts';
import { LOST, noteBegan, noteResumed } from './engine/scope.ts';
import { implicitLoop } from './thread-loop.ts';

const OVER: IteratorResult<undefined, void> = { done: true, value: undefined };

/**
 * The coroutine of `sleep(0)` for async functions: one shared promise, fulfilled from the beginning.
 *
 * The JavaScript engine reads the `constructor` of an awaited promise, during the `await` itself. When no other task
 * could run, so that `sleep(0)` has no effect, the getter returns `Promise`, and the function continues in the next
 * microtask without any work of the loop. Any other value makes the engine call `then`, as it does for all other
 * awaitables. So the decision is made during the `await`, without a microtask more.
 */
export function checkpoint(): AwaitableCoroutine<void> {
  if (current.loop !== null || current.openTask === null || current.openTask._loop.getDebug()) return new Checkpoint();
  sharedCheckpoint ??= newSharedCheckpoint();
  return sharedCheckpoint;
}

/** Replaces the shared coroutine by a new one, which can be made a task; returns other values unchanged. */
export function ownCoroutine<T>(coroutine: T): T {
  return (coroutine as unknown) === sharedCheckpoint ? (new Checkpoint() as T) : coroutine;
}

let sharedCheckpoint: AwaitableCoroutine<void> | null = null;

/**
 * Whether the engine has just read the constructor, after which it reads `then`, and the scope of the line that awaits.
 */
const asked: { byEngine: boolean; scope: Scope | null } = { byEngine: false, scope: null };

function newSharedCheckpoint(): AwaitableCoroutine<void> {
  const settled = (async () => {})();
  const EnginePromise = settled.constructor;
  const inherited: object = Object.getPrototypeOf(settled);
  const prototype = Object.create(inherited, {
    constructor: {
      get(): unknown {
        const scope = current.loop !== null ? runningScope() : scopeOfLine();
        if (scope !== null && isAlone(scope)) return EnginePromise;
        asked.byEngine = true;
        asked.scope = scope;
        return undefined;
      },
    },
    then: {
      get(this: object): unknown {
        if (!asked.byEngine) return thenOfProgram;
        asked.byEngine = false;
        noteLookUpBy(this, asked.scope);
        asked.scope = null;
        return thenOfEngine;
      },
    },
    // Not the inherited one, which reads the constructor, as the engine does during an `await`.
    finally: { value: finallyOf },
    [Symbol.iterator]: { value: () => new Checkpoint() },
    [Symbol.toStringTag]: { value: 'Generator' },
    next: { value: notBegun },
    throw: { value: notBegun },
    return: { value: () => OVER },
  });
  return Object.setPrototypeOf(settled, prototype) as AwaitableCoroutine<void>;
}

/** Whether only the line that awaits could continue now. */
function isAlone(scope: Scope): boolean {
  const { task } = scope;
  if (current.loop !== null || task === null || (scope.marks & LOST) !== 0 || !task._loop._isAlone(task)) return false;
  noteResumed(scope);
  noteBegan(scope);
  return true;
}

function thenOfEngine(this: object, onFulfilled: never, onRejected: never): unknown {
  if (!isAwaitOfTheEngine(this, onFulfilled, onRejected)) return thenOfProgram(onFulfilled, onRejected);
  if (!awaitCheckpoint(onFulfilled, onRejected))
    awaitCoroutine(new Checkpoint(), onFulfilled, onRejected, implicitLoop);
  return undefined;
}

function thenOfProgram(onFulfilled: never, onRejected: never): unknown {
  return new Promise<void>((resolve, reject) => {
    observeCoroutine(new Checkpoint(), resolve, reject, implicitLoop);
  }).then(onFulfilled, onRejected);
}

function notBegun(): never {
  throw new RuntimeError('sleep(0) was not awaited by a task: run it with createTask() or run()', { code: 'NO_TASK' });
}
