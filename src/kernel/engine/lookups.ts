import { RESOLVED } from '../runtime/platform.ts';
import { current, enterAsyncContext, NOT_ENTERED } from './current.ts';
import { flowOfCallback, isLost, meetLostScope, runningScope, scopeOfLine } from './line.ts';
import type { Scope, TaskRole } from './roles.ts';

/**
 * Distinguishes `await x` from `x.then(f)`. (In this file "the engine" is the JavaScript engine.) An `await` reads
 * `x.then` at once, in the awaiting code, and the engine calls what it has read in a later microtask. A program that
 * writes `x.then(f)` calls it right away. So the getter of `then` notes the object, with the scope of the line, and
 * asks for a microtask that ends the *segment*. A call of `then` before that microtask is one of the program, a call
 * after it one of the engine. All calls of the engine for one segment come before the end of the next segment, in the
 * order of the look-ups.
 *
 *     await a     a.then is read     ┐                          ┌ the engine calls a.then
 *     await b     b.then is read     ┤ the microtask: swap      ┤ the engine calls b.then
 *                 now = [a, b]       ┘ called = [a, b]          └ called = []
 *
 * Invariant: the lists hold no object that was called, or that was never called by the end of the next segment. So they
 * keep nothing alive.
 */
class LookUps {
  /** The look-ups of the running segment. */
  now: List = new List();
  /** The look-ups of the last segment that the engine has not called yet. */
  called: List = new List();
  /** Whether the microtask that ends the segment has been asked for. */
  isMarked = false;
  /** The task of the last look-up in the running segment. */
  task: TaskRole | null = null;
  /** The scope of the line whose `await` the engine has called last. */
  owner: Scope | null = null;
  /** Where that `await` is in the program, in debug mode. */
  place: object | null = null;
  /** The number of the segment whose look-ups the engine calls now. */
  segment = 0;
}

/** Objects and scopes side by side: nothing is allocated for a look-up. */
class List {
  readonly objects: (object | null)[] = [];
  readonly scopes: (Scope | null)[] = [];
  /**
   * Where the awaits are in the program; in debug mode only. Dropped with the list, because a place (a stack) may keep
   * objects alive.
   */
  places: (object | null)[] | null = null;
  head = 0;
  length = 0;

  push(object: object, scope: Scope | null): void {
    this.objects[this.length] = object;
    this.scopes[this.length++] = scope;
  }

  clear(): void {
    for (let i = this.head; i < this.length; i++) {
      this.objects[i] = null;
      this.scopes[i] = null;
    }
    this.places = null;
    this.head = 0;
    this.length = 0;
  }
}

const lookUps = /* @__PURE__ */ new LookUps();

const endOfSegment = (): void => {
  const { called } = lookUps;
  if (called.head < called.length) called.clear(); // looked up, and never called
  called.head = 0;
  called.length = 0;
  called.places = null;
  lookUps.place = null;
  lookUps.called = lookUps.now;
  lookUps.now = called;
  lookUps.segment++;
  lookUps.isMarked = false;
  lookUps.task = null;
};

/** The `then` of an awaitable is read. */
export function noteLookUp(object: object): void {
  if (current.loop === null) noteLookUpBy(object, scopeOfLine());
  else noteLookUpBy(object, current.task === null ? flowOfCallback() : scopeOfFrame());
}

/**
 * The scope of a look-up inside a handle: by a frame of the running task, or by an async function that it has called.
 */
function scopeOfFrame(): Scope | null {
  const scope = runningScope();
  if (scope === null) return null;
  const own = scopeWithOwnVariables(scope);
  if (own !== null) return own;
  enterAsyncContext(scope);
  return scope;
}

/**
 * The scope that `ContextVar.set` has made in the first segment of an async function, for variables of its own; `null`
 * if there is none. The function's awaits belong to it.
 */
function scopeWithOwnVariables(scope: Scope): Scope | null {
  if (current.context === null || current.storage === null || current.outerStore !== NOT_ENTERED) return null;
  const inside = current.storage.getStore() as Scope | undefined;
  return inside !== undefined && inside.parent === scope && inside.context === current.context ? inside : null;
}

/** As `noteLookUp`, if the scope of the line is known. */
export function noteLookUpBy(object: object, line: Scope | null): void {
  if (!lookUps.isMarked) {
    lookUps.isMarked = true;
    RESOLVED.then(endOfSegment);
  }
  const scope = line !== null && current.loop === null && isLost(line) ? meetLostScope(line) : line;
  const { now } = lookUps;
  if (places.take !== null) {
    now.places ??= [];
    now.places[now.length] = places.take();
  }
  now.push(object, scope);
  lookUps.task = scope === null ? null : scope.task;
}

/**
 * Functions that record places in the program; `null` while they are not recorded. `take` is called during an `await`,
 * and returns its place. `yielded` is called while a generator coroutine begins to wait, with the future, or with
 * `givesWay` for a `sleep(0)`.
 */
export const places: {
  take: (() => object) | null;
  yielded: ((on: object, givesWay: boolean) => void) | null;
} = {
  take: null,
  yielded: null,
};

/**
 * Whether a call of `then` is one of the engine, for an `await` (or for a promise that is resolved with the awaitable),
 * and not one of the program.
 *
 * If the engine has not called an object yet, and a line has looked it up again in the meantime, the order does not
 * tell. Then the arguments do, because the engine's functions are native and have no name.
 */
export function isAwaitOfTheEngine(object: object, onFulfilled: unknown, onRejected: unknown): boolean {
  const isPair = typeof onFulfilled === 'function' && typeof onRejected === 'function';
  const at = isPair && current.loop === null ? indexInCalled(object) : -1;
  if (lookUps.isMarked && isInThisSegment(object)) {
    if (at < 0 || !(isNative(onFulfilled) && isNative(onRejected))) {
      takeFromThisSegment(object);
      return false;
    }
  }
  if (at < 0) return false; // the program has kept a `then` that it had read before
  const { called } = lookUps;
  lookUps.owner = called.scopes[at]!;
  lookUps.place = called.places === null ? null : (called.places[at] ?? null);
  for (let i = called.head; i <= at; i++) {
    called.objects[i] = null;
    called.scopes[i] = null;
    if (called.places !== null) called.places[i] = null;
  }
  called.head = at + 1;
  lookUps.task = null; // look-ups during the engine's previous call are not of the code that goes on now
  return true;
}

/** The index of an object among those that the engine has not called yet; -1 if it is not among them. */
function indexInCalled(object: object): number {
  const { objects, head, length } = lookUps.called;
  for (let at = head; at < length; at++) if (objects[at] === object) return at;
  return -1;
}

const NATIVE = /^function \(\) \{\s*\[native code\]\s*\}$/;

function isNative(fn: unknown): boolean {
  return typeof fn === 'function' && NATIVE.test(Function.prototype.toString.call(fn));
}

function isInThisSegment(object: object): boolean {
  const { objects, length } = lookUps.now;
  for (let at = length - 1; at >= 0; at--) if (objects[at] === object) return true;
  return false;
}

/**
 * Removes the last look-up of an object from the running segment: the program calls the `then` that it has just read.
 */
function takeFromThisSegment(object: object): void {
  const { now } = lookUps;
  for (let at = now.length - 1; at >= 0; at--) {
    if (now.objects[at] !== object) continue;
    for (let i = at + 1; i < now.length; i++) {
      now.objects[i - 1] = now.objects[i]!;
      now.scopes[i - 1] = now.scopes[i]!;
      if (now.places !== null) now.places[i - 1] = now.places[i] ?? null;
    }
    now.length--;
    now.objects[now.length] = null;
    now.scopes[now.length] = null;
    if (now.places !== null) now.places[now.length] = null;
    return;
  }
}

/**
 * The scope of the `await` for which the engine has just called `then`; `null` if the code belongs to no scope. It can
 * be taken once.
 */
export function takeOwner(): Scope | null {
  const scope = lookUps.owner;
  lookUps.owner = null;
  return scope;
}

/** The place of the `await` for which the engine has just called `then`; `null` if it was not recorded. */
export function placeOfCall(): object | null {
  return lookUps.place;
}

/** A number for the segment in which the `await` was made for which the engine has just called `then`. */
export function segmentOfCall(): number {
  return lookUps.segment;
}

/** Whether the engine has called `then` for all awaits that lines of a task have made. */
export function areAllRegistered(task: TaskRole): boolean {
  return !isLookingUp(task) && !hasOf(lookUps.called, task);
}

/** Whether lines of a task have looked up a `then` in the running segment, which the engine cannot have called yet. */
export function isLookingUp(task: TaskRole): boolean {
  return lookUps.isMarked && hasOf(lookUps.now, task);
}

function hasOf({ scopes, head, length }: List, task: TaskRole): boolean {
  for (let at = head; at < length; at++) if (scopes[at]?.task === task) return true;
  return false;
}

/**
 * Whether the running code of a task is about to wait: its last look-up of a `then` was not followed by a call at once.
 */
export function isAboutToWait(task: TaskRole): boolean {
  return lookUps.isMarked && lookUps.task === task && lookUps.now.length > 0;
}
