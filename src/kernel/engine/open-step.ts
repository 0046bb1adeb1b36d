import { afterMicrotasks, RESOLVED } from '../runtime/platform.ts';
import { current } from './current.ts';
import { emit, hooks } from './hooks.ts';
import { areAllRegistered, isLookingUp, segmentOfCall } from './lookups.ts';
import { type OpenStepRole, type Scope, STATE, type TaskRole } from './roles.ts';

const CLOSED = 0;
const OPEN = 1;
const CLOSING = 2;

/** What an open step needs from its loop. */
export interface StepOwner {
  /** Whether a handle is on the stack, so that a step can be opened. @internal */
  readonly _isRunningHandle: boolean;
  /**
   * An async function of a task has come back from a foreign promise, and waits again or ends. It ran outside of a
   * step, so it is not known when it began to run. @internal
   */
  _unseenStepIsOver(task: TaskRole): void;
  /**
   * The step is over: the batch goes on. `isOfLine`: the task was already done when the step began, which was that of a
   * line left behind. @internal
   */
  _stepIsOver(task: TaskRole | null, isOfLine: boolean): void;
}

/**
 * The step of an async function, which goes on after its handle has returned. No other handle of the loop runs until
 * the function waits for something of this library or ends. If it waits for a foreign promise, the watch notices that
 * when all microtasks have run, and closes the step.
 *
 * | state | meaning | `task` | left by |
 * | --- | --- | --- | --- |
 * | CLOSED | no step is open | `null` | `open`, `openForOutside` |
 * | OPEN | the function runs, or will in a microtask | its task; `null` for code outside any task | `suspends` (it waits), `ends`, the watch |
 * | CLOSING | it waits, but `then` was not called yet for other awaits of its segment | as before | a microtask; `open`, if one of them begins a function |
 *
 *     CLOSED ──open──▶ OPEN ──waits, all registered; ends; watch──▶ CLOSED
 *                      OPEN ──waits──▶ CLOSING ──microtask──▶ CLOSED
 *                                      CLOSING ──an await of the segment begins a function──▶ OPEN
 */
export class OpenStep implements OpenStepRole {
  task: TaskRole | null = null;
  received = 0;
  lineScope: Scope | null = null;
  /** Whether it is the step of a line whose task was done when the step began. */
  #isOfLine = false;
  #state: typeof CLOSED | typeof OPEN | typeof CLOSING = CLOSED;
  /** How many microtasks have been asked for that may close it. */
  #closers = 0;
  #comebackOf: TaskRole | null = null;
  #comebackIn = -1;
  /**
   * Whether the watch has been asked for. One serves all steps until it comes, because it is a macrotask, which is
   * slow.
   */
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

  /**
   * An async function of a task goes on. If a step is open already, the task of that step was started eagerly within
   * this one.
   */
  open(task: TaskRole, received: number, lineScope: Scope | null): void {
    if (this.#owner._isRunningHandle) this.openNow(task, received, lineScope);
    // An await of the segment has begun a function.
    else if (this.#state === CLOSING && this.task === task) this.#state = OPEN;
  }

  /** As `open`, for the scheduler between two handles. */
  openNow(task: TaskRole, received: number, lineScope: Scope | null): void {
    this.task = task;
    this.received = received;
    this.lineScope = lineScope;
    this.#isOfLine = (task._marks & STATE) !== 0;
    current.openTask = task;
    if (this.#state === CLOSED) this.#state = OPEN;
    this.#watchMicrotasks();
  }

  /**
   * Code outside any task goes on. Only in runtimes without async contexts: no step may begin before its microtasks
   * have run, because its awaits would be taken for those of the step's task.
   */
  openForOutside(): void {
    if (!this.#owner._isRunningHandle || this.#state !== CLOSED) return;
    this.#state = OPEN;
    this.#watchMicrotasks();
  }

  /**
   * A task waits. If there are other awaits in the same segment, `then` is called for them in the microtasks right
   * after this one.
   */
  suspends(task: TaskRole): void {
    if (this.task !== task) {
      // It has come back from a foreign promise, which is noticed only now.
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

  /** The function of a task has ended. */
  ends(task: TaskRole): void {
    if (this.task !== task) this.#owner._unseenStepIsOver(task);
    else if (this.#state === OPEN) this.#close();
  }

  /**
   * Closes the step. If a `then` was looked up in the meantime (an awaited construct has begun its body, for example),
   * it is called in the microtasks right after this one, so this waits for them.
   */
  readonly #closeUnlessLookingUp = (): void => {
    if (this.#closers === 1 && this.#state === CLOSING && this.task !== null && isLookingUp(this.task)) {
      RESOLVED.then(this.#closeUnlessLookingUp);
      return;
    }
    // If this is not the last of these microtasks, or the step is open again, it is closed later.
    if (--this.#closers === 0 && this.#state === CLOSING) this.#close();
  };

  /**
   * Whether an await is the first one in a segment that runs outside of any step, because a line has come back from a
   * foreign promise.
   */
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
    this.lineScope = null;
    if (current.openTask === task) current.openTask = null;
    this.#owner._stepIsOver(task, this.#isOfLine);
  };

  #watchMicrotasks(): void {
    if (this.#isWatching) return;
    this.#isWatching = true;
    afterMicrotasks(this.#watch);
  }

  /** All microtasks have run: if a step is still open, its function waits for a foreign promise. */
  readonly #watch = (): void => {
    this.#isWatching = false;
    if (this.#state === OPEN) this.#close();
  };
}
