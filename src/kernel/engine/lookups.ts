import { RESOLVED } from '../runtime/platform.ts';
import { current, enterAsyncContext, NOT_ENTERED } from './current.ts';
import { flowOfCallback, isLost, meetLostScope, runningScope, scopeOfLine } from './line.ts';
import type { Scope, TaskRole } from './roles.ts';

/**
 * `await x` told from `x.then(f)` by the language: an `await` reads `x.then` at once, in the awaiting code, and the engine calls what it
 * has read in a job of its own; a program calls it right away. So the getter of `then` notes the object, with the scope of the line,
 * and asks for a microtask that ends the *segment*. A `then` that is called before is a program's, one that is called afterwards the
 * engine's: all calls of the engine for one segment come before the end of the next one, in the order of the look-ups.
 *
 *     await a     a.then is read     ┐                          ┌ the engine calls a.then
 *     await b     b.then is read     ┤ the microtask: swap      ┤ the engine calls b.then
 *                 now = [a, b]       ┘ called = [a, b]          └ called = []
 *
 * Invariant: what was called, and what the end of a segment has left over, is not in the lists: they keep nobody alive.
 */
class LookUps {
  /** Those of the segment that runs. */
  now: List = new List();
  /** Those of the last segment that the engine has yet to call. */
  called: List = new List();
  /** Whether the microtask that ends the segment is on its way. */
  isMarked = false;
  /** The task that looked up last in the segment that runs. */
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
  /** Where the awaits are in the program; in debug mode only. A place may keep the objects alive that were at work there. */
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

/** A frame looks a `then` up, or an async function that it has called. */
function scopeOfFrame(): Scope | null {
  const scope = runningScope();
  if (scope === null) return null;
  const own = flowInside(scope);
  if (own !== null) return own;
  enterAsyncContext(scope);
  return scope;
}

/** What the first segment of an async function has set is its own: where it awaits, it goes on in the flow that has these variables. */
function flowInside(scope: Scope): Scope | null {
  if (current.context === null || current.storage === null || current.outerStore !== NOT_ENTERED) return null;
  const inside = current.storage.getStore() as Scope | undefined;
  return inside !== undefined && inside.parent === scope && inside.context === current.context ? inside : null;
}

/** As above, by a line whose scope is known. */
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
 * `take`: takes the place of an `await`. `yielded`: told of what a generator coroutine begins to wait for, while the place where it does is on
 * the stack: a future, or with `givesWay` a turn of the loop. Set while places are recorded.
 */
export const places: {
  take: (() => object) | null;
  yielded: ((on: object, givesWay: boolean) => void) | null;
} = {
  take: null,
  yielded: null,
};

/**
 * Whether `then` is called by the engine for an `await` (or a promise resolved with the awaitable), and not by a program.
 *
 * One object that the engine has yet to call, and that a line has looked up meanwhile, does not tell: then the functions have to, since
 * those of the engine have no name and no source.
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
  if (at < 0) return false; // a `then` that was held
  const { called } = lookUps;
  lookUps.owner = called.scopes[at]!;
  lookUps.place = called.places === null ? null : (called.places[at] ?? null);
  for (let i = called.head; i <= at; i++) {
    called.objects[i] = null;
    called.scopes[i] = null;
    if (called.places !== null) called.places[i] = null;
  }
  called.head = at + 1;
  lookUps.task = null; // what was looked up in the engine's call before this one is not of the code that this one runs
  return true;
}

/** Where the next call of the engine for an object is among those that it has yet to make; -1 when there is none. */
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

/** Takes the object out of the segment that runs: a program calls the `then` that it has just read. */
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

/** The scope that the `await` which the engine has just called belongs to; `null` where no task that goes on runs it. */
export function takeOwner(): Scope | null {
  const scope = lookUps.owner;
  lookUps.owner = null;
  return scope;
}

/** Where the `await` which the engine has just called is in the program, where debug mode has noted it. */
export function placeOfCall(): object | null {
  return lookUps.place;
}

/** The number of the segment that the await which the engine has just called is of. */
export function segmentOfCall(): number {
  return lookUps.segment;
}

/** Whether all awaits that the lines of a task have begun are registered. */
export function areAllRegistered(task: TaskRole): boolean {
  return !isLookingUp(task) && !hasOf(lookUps.called, task);
}

/** Whether lines of a task have looked a `then` up which the engine cannot have called yet. */
export function isLookingUp(task: TaskRole): boolean {
  return lookUps.isMarked && hasOf(lookUps.now, task);
}

function hasOf({ scopes, head, length }: List, task: TaskRole): boolean {
  for (let at = head; at < length; at++) if (scopes[at]?.task === task) return true;
  return false;
}

/** Whether the running segment of a task is about to wait: it has looked a `then` up that was not called at once. */
export function isAboutToWait(task: TaskRole): boolean {
  return lookUps.isMarked && lookUps.task === task && lookUps.now.length > 0;
}
