import { afterMicrotasks, RESOLVED } from '../runtime/platform.ts';
import { current } from './current.ts';
import { emit, hooks } from './hooks.ts';
import { areAllRegistered, isLookingUp, segmentOfCall } from './lookups.ts';
import { type OpenStepRole, type Scope, STATE, type TaskRole } from './roles.ts';

const CLOSED = 0;
const OPEN = 1;
const CLOSING = 2;

/** What an open step tells its loop. */
export interface StepOwner {
  /** Whether a handle is on the stack, so that a step can be opened. @internal */
  readonly _isRunningHandle: boolean;
  /** A task's function has come back from a foreign promise, and waits or ends: nobody has seen when it began to run. @internal */
  _unseenStepIsOver(task: TaskRole): void;
  /** The step is over: the batch goes on. `isOfLine`: its task was done already when it began. @internal */
  _stepIsOver(task: TaskRole | null, isOfLine: boolean): void;
}

/**
 * The step of an async function, which goes on after its handle has returned. No other handle of the loop runs until it waits on
 * something of this library or ends; should it wait on a foreign promise, the watch finds out once the microtasks have run.
 *
 * | state | meaning | `task` | left by |
 * | --- | --- | --- | --- |
 * | CLOSED | no step is open | `null` | `open`, `openForOutside` |
 * | OPEN | the function runs, or will in a microtask | its task; `null` for code outside any task | it waits, it ends, the watch |
 * | CLOSING | it waits, but other awaits of its segment have yet to be registered | as before | a microtask; `open`, where one of them begins a function |
 *
 *     CLOSED ──open──▶ OPEN ──waits, all registered──▶ CLOSED
 *                       └──waits──▶ CLOSING ──microtask──▶ CLOSED
 */
export class OpenStep implements OpenStepRole {
  task: TaskRole | null = null;
  got = 0;
  at: Scope | null = null;
  /** Whether it is the step of a line that its task has left behind. */
  #isOfLine = false;
  #state: typeof CLOSED | typeof OPEN | typeof CLOSING = CLOSED;
  /** How many microtasks are on their way that may close it. */
  #closers = 0;
  #comebackOf: TaskRole | null = null;
  #comebackIn = -1;
  /** Whether the watch has been asked for. One a burst of steps: it is a macrotask. */
  #isWatching = false;
  readonly #owner: StepOwner;

  constructor(owner: StepOwner) {
    this.#owner = owner;
  }

  get isOpen(): boolean {
    return this.#state !== CLOSED;
  }

  get isClosing(): boolean {
    return this.#state === CLOSING;
  }

  /** A task's async function goes on. One that is open already is of a task that was started eagerly by this one, within its step. */
  open(task: TaskRole, got: number, at: Scope | null): void {
    if (this.#owner._isRunningHandle) this.openNow(task, got, at);
    else if (this.#state === CLOSING && this.task === task) this.#state = OPEN; // an await of the segment has begun a function
  }

  /** As `open`, between two handles. */
  openNow(task: TaskRole, got: number, at: Scope | null): void {
    this.task = task;
    this.got = got;
    this.at = at;
    this.#isOfLine = (task._marks & STATE) !== 0;
    current.openTask = task;
    if (this.#state === CLOSED) this.#state = OPEN;
    this.#watchMicrotasks();
  }

  /**
   * Code outside any task goes on: no step is run before it has, where nothing else tells that what it waits for is not the running
   * task's.
   */
  openForOutside(): void {
    if (!this.#owner._isRunningHandle || this.#state !== CLOSED) return;
    this.#state = OPEN;
    this.#watchMicrotasks();
  }

  /** A task waits. Awaits of the same segment that have yet to be registered are so in the microtasks right behind this one. */
  suspends(task: TaskRole): void {
    if (this.task !== task) {
      // It has come back from a foreign promise, unseen until now.
      this.#owner._unseenStepIsOver(task);
      if (hooks.beforeStep !== null && !task.done()) emit('beforeStep', task);
      if (hooks.afterStep !== null && !task.done()) emit('afterStep', task);
      return;
    }
    if (this.#state === CLOSING) return;
    if (areAllRegistered(task)) {
      this.#close();
      return;
    }
    this.#state = CLOSING;
    this.#closers++;
    RESOLVED.then(this.#closeUnlessLookingUp);
  }

  /** A task has nothing left to run. */
  ends(task: TaskRole): void {
    if (this.task !== task) this.#owner._unseenStepIsOver(task);
    else if (this.#state === OPEN) this.#close();
  }

  /** What was looked up meanwhile is called in the microtasks right behind this one: an awaited body has begun, say. */
  readonly #closeUnlessLookingUp = (): void => {
    if (this.#closers === 1 && this.#state === CLOSING && this.task !== null && isLookingUp(this.task)) {
      RESOLVED.then(this.#closeUnlessLookingUp);
      return;
    }
    // Not the last of them, or open again: a later wait closes the step.
    if (--this.#closers === 0 && this.#state === CLOSING) this.#close();
  };

  /** Whether an await is the first of a segment in which a line has come back from a foreign promise, unseen by any step. */
  isComeback(task: TaskRole): boolean {
    const segment = segmentOfCall();
    const isFirst = this.#comebackOf !== task || this.#comebackIn !== segment;
    this.#comebackOf = task;
    this.#comebackIn = segment;
    return isFirst;
  }

  readonly #close = (): void => {
    const { task } = this;
    this.#state = CLOSED;
    this.task = null;
    this.at = null;
    if (current.openTask === task) current.openTask = null;
    this.#owner._stepIsOver(task, this.#isOfLine);
  };

  #watchMicrotasks(): void {
    if (this.#isWatching) return;
    this.#isWatching = true;
    afterMicrotasks(this.#watch);
  }

  /** All microtasks have run: a step that is open still waits on a foreign promise. */
  readonly #watch = (): void => {
    this.#isWatching = false;
    if (this.#state === OPEN) this.#close();
  };
}
