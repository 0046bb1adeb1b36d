import { RuntimeError } from '../errors/errors.ts';
import { Checkpoint } from './checkpoint.ts';
import type { AwaitableCoroutine } from './coroutine.ts';
import { awaitCheckpoint, awaitCoroutine, observeCoroutine } from './engine/await.ts';
import { current } from './engine/current.ts';
import { runningScope, scopeOfLine } from './engine/line.ts';
import { isAwaitOfTheEngine, noteLookUpBy } from './engine/lookups.ts';
import type { Scope } from './engine/roles.ts';
import { LOST, noteBegan, noteResumed } from './engine/scope.ts';
import { implicitLoop } from './thread-loop.ts';

const OVER: IteratorResult<undefined, void> = { done: true, value: undefined };

/**
 * The coroutine of `sleep(0)`, as async functions get it in a step of theirs: one promise for all, fulfilled from the beginning.
 *
 * The engine asks an awaited promise for its `constructor`, at the `await` itself. Where the task is alone, so that giving way means
 * nothing to anybody, the answer is `Promise`, and the function goes on in the next microtask, with no work of the loop at all. Any other
 * answer makes the engine call `then`, as it does for all other awaitables. So the decision is made at the `await`, and costs nothing.
 */
export function checkpoint(): AwaitableCoroutine<void> {
  if (current.loop !== null || current.openTask === null || current.openTask._loop.getDebug()) return new Checkpoint();
  sharedCheckpoint ??= newSharedCheckpoint();
  return sharedCheckpoint;
}

/** A coroutine that can be a task's own: a new one in place of the one that all share. */
export function ownCoroutine<T>(coroutine: T): T {
  return (coroutine as unknown) === sharedCheckpoint ? (new Checkpoint() as T) : coroutine;
}

let sharedCheckpoint: AwaitableCoroutine<void> | null = null;

/** Whether the engine has asked for the constructor, and the scope of the line that awaits: it looks `then` up next. */
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
    [Symbol.iterator]: { value: () => new Checkpoint() },
    [Symbol.toStringTag]: { value: 'Generator' },
    next: { value: notBegun },
    throw: { value: notBegun },
    return: { value: () => OVER },
  });
  return Object.setPrototypeOf(settled, prototype) as AwaitableCoroutine<void>;
}

/** Whether the line that awaits is the only one that could go on. */
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
