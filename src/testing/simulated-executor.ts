import { BrokenProcessPool, BrokenThreadPool } from '../errors/executor-errors.ts';
import { RuntimeError } from '../errors/index.ts';
import { typeError } from '../errors/type-error.ts';
import { type Coroutine, Future, iscoroutinefunction } from '../index.ts';
import { describe } from '../internal/describe.ts';
import { type Duration, inSeconds } from '../internal/duration.ts';
import { inspectAsText } from '../internal/inspection.ts';
import { checkOptions } from '../internal/options.ts';
import { checkWholeNumber } from '../internal/whole-number.ts';
import { type Executor, ensureFutureOn, failWith, isAwaitable, noteWait, release } from '../kernel/lowlevel.ts';
import { simulationAround } from './inside.ts';
import type { Simulation } from './simulation/simulation.ts';

/** Options of a `SimulatedExecutor`. */
export interface SimulatedExecutorOptions {
  /** How many jobs run at the same time at the most. Default: 4. */
  readonly workers?: number | undefined;
  /** How long each job takes, in seconds of simulated time. Default: 0. */
  readonly takes?: Duration | undefined;
  /** How many workers `explore` may have die in one run, each before or after the function of its job has run; `true` is one. Default: none. */
  readonly lose?: boolean | number | undefined;
  /** Whether it stands for threads or for processes, which is seen only by the error of a lost worker. Default: threads. */
  readonly of?: 'threads' | 'processes' | undefined;
}

/**
 * An executor for simulated programs, in place of a pool of threads or processes: `loop.runInExecutor(executor, f, x)`, or for `toThread`
 * `loop.setDefaultExecutor(executor)`. The functions run in this thread, at a time of their own between the steps of the program. Jobs begin
 * in the order in which they were submitted; when the function of each runs, and when its result arrives, is tried out by `explore`. In
 * `runVirtual` each begins and ends in the next iterations of the loop.
 *
 * Functions see the variables that they capture, and arguments and results are not copied: what real workers refuse is not seen here.
 *
 * @example
 * const sum = await runVirtual(async () => {
 *   const executor = new SimulatedExecutor({ workers: 2, takes: 5 });
 *   const jobs = [1, 2, 3].map((n) => getRunningLoop().runInExecutor(executor, (m: number) => m * m, n));
 *   const squares = await gather(...jobs);
 *   return `${squares.join(' + ')} after ${getRunningLoop().time()} s`;
 * });
 * console.log(sum); // 1 + 4 + 9 after 10 s
 */
export class SimulatedExecutor implements Executor, AsyncDisposable {
  static {
    inspectAsText(SimulatedExecutor.prototype);
  }

  readonly #simulation: Simulation;
  readonly #run: number;
  readonly #workers: number;
  readonly #seconds: number;
  readonly #of: 'threads' | 'processes';
  /** In order of submission. */
  readonly #queue = new Set<SimulatedJob<unknown>>();
  readonly #running = new Set<SimulatedJob<unknown>>();
  #over: Future<void> | null = null;
  /** How many workers may still be lost by a decision. */
  #losses: number;
  /** How many of the next jobs lose their workers. */
  #toLose = 0;

  /**
   * @throws {RuntimeError} outside of a simulated program
   * @throws {TypeError} {ValueError} when an option is not what it must be
   */
  constructor(options: SimulatedExecutorOptions = {}) {
    checkOptions('new SimulatedExecutor', options, ['workers', 'takes', 'lose', 'of']);
    const { workers = 4, takes = 0, lose = false, of = 'threads' } = options;
    if (of !== 'threads' && of !== 'processes') {
      throw typeError(`new SimulatedExecutor: of is 'threads' or 'processes', got ${describe(of)}`);
    }
    this.#simulation = simulationAround('new SimulatedExecutor()');
    this.#run = this.#simulation.runs;
    this.#workers = checkWholeNumber('new SimulatedExecutor: workers', workers, { least: 1 });
    this.#seconds = inSeconds(takes, 'takes');
    this.#losses = checkWholeNumber('new SimulatedExecutor: lose', Number(lose), { least: 0, of: 'workers' });
    this.#of = of;
  }

  /** How many jobs run. */
  get running(): number {
    return this.#running.size;
  }

  /** How many jobs wait for a worker. */
  get queued(): number {
    return this.#queue.size;
  }

  /**
   * Runs a function at a time of its own.
   *
   * **Cancellation**: a job that waits for a worker never runs. One that has begun goes on, and its result is dropped.
   *
   * @returns a future of what the function gives, or throws. It fails with a `BrokenThreadPool` (`BrokenProcessPool`) of code `WORKER_DIED`
   * when its worker is lost
   * @throws {RuntimeError} when the executor is shut down, or is of another run
   */
  submit<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): Future<Awaited<R>> {
    if (simulationAround('submit()') !== this.#simulation || this.#simulation.runs !== this.#run) {
      throw new RuntimeError(
        'submit(): the executor belongs to another run of the program: make it inside of the program, new SimulatedExecutor()',
        { code: 'OTHER_RUN' },
      );
    }
    if (this.#over !== null) {
      throw new RuntimeError(`cannot schedule new futures after shutdown: ${this} does not accept more work`, {
        code: 'EXECUTOR_SHUT_DOWN',
      });
    }
    const { loop } = this.#simulation;
    const name = fn.name === '' ? '<anonymous>' : fn.name;
    // An async function is code of a task, as it would be in the loop of a worker.
    const plain = (): unknown => fn(...args);
    const call = (): unknown =>
      iscoroutinefunction(fn) ? loop.createTask(() => plain() as Coroutine<unknown>) : plain();
    const job = new SimulatedJob<Awaited<R>>(this.#simulation, name, call, () => {
      if (this.#queue.delete(job as SimulatedJob<unknown>)) this.#checkEnd();
    });
    this.#queue.add(job as SimulatedJob<unknown>);
    this.#next();
    return job;
  }

  /**
   * Has a worker die: that of the job that has run for the longest time; when none runs, that of the next one. The job fails, and another
   * worker takes its place.
   */
  loseWorker(): void {
    const [job] = this.#running;
    if (job === undefined) this.#toLose++;
    else this.#lose(job, 'while');
  }

  /** Accepts no more jobs. The future is done when those that were submitted are. */
  shutdown(): Future<void> {
    if (this.#over === null) {
      this.#over = new Future<void>({ loop: this.#simulation.loop });
      noteWait(this.#over, { operation: 'shutdown', object: this });
      this.#checkEnd();
    }
    return this.#over;
  }

  [Symbol.asyncDispose](): Future<void> {
    return this.shutdown();
  }

  /** Gives jobs to workers that are free. */
  #next(): void {
    for (const job of this.#queue) {
      if (this.#running.size >= this.#workers) return;
      this.#queue.delete(job);
      this.#running.add(job);
      this.#arrive(`${job.label}() begins`, () => this.#begin(job));
    }
    this.#checkEnd();
  }

  #checkEnd(): void {
    if (this.#over !== null && this.#queue.size === 0 && this.#running.size === 0) release(this.#over);
  }

  #arrive(label: string, deliver: () => void, seconds = 0): void {
    const notBefore = this.#simulation.host.now + seconds;
    this.#simulation.arrivals.add({ label, stream: null, notBefore, deliver });
  }

  #begin(job: SimulatedJob<unknown>): void {
    if (!this.#running.has(job)) return; // its worker was lost before
    const fate = this.#fateOf(job);
    if (fate === 'before') {
      this.#lose(job, fate);
      return;
    }
    let value: unknown;
    try {
      value = job.call();
    } catch (error) {
      this.#end(job, fate, () => job.fail(error));
      return;
    }
    if (typeof value !== 'object' || value === null || !isAwaitable(value)) {
      this.#end(job, fate, () => release(job, value));
      return;
    }
    const { loop } = this.#simulation;
    const future = ensureFutureOn<unknown>(value, loop);
    future.addDoneCallback(() => this.#end(job, fate, () => job.follow(future)));
  }

  /** What becomes of the worker of a job: it is lost before or after the function has run, or lives. */
  #fateOf(job: SimulatedJob<unknown>): Fate {
    if (this.#toLose > 0) {
      this.#toLose--;
      return 'before';
    }
    if (this.#losses === 0) return 'lives';
    const ways = { at: (index: number) => ({ label: WAYS[index]!.label.replace('%', `${job.label}()`) }) };
    const { fate } = WAYS[this.#simulation.choose('fault', WAYS.length, ways)]!;
    if (fate !== 'lives') this.#losses--;
    return fate;
  }

  #end(job: SimulatedJob<unknown>, fate: Fate, tell: () => void): void {
    const deliver = (): void => {
      if (!this.#running.has(job)) return;
      if (fate === 'after') {
        this.#lose(job, fate);
        return;
      }
      this.#running.delete(job);
      tell();
      this.#next();
    };
    this.#arrive(`the result of ${job.label}()`, deliver, this.#seconds);
  }

  #lose(job: SimulatedJob<unknown>, when: 'before' | 'while' | 'after'): void {
    this.#running.delete(job);
    const Broken = this.#of === 'threads' ? BrokenThreadPool : BrokenProcessPool;
    const moment = { before: 'before the function had run', while: 'meanwhile', after: 'when the function had run' }[
      when
    ];
    job.fail(
      new Broken(`a worker has died while it ran ${job.label}(): the simulation has ended it ${moment}`, {
        code: 'WORKER_DIED',
      }),
    );
    this.#next();
  }

  toString(): string {
    return `<SimulatedExecutor workers=${this.#workers} running=${this.running} queued=${this.queued}>`;
  }
}

type Fate = 'lives' | 'before' | 'after';

const WAYS: readonly { readonly fate: Fate; readonly label: string }[] = [
  { fate: 'lives', label: 'no lost worker' },
  { fate: 'before', label: 'the worker of % is lost before the function runs' },
  { fate: 'after', label: 'the worker of % is lost when the function has run' },
];

/** A function that the executor runs, or will run. */
class SimulatedJob<T> extends Future<T> {
  readonly label: string;
  readonly call: () => unknown;
  /** It need not run any more. */
  readonly #drop: () => void;

  constructor(simulation: Simulation, label: string, call: () => unknown, drop: () => void) {
    super({ loop: simulation.loop });
    this.label = label;
    this.call = call;
    this.#drop = drop;
    noteWait(this, { operation: 'runInExecutor', object: this });
  }

  override cancel(message?: unknown): boolean {
    const isCancelled = super.cancel(message);
    if (isCancelled) this.#drop();
    return isCancelled;
  }

  fail(error: unknown): void {
    if (!this.done()) failWith(this, error);
  }

  /** Ends as a future has ended. */
  follow(future: Future<unknown>): void {
    if (this.done()) {
      if (!future.cancelled()) future.exception(); // looked at: nobody waits for it any more
      return;
    }
    if (future.cancelled()) this.cancel();
    else if (future.exception() !== null) this.fail(future.exception());
    else release(this, future.result() as T);
  }

  override toString(): string {
    return `<SimulatedJob ${this.label}() ${this.state}>`;
  }
}
