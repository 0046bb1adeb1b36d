import type { TaskSignal } from './abort.ts';
import type { AsyncWait } from './async-step.ts';
import type { Context } from './context.ts';
import type { EventLoop } from './event-loop.ts';
import type { Task } from './task.ts';

/** A request to cancel that is on its way. */
export interface Request {
  readonly message: unknown;
  readonly at: number;
}

/** Counts steps, waits and requests in one order. */
export const clock = { now: 0 };

/**
 * What can be cancelled as one: the body of a task, a timeout, a group. The async context holds one. A flow outside any task is one
 * without a task.
 *
 *     root of a task ─▶ timeout ─▶ group      `parent` leads out; `children` are those that hold waits
 */
export class Scope {
  readonly parent: Scope | null;
  readonly task: Task<unknown> | null;
  readonly loop: EventLoop;
  waits: AsyncWait | null = null;
  children: Scope | null = null;
  before: Scope | null = null;
  after: Scope | null = null;
  isLinked = false;
  /** When a line of it was last resumed by the loop. */
  resumed = 0;
  /** When a wait was last begun in it. */
  began = 0;
  /** As above, by awaits of its body's own. */
  bodyBegan = 0;
  /** How many requests there were from outside when it was entered. */
  requestsAtEntry = 0;
  /** How often its own construct has cancelled it. */
  own = 0;
  /** A request that nobody has got yet. */
  pending: Request | null = null;
  isOver = false;
  /** The cancellation or error that ended it. */
  isLost = false;
  /** Context variables of its own: of flows. */
  context: Context | null = null;
  /** The scope that lines of it have entered by `enter()`, and where nothing tells lines apart. */
  inner: Scope | null = null;
  signal: TaskSignal | null | undefined = undefined;

  constructor(parent: Scope | null, task: Task<unknown> | null, loop: EventLoop) {
    this.parent = parent;
    this.task = task;
    this.loop = loop;
  }

  add(wait: AsyncWait): void {
    wait._nextWait = this.waits;
    if (this.waits !== null) this.waits._previousWait = wait;
    else if (this.children === null) this.#link();
    this.waits = wait;
  }

  remove(wait: AsyncWait): void {
    const { _previousWait: previous, _nextWait: next } = wait;
    if (previous !== null) previous._nextWait = next;
    else this.waits = next;
    if (next !== null) next._previousWait = previous;
    wait._previousWait = null;
    wait._nextWait = null;
    if (this.waits === null && this.children === null) this.#unlink();
  }

  #link(): void {
    const parent = this.parent;
    if (parent === null || this.isLinked) return;
    this.isLinked = true;
    if (parent.children === null && parent.waits === null) parent.#link();
    this.after = parent.children;
    if (parent.children !== null) parent.children.before = this;
    parent.children = this;
  }

  #unlink(): void {
    const parent = this.parent;
    if (parent === null || !this.isLinked) return;
    this.isLinked = false;
    if (this.before !== null) this.before.after = this.after;
    else parent.children = this.after;
    if (this.after !== null) this.after.before = this.before;
    this.before = null;
    this.after = null;
    if (parent.children === null && parent.waits === null) parent.#unlink();
  }

  /** Whether it is another one, or inside it. */
  isWithin(other: Scope): boolean {
    for (let scope: Scope | null = this; scope !== null; scope = scope.parent) if (scope === other) return true;
    return false;
  }

  noteResumed(): void {
    const now = ++clock.now;
    for (let scope: Scope | null = this; scope !== null; scope = scope.parent) scope.resumed = now;
  }

  noteBegan(): number {
    const now = ++clock.now;
    for (let scope: Scope | null = this; scope !== null; scope = scope.parent) scope.began = now;
    return now;
  }

  /** The requests that its constructs and those around it have made and not taken back. */
  ownInChain(): number {
    let sum = 0;
    for (let scope: Scope | null = this; scope !== null; scope = scope.parent) sum += scope.own;
    return sum;
  }

  setPending(request: Request): void {
    if (this.pending === null && this.task !== null) this.task._pendings++;
    this.pending = request;
  }

  clearPending(): boolean {
    if (this.pending === null) return false;
    this.pending = null;
    if (this.task !== null) this.task._pendings--;
    return true;
  }

  /** The context variables that its lines see; `null`: the task's. */
  ownContext(): Context | null {
    for (let scope: Scope | null = this; scope !== null; scope = scope.parent)
      if (scope.context !== null) return scope.context;
    return null;
  }

  collect(waits: AsyncWait[]): void {
    for (let wait = this.waits; wait !== null; wait = wait._nextWait) waits.push(wait);
    for (let child = this.children; child !== null; child = child.after) child.collect(waits);
  }
}

/** Takes the latest request that waits for a line of a scope, and all others with it: it gets one error. */
export function takePending(scope: Scope | null): Request | null {
  let latest: Request | null = null;
  for (let at = scope; at !== null; at = at.parent) {
    if (at.pending === null) continue;
    if (latest === null || at.pending.at > latest.at) latest = at.pending;
    at.clearPending();
  }
  return latest;
}
