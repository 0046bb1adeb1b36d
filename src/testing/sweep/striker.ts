import { type EventLoop, Future, type Handle, KeyboardInterrupt, Task, type TaskOptions } from '../../index.ts';
import { type CoroutineLike, cancelFor } from '../../kernel/lowlevel.ts';
import { doneNow } from '../simulation/standstill.ts';
import { Bystanders } from './bystanders.ts';
import { Deadlined, SweepTimeout } from './deadline.ts';
import { isTimeout, type Moment, momentOf, type SweepMode } from './modes.ts';
import { type Site, Watch } from './watch.ts';

/** One run of a sweep: which wait is ended, and how. */
export interface Plan {
  readonly site: Site;
  readonly mode: SweepMode;
}

/** Who was hit by the cancellation of another task. */
export interface Hit {
  readonly task: Task<unknown>;
  readonly shared: Future<unknown>;
}

/** Says in the story of a cancellation who has asked. */
export const SWEEP = 'the sweep';

/** Ends a run that does not end by itself. */
export class RanOn extends KeyboardInterrupt {}

/**
 * Watches a run, and ends one of its waits.
 *
 * | it is… | meaning | left by |
 * | --- | --- | --- |
 * | waiting | the wait has not begun | the wait with its number |
 * | armed | the wait has begun | its moment |
 * | struck | the request was made | – |
 * | missed | the moment has not come | – |
 */
export class Striker extends Watch {
  readonly #site: Site;
  readonly #moment: Moment;
  readonly #limit: SweepTimeout | null;
  readonly #mostIterations: number;
  #state: 'waiting' | 'armed' | 'struck' | 'missed' = 'waiting';
  #target: Task<unknown> | null = null;
  #on: object | null = null;
  #handle: Handle | null = null;
  #bystanders: Bystanders | null = null;
  readonly #asked = new Set<Task<unknown>>();
  /** The first other task that was hit. */
  hit: Hit | null = null;
  /** What the tasks of a run that does not end did when it was ended; empty for others. */
  doneAtLast = '';
  /** Whether the waits up to this one are not those of the undisturbed run. */
  isOtherProgram = false;

  /** @param mostIterations so many iterations of the loop mean that the run does not end */
  constructor(loop: () => EventLoop, { site, mode }: Plan, mostIterations: number) {
    super(loop);
    this.#site = site;
    this.#moment = momentOf(mode);
    this.#limit = isTimeout(mode) ? new SweepTimeout() : null;
    this.#mostIterations = mostIterations;
  }

  /** The timeout whose deadline it sets; `null` when it cancels. */
  get limit(): SweepTimeout | null {
    return this.#limit;
  }

  get isStruck(): boolean {
    return this.#state === 'struck';
  }

  /** Whether the run has come to the wait. */
  get hasCome(): boolean {
    return this.#state !== 'waiting';
  }

  /** Whether the task has caught the cancellation, and returned as if nothing had happened. */
  get isSwallowed(): boolean {
    const task = this.#target;
    if (!this.isStruck || task === null || !task.done() || task.cancelled()) return false;
    return task.exception() === null;
  }

  /** The task whose wait was ended. */
  get target(): Task<unknown> | null {
    return this.#target;
  }

  /** The main coroutine, under the timeout when it is the one to be ended by it. */
  mainFor(main: (state: unknown) => unknown, state: unknown): unknown {
    return this.#limit !== null && this.#site.task === 0 ? new Deadlined(main, state, this.#limit) : null;
  }

  protected override taskMade(number: number): void {
    const limit = this.#limit;
    if (number !== 0 || limit === null || this.#site.task === 0) return;
    this.loop.setTaskFactory(<T>(loop: EventLoop, coro: CoroutineLike<T>, options: TaskOptions) => {
      const isSubject = this.tasks.length === this.#site.task;
      const coroutine = isSubject ? (new Deadlined(coro, undefined, limit) as object as CoroutineLike<T>) : coro;
      return new Task<T>(coroutine, { ...options, loop });
    });
  }

  protected override waitBegan(index: number, task: Task<unknown>, on: object): void {
    if (this.#state !== 'waiting' || index !== this.#site.index) return;
    if (this.hash !== this.#site.hash) {
      this.isOtherProgram = true;
      this.#state = 'missed';
      return;
    }
    this.#state = 'armed';
    this.#target = task;
    this.#on = on;
    // Where it only gives way, the next iteration would come first, and what it goes on with is the beginning of that.
    if (this.#moment === 'during' && !this.#site.givesWay) this.#handle = this.loop.callSoon(() => this.#strike());
  }

  protected override iterationBegan(): void {
    if (this.iterations % this.#mostIterations === 0) {
      this.loop.callSoon(() => {
        this.doneAtLast ||= doneNow(this.loop);
        throw new RanOn('the run does not end');
      });
    }
    if (this.#state !== 'armed') return;
    const isDone = this.#on instanceof Future && this.#on.done();
    if (this.#moment === 'during') {
      if (this.#site.givesWay) this.#strike();
    } else if (this.#moment === 'after') {
      if (isDone) this.#strike();
    } else if (isDone) {
      this.#state = 'missed';
    } else if (this.iterations === this.#site.ended! - 1) {
      this.#strike();
    }
  }

  /** What is done in the iteration in which the wait began is done by one of the other steps: the first of these makes the request. */
  beforeStep(task: Task<unknown>): void {
    if (this.#state !== 'armed' || this.#moment !== 'before' || task === this.#target) return;
    if (this.#site.began !== this.#site.ended! - 1 || !this.isOurs(task)) return;
    if (!(this.#on instanceof Future) || this.#on.done()) this.#state = 'missed';
    else this.#strike();
  }

  #strike(): void {
    const task = this.#target!;
    this.#handle = null;
    if (this.#state !== 'armed') return;
    const limit = this.#limit;
    if (task.done() || (limit !== null && !limit.isActive)) {
      this.#state = 'missed';
      return;
    }
    this.#state = 'struck';
    this.#bystanders = new Bystanders(task, (other) => this.#isOwned(other));
    if (limit === null) cancelFor(task, SWEEP);
    else limit.deadlinePassed();
    this.#bystanders.requested();
  }

  /** Whether a task was made by the one that is cancelled, or by one that was. */
  #isOwned(task: Task<unknown>): boolean {
    for (let at: Task<unknown> | undefined = task; at !== undefined; at = this.parents.get(at)) {
      if (at === this.#target) return true;
    }
    return false;
  }

  cancelRequested(task: Task<unknown>): void {
    this.#asked.add(task);
  }

  waitEnd(task: Task<unknown>, on: object): void {
    if (this.#state === 'armed' && task === this.#target && on === this.#on) {
      // It went on before its moment had come.
      this.#handle?.cancel();
      this.#state = 'missed';
    }
    if (this.#bystanders === null || this.hit !== null || !this.isOurs(task)) return;
    if (this.#asked.has(task) || task.cancelling() > 0) return;
    const shared = this.#bystanders.hit(task, on);
    if (shared !== null) this.hit = { task, shared };
  }
}
