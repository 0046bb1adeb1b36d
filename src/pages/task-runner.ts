import {
  type Coroutine,
  type CoroutineFunction,
  coroutine,
  type EventLoop,
  type Future,
  getEventLoop,
  type Task,
} from '../index.ts';
import { cancelFor, logger, newWait, release, type TimerHandle } from '../kernel/lowlevel.ts';
import { type Settings, settingsOf, type UseTaskOptions } from './options.ts';
import { type LastOutcome, NOTHING_YET, stateOf, type TaskState } from './task-state.ts';

/** How long a call that was cancelled may clean up, in seconds, before a warning says that it may not have noticed. */
const PATIENCE = 5;

/** What a component does with its task function. All three are the same functions each time, and need no `this`. */
export interface TaskControls<A extends unknown[], T> {
  /**
   * Calls the function as a task of its own. While an earlier call runs, the policy decides.
   *
   * **Cancellation**: a newer call, `cancel()`, `reset()` and the end of the component cancel the task, and so does `task.cancel()`.
   *
   * @returns the task. A call that was refused, or came after the end of the component, is a task that was cancelled before it began
   */
  readonly run: (...args: A) => Task<T>;
  /**
   * Cancels the call that runs and those that wait. The status is `running` until the clean-up is over. A call that is cleaning up already is
   * left alone, because a second cancellation would break off its clean-up.
   *
   * @param message of the `CancelledError`
   * @returns whether there was anything to cancel
   */
  readonly cancel: (message?: unknown) => boolean;
  /** Cancels all calls, and forgets the value and the error: the status is `idle` at once. */
  readonly reset: () => void;
}

/**
 * A call of the function. It is a task from the beginning, so that whoever has called can cancel it while it waits.
 *
 *     waiting ──its turn──▶ running ──▶ over
 *        └────────cancelled───────────▶ over, and the function was never called
 */
class Call<A extends unknown[], T> {
  readonly task: Task<T>;
  /** Ends when its turn has come; `null` when it need not wait. */
  readonly turn: Future<void> | null;
  /** Whether the function has thrown. The task could tell, but then its error would count as looked at. */
  hasThrown = false;
  /** Set when it was cancelled: it may never end. */
  #reminder: TimerHandle | null = null;

  constructor(loop: EventLoop, turn: Future<void> | null, fn: CoroutineFunction<T, A>, args: A, name: string) {
    this.turn = turn;
    // Never eager, whatever the loop's tasks are otherwise: a call that is refused must not begin.
    this.task = loop.createTask(this.#body(fn, args), { name, eagerStart: false });
  }

  *#body(fn: CoroutineFunction<T, A>, args: A): Coroutine<T> {
    if (this.turn !== null) yield* this.turn;
    try {
      return yield* coroutine(fn)(...args);
    } catch (error) {
      this.hasThrown = true;
      throw error;
    }
  }

  /** Whether it was cancelled, and may be cleaning up. Deadlines inside the function do not count. */
  get isEnding(): boolean {
    return this.task.cancelRequest !== null && this.task.cancelling() > 0;
  }

  /** Cancels it, unless it is ending already. Gives whether it did. */
  cancel(through: string | null, message?: unknown): boolean {
    if (this.isEnding) return false;
    const some = through === null ? this.task.cancel(message) : cancelFor(this.task, through, message);
    if (some) this.#reminder ??= this.task.getLoop().callLater(PATIENCE, () => this.#remind());
    return some;
  }

  over(): void {
    this.#reminder?.cancel();
  }

  #remind(): void {
    logger.warn(
      `useTask: ${this.task.getName()} was cancelled ${PATIENCE} s ago and has not ended; no other call can begin before it has. ` +
        'If it waits for a promise that this library did not make, a cancellation does not reach it: write await wrapPromise(promise), ' +
        'and give requests the signal, as in wrapPromise(fetch(url, { signal: currentSignal() })).',
    );
  }
}

/**
 * The calls of a task function in a component: which one runs, which ones wait, and what is shown. It knows no framework.
 *
 * Invariant: while calls wait, one runs.
 */
export class TaskRunner<A extends unknown[], T> implements TaskControls<A, T> {
  #fn: CoroutineFunction<T, A>;
  #settings: Settings;
  #isOpen = true;
  #running: Call<A, T> | null = null;
  /** The one that has waited longest comes first. */
  #waiting: Call<A, T>[] = [];
  /** The call that ran when all was reset: how it ends is not shown. */
  #forgotten: Call<A, T> | null = null;
  #outcome: LastOutcome<T> = NOTHING_YET;
  #state: TaskState<T> = stateOf<T>(NOTHING_YET, false, 0);
  /** The outcome that the state shows. */
  #shown: LastOutcome<T> = NOTHING_YET;
  readonly #listeners = new Set<() => void>();

  /**
   * @throws {TypeError} when `fn` is no function, or an option does not exist
   * @throws {ValueError} when there is no such policy
   */
  constructor(fn: CoroutineFunction<T, A>, options: UseTaskOptions, others?: readonly string[]) {
    this.#settings = settingsOf(fn, options, others);
    this.#fn = fn;
  }

  /** For the calls to come: a component has a new function each time that it is rendered. */
  update(fn: CoroutineFunction<T, A>, options: UseTaskOptions, others?: readonly string[]): void {
    this.#settings = settingsOf(fn, options, others);
    this.#fn = fn;
  }

  /** What to show now: the same object until something changes. */
  readonly getState = (): TaskState<T> => this.#state;

  /**
   * Calls a listener after each change of the state.
   *
   * @returns a function that takes the listener back
   */
  readonly subscribe = (listener: () => void): (() => void) => {
    const own = (): void => listener(); // the same listener may be given twice
    this.#listeners.add(own);
    return () => {
      this.#listeners.delete(own);
    };
  };

  readonly run = (...args: A): Task<T> => {
    const { rule } = this.#settings;
    const current = this.#running;
    if (!this.#isOpen) return this.#refused(args, 'its component, which had ended before');
    if (current === null) {
      const call = this.#begin(getEventLoop(), null, args);
      this.#running = call;
      this.#publish();
      return call.task;
    }
    if (rule.refuses && (!current.isEnding || this.#waiting.length > 0))
      return this.#refused(args, 'an earlier call, which runs');
    if (rule.cancels) current.cancel('a newer call');
    while (this.#waiting.length >= rule.room) this.#waiting.shift()!.cancel('a newer call');
    const loop = current.task.getLoop();
    const call = this.#begin(loop, newWait(loop, { operation: 'useTask', object: current.task }), args);
    this.#waiting.push(call);
    this.#publish();
    return call.task;
  };

  readonly cancel = (message?: unknown): boolean => this.#cancelAll(null, message);

  readonly reset = (): void => {
    this.#forgotten = this.#running;
    this.#outcome = NOTHING_YET;
    this.#cancelAll('reset()');
  };

  /** The component is there, or is there again: calls are accepted. */
  open(): void {
    this.#isOpen = true;
  }

  /** The component is gone: further calls are refused. Changes nothing that is shown, so that a framework may call it at any time. */
  close(): void {
    this.#isOpen = false;
  }

  /** The component is gone, or hidden: its calls are cancelled. */
  leave(): void {
    this.#cancelAll('the end of its component');
  }

  #begin(loop: EventLoop, turn: Future<void> | null, args: A): Call<A, T> {
    const call = new Call<A, T>(loop, turn, this.#fn, args, this.#settings.name);
    call.task.addDoneCallback(() => this.#over(call));
    return call;
  }

  /** A task that is cancelled before its first step: the function is not called. */
  #refused(args: A, through: string): Task<T> {
    const { task } = new Call<A, T>(getEventLoop(), null, this.#fn, args, this.#settings.name);
    cancelFor(task, through);
    return task;
  }

  #cancelAll(through: string | null, message?: unknown): boolean {
    let some = false;
    for (const call of this.#waiting.splice(0)) some = call.cancel(through, message) || some;
    if (this.#running?.cancel(through, message) === true) some = true;
    this.#publish();
    return some;
  }

  #over(call: Call<A, T>): void {
    call.over();
    this.#waiting = this.#waiting.filter((other) => other !== call && !other.isEnding);
    if (call === this.#running) {
      this.#running = this.#waiting.shift() ?? null;
      if (this.#running !== null) release(this.#running.turn!);
      const isShown = this.#running === null || this.#settings.rule.showsOlder;
      if (call !== this.#forgotten && isShown) this.#outcome = this.#outcomeOf(call);
      if (call === this.#forgotten) this.#forgotten = null;
    }
    this.#publish();
  }

  #outcomeOf({ task, hasThrown }: Call<A, T>): LastOutcome<T> {
    const { value } = this.#outcome;
    if (task.cancelled()) return { status: 'cancelled', value, failed: null };
    if (hasThrown) return { status: 'failed', value, failed: task };
    return { status: 'done', value: task.result(), failed: null };
  }

  #publish(): void {
    const before = this.#state;
    const waiting = this.#waiting.length;
    const isRunning = waiting > 0 || (this.#running !== null && this.#running !== this.#forgotten);
    if (this.#outcome === this.#shown && isRunning === before.isRunning && waiting === before.waiting) return;
    this.#shown = this.#outcome;
    this.#state = stateOf(this.#outcome, isRunning, waiting);
    for (const listener of [...this.#listeners]) {
      try {
        listener();
      } catch (exception) {
        const message = `showing the state of ${this.#settings.name} has failed`;
        getEventLoop().callExceptionHandler({ message, exception });
      }
    }
  }
}

/** The state and the controls in one object. */
export function withControls<A extends unknown[], T>(
  state: TaskState<T>,
  { run, cancel, reset }: TaskControls<A, T>,
): TaskState<T> & TaskControls<A, T> {
  // With the accessor of the error, which must not be read here: then nobody would have to look at it any more.
  return Object.defineProperties({ run, cancel, reset }, Object.getOwnPropertyDescriptors(state)) as TaskState<T> &
    TaskControls<A, T>;
}
