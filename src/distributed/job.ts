import { CancelledError } from '../errors/index.ts';
import { getEventLoop, runningTask } from '../kernel/lowlevel.ts';
import type { Then } from '../node/awaitable-promise.ts';
import { ConcurrentFuture } from '../node/concurrent-future.ts';
import type { ModuleWork } from '../node/executors/work.ts';
import { HeldWait } from './held-wait.ts';
import { ProgressReports } from './progress-reports.ts';

/** How a job travels. @internal */
export interface Itinerary {
  readonly id: string;
  readonly work: ModuleWork;
  /** The envelope, given the clock of the store in milliseconds. */
  text(now: number): string;
  readonly attempts: number;
  /** The name of the work when jobs of several calls are one, `null` otherwise. */
  readonly key: string | null;
  /** In seconds: how long a cancellation waits for the worker's answer. */
  readonly grace: number;
  /** On the loop's clock, in seconds; `null` for none. */
  readonly deadline: number | null;
}

/** What its executor does for a job. @internal */
export interface JobOwner {
  /** Ends it, now or when the worker has answered. */
  cancel(job: DistributedJob<unknown>): void;
  /** @throws {RuntimeError} when the engine carries no progress */
  checkProgress(): void;
}

/** What is known of the work when a job has ended by a cancellation: `silent` and `lost` say that it may still run. @internal */
export type CancelledEnd = 'over' | 'silent' | 'lost';

const DOUBTS: Readonly<Record<Exclude<CancelledEnd, 'over'>, (itinerary: Itinerary) => string>> = {
  silent: ({ grace }) => `its worker has not answered within ${grace} s: it may still run`,
  lost: () => 'a worker that counts as lost had started it: it may still run there',
};

/** A function that a worker on any machine runs, or will run: what `submit` of a `DistributedExecutor` returns. */
export class DistributedJob<T> extends ConcurrentFuture<T> {
  readonly #owner: JobOwner;
  readonly #waits = new Set<HeldWait<T>>();
  /** Made when there is a report, or somebody who waits for one: most jobs have neither. */
  #reports: ProgressReports | null = null;
  /** @internal */
  readonly itinerary: Itinerary;
  #acknowledged: boolean | null = null;

  /** Made by an executor. @internal */
  constructor(owner: JobOwner, itinerary: Itinerary) {
    super(itinerary.work.exportName);
    this.#owner = owner;
    this.itinerary = itinerary;
  }

  /** The name of the job in the store. Jobs of one `key` have the same. */
  get id(): string {
    return this.itinerary.id;
  }

  /**
   * After a cancellation: whether the job is known to be over. `true` when it was not started, or the worker has answered that its clean-up is
   * done, and also when it goes on for others who wait for the same `key`; `false` when `grace` has passed without an answer, or a worker that
   * is lost had started it, so that it may still run; `null` while that is open, and without a cancellation.
   */
  get acknowledged(): boolean | null {
    return this.#acknowledged;
  }

  /**
   * Cancels it. One that waits for a worker is removed, and never starts. One that runs is cancelled there as a task is, so that its clean-up
   * runs; this job ends when the worker has answered, or after `grace` seconds. Once asked, it never ends with a result.
   *
   * @returns whether it is, or will be, cancelled
   */
  override cancel(): boolean {
    if (this.done()) return this.cancelled();
    this.#owner.cancel(this as DistributedJob<unknown>);
    return true;
  }

  /**
   * What the function reports with `reportProgress`, from now on, in order. Ends when the job does, with any outcome. Reports are lost only when
   * they come faster than they are read over a bad connection; the latest is always given.
   *
   * **Cancellation**: ends the wait for the next report. The job goes on.
   *
   * @throws {RuntimeError} when the engine carries no progress
   */
  progress(): AsyncIterableIterator<unknown> {
    this.#owner.checkProgress();
    return this.#reportsOf().read();
  }

  /**
   * As a promise. In a task, `await` is a wait that can be cancelled: unless another task waits for it, the job is cancelled, and the wait ends
   * when that is done.
   */
  override get then(): Then<T> {
    if (runningTask() === null) return (onFulfilled, onRejected) => this.settled.then(onFulfilled, onRejected);
    const wait = this.#newWait();
    const then = wait.then;
    return (onFulfilled, onRejected) => {
      this.#begin(wait);
      return then.call(wait, onFulfilled as never, onRejected as never) as never;
    };
  }

  override [Symbol.iterator](): Iterator<unknown, T, unknown> {
    const wait = this.#newWait();
    this.#begin(wait);
    return wait[Symbol.iterator]();
  }

  #newWait(): HeldWait<T> {
    return new HeldWait<T>(getEventLoop(), this, (given) => {
      if (this.#waits.size > 1 || this.done()) {
        this.#waits.delete(given);
        return true; // another task needs it
      }
      this.cancel();
      if (!this.done()) return false;
      this.#waits.delete(given);
      return true;
    });
  }

  #begin(wait: HeldWait<T>): void {
    this.#waits.add(wait);
    const over = (): void => {
      this.#waits.delete(wait);
    };
    wait.begin(this.settled);
    this.settled.then(over, over);
  }

  /** It has ended after a cancellation. @internal */
  endCancelled(end: CancelledEnd): void {
    const acknowledged = end === 'over';
    this.#acknowledged = acknowledged;
    const told = `${this.name}() was cancelled${end === 'over' ? '' : `, but ${DOUBTS[end](this.itinerary)}`}`;
    this.markCancelled(Object.assign(new CancelledError(told), { acknowledged }));
    this.#reports?.end();
  }

  override succeed(value: T): void {
    super.succeed(value);
    this.#reports?.end();
  }

  override fail(error: unknown): void {
    super.fail(error);
    this.#reports?.end();
  }

  /** @internal */
  report(number: number, value: unknown): void {
    this.#reportsOf().add(number, value);
  }

  #reportsOf(): ProgressReports {
    if (this.#reports === null) {
      this.#reports = new ProgressReports();
      if (this.done()) this.#reports.end();
    }
    return this.#reports;
  }
}
