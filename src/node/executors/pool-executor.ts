import { availableParallelism } from 'node:os';
import { RuntimeError, ValueError } from '../../errors/index.ts';
import { typeError } from '../../errors/type-error.ts';
import { describe, nameOfClass } from '../../internal/describe.ts';
import { type Duration, inSeconds } from '../../internal/duration.ts';
import { inspectAsText } from '../../internal/inspection.ts';
import { checkOptions } from '../../internal/options.ts';
import { checkWholeNumber } from '../../internal/whole-number.ts';
import type { Executor } from '../../kernel/lowlevel.ts';
import { type AwaitablePromise, awaitablePromise } from '../awaitable-promise.ts';
import { type Border, messageOf, pack, unpack } from '../border/index.ts';
import { type Engine, NotStarted } from './engine.ts';
import { argumentFailure, type BrokenClass, engineFailure, failureOf } from './failures.ts';
import { inlineWork } from './inline-function.ts';
import { Job } from './job.ts';
import { moduleWork } from './module-functions.ts';
import type { Assignment, Call, PackedCall } from './work.ts';

/** How long a worker may have nothing to do before it ends, in seconds. */
const IDLE_TIMEOUT = 60;

/** How jobs are submitted. */
export interface JobOptions {
  /** Whether cancelling a job that runs ends its worker. When it is absent or `false`, the job goes on, and its result is dropped. */
  readonly terminate?: boolean | undefined;
}

/** Options of executors. */
export interface PoolExecutorOptions extends JobOptions {
  /** How many jobs may run at the same time; the number of processors when absent. */
  readonly maxWorkers?: number | undefined;
  /** How long a worker may be idle before it ends; 60 seconds when absent; with `null` it stays as long as the executor. */
  readonly idleTimeout?: Duration | null | undefined;
  /** Called in each worker before its first job: a function from `moduleFunctions`, or an inline function. */
  readonly initializer?: ((...args: never[]) => unknown) | undefined;
  /** The arguments of `initializer`. */
  readonly initargs?: readonly unknown[] | undefined;
}

/** How an executor is shut down. */
export interface ExecutorShutdownOptions {
  /** Whether the promise waits for the jobs and the end of the workers; `true` when absent. */
  readonly wait?: boolean | undefined;
  /** Cancels the jobs that wait for a worker. */
  readonly cancelFutures?: boolean | undefined;
}

/** The state of an executor. */
export interface ExecutorStatistics {
  readonly maxWorkers: number;
  /** How many workers there are, including idle ones. */
  readonly workers: number;
  /** How many jobs run. */
  readonly running: number;
  /** How many have run at once, at the most. */
  readonly peakRunning: number;
  /** How many jobs wait for a worker. */
  readonly queued: number;
  /** How many have waited for a worker at once, at the most. */
  readonly peakQueued: number;
  /** How many jobs have a result or an error. */
  readonly finished: number;
  readonly isShutDown: boolean;
}

/** The differences between executors of threads and of processes. @internal */
export interface WorkerKind {
  readonly border: Border;
  readonly Broken: BrokenClass;
  /** The names of the options that only this kind has. */
  readonly options: readonly string[];
  /** Called at the first job, and again at the next one when it throws. `idleTimeout` in seconds. */
  newEngine(idleTimeout: number): Engine;
}

/** The base of executors of threads and of processes: a queue of jobs for a limited number of workers. */
export abstract class PoolExecutor implements Executor, AsyncDisposable {
  static {
    inspectAsText(PoolExecutor.prototype);
  }

  readonly #maxWorkers: number;
  readonly #terminate: boolean;
  readonly #initializer: PackedCall | null;
  readonly #idleTimeout: number;
  readonly #kind: WorkerKind;
  /** Made at the first job. */
  #engine: Engine | null = null;
  /** Invariant: not empty only while `#running` has its full size. In order of submission. */
  readonly #queue = new Set<Job<unknown>>();
  readonly #running = new Set<Job<unknown>>();
  #finished = 0;
  #peakRunning = 0;
  #peakQueued = 0;
  /** Fulfils when all jobs and workers have ended; `null` until the executor is shut down. */
  #over: PromiseWithResolvers<void> | null = null;

  /** @internal */
  constructor(maxWorkers: number | PoolExecutorOptions, options: PoolExecutorOptions, kind: WorkerKind) {
    const all = allOptions(nameOfClass(this), maxWorkers, options, kind.options);
    const { initializer, initargs = [], terminate = false } = all;
    this.#kind = kind;
    this.#maxWorkers = checkWholeNumber('maxWorkers', all.maxWorkers ?? availableParallelism(), { least: 1 });
    this.#idleTimeout = seconds(all.idleTimeout);
    this.#terminate = terminate;
    this.#initializer =
      initializer === undefined ? null : packedCall(callOf(initializer, initargs, 'initializer'), kind.border);
  }

  /**
   * Runs a function in a worker: a function from `moduleFunctions`, or an inline function that captures no variables, which is sent
   * as text. Arguments and results are cloned, as `structuredClone` does.
   *
   * **Order**: jobs begin in the order in which they were submitted.
   *
   * Follows CPython's `concurrent.futures.Executor.submit`.
   *
   * @returns a promise of the result, which can be cancelled; it rejects with what the function throws, with a `TypeError` when an
   * argument or the result cannot be cloned or the function captures variables, and with a `BrokenExecutor` when the worker dies
   * @throws {TypeError} for functions that cannot be sent
   * @throws {RuntimeError} when the executor is shut down
   */
  submit<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): Job<Awaited<R>> {
    return this.#submit(fn, args, this.#terminate);
  }

  /**
   * Returns an executor that submits jobs to this one with other options.
   *
   * @example
   * await using pool = new ThreadPoolExecutor();
   * const impatient = pool.with({ terminate: true });
   * await waitFor(getRunningLoop().runInExecutor(impatient, () => 'in time'), 60); // after a minute, ends the worker
   */
  with(options: JobOptions): Executor {
    checkOptions('with', options, ['terminate']);
    const terminate = options.terminate ?? this.#terminate;
    return {
      submit: (fn, ...args) => this.#submit(fn, args, terminate),
      shutdown: () => this.shutdown(),
    };
  }

  #submit<A extends unknown[], R>(fn: (...args: A) => R, args: A, terminate: boolean): Job<Awaited<R>> {
    if (this.#over !== null) {
      throw new RuntimeError(`cannot schedule new futures after shutdown: ${this} does not accept more work`, {
        code: 'EXECUTOR_SHUT_DOWN',
      });
    }
    const call = callOf(fn, args, 'submit');
    const job = new Job<Awaited<R>>(fn.name, call, terminate, (job) => this.#queue.delete(job as Job<unknown>));
    this.#queue.add(job as Job<unknown>);
    this.#next();
    if (this.#queue.size > this.#peakQueued) this.#peakQueued = this.#queue.size;
    return job;
  }

  /** Gives jobs to workers that are free. */
  #next(): void {
    for (const job of this.#queue) {
      if (this.#running.size >= this.#maxWorkers) return;
      this.#queue.delete(job);
      this.#running.add(job);
      if (this.#running.size > this.#peakRunning) this.#peakRunning = this.#running.size;
      this.#run(job);
    }
    if (this.#over !== null && this.#running.size === 0) this.#end(this.#over);
  }

  async #run(job: Job<unknown>): Promise<void> {
    const signal = job.begin();
    try {
      await this.#perform(job, signal);
    } catch (error) {
      job.fail(error);
    }
    if (!job.cancelled()) this.#finished++;
    this.#running.delete(job);
    this.#next();
  }

  async #perform(job: Job<unknown>, signal: AbortSignal): Promise<void> {
    const { border, Broken } = this.#kind;
    const { work } = job.call;
    const assignment: Assignment = { ...packedCall(job.call, border), initializer: this.#initializer };
    let reply: Awaited<ReturnType<Engine['run']>>;
    try {
      this.#engine ??= this.#newEngine();
      reply = await this.#engine.run(assignment, signal);
    } catch (error) {
      throw engineFailure(work, error, Broken);
    }
    if ('value' in reply) job.succeed(unpack(reply.value));
    else job.fail(failureOf(work, reply, Broken));
  }

  /** Makes the engine, without workers so far. If this fails, the current job fails, and the next one tries again. */
  #newEngine(): Engine {
    try {
      return this.#kind.newEngine(this.#idleTimeout);
    } catch (error) {
      throw new NotStarted(messageOf(error), { cause: error });
    }
  }

  /**
   * Accepts no more jobs. Submitted jobs are done first, then the workers end. May be called again, to cancel the waiting jobs.
   *
   * **Cancellation**: ends the wait; the executor shuts down anyway.
   *
   * Follows CPython's `concurrent.futures.Executor.shutdown`.
   *
   * @param wait `false`: the promise does not wait for the end; or all options
   * @param options `cancelFutures`: jobs that wait for a worker are cancelled
   */
  shutdown(
    wait: boolean | ExecutorShutdownOptions = {},
    options: ExecutorShutdownOptions = {},
  ): AwaitablePromise<void> {
    const all = typeof wait === 'boolean' ? { ...options, wait } : wait;
    checkOptions('shutdown', all, ['wait', 'cancelFutures']);
    return awaitablePromise(this.#shutdown(all), { operation: 'shutdown', object: this });
  }

  async #shutdown({ wait = true, cancelFutures = false }: ExecutorShutdownOptions): Promise<void> {
    const isFirst = this.#over === null;
    this.#over ??= Promise.withResolvers<void>();
    if (cancelFutures) for (const job of [...this.#queue]) job.cancel();
    if (isFirst) this.#next();
    if (wait) await this.#over.promise;
  }

  /**
   * Accepts no more jobs and ends the workers at once: jobs that wait for a worker are cancelled, running jobs fail with a
   * `BrokenExecutor`, which is not reported as unhandled when their results are not awaited.
   *
   * Follows CPython's `ProcessPoolExecutor.terminate_workers`.
   */
  terminateWorkers(): AwaitablePromise<void> {
    const over = this.shutdown({ cancelFutures: true });
    for (const job of this.#running) {
      job.breakOff(new this.#kind.Broken(`${this} was terminated while it ran ${job.name}()`, { code: 'TERMINATED' }));
    }
    return over;
  }

  async #end(over: PromiseWithResolvers<void>): Promise<void> {
    const engine = this.#engine;
    this.#engine = null;
    await engine?.close();
    over.resolve();
  }

  [Symbol.asyncDispose](): AwaitablePromise<void> {
    return this.shutdown();
  }

  /** The current state, for tools. */
  statistics(): ExecutorStatistics {
    return {
      maxWorkers: this.#maxWorkers,
      workers: this.#engine?.workers ?? 0,
      running: this.#running.size,
      peakRunning: this.#peakRunning,
      queued: this.#queue.size,
      peakQueued: this.#peakQueued,
      finished: this.#finished,
      isShutDown: this.#over !== null,
    };
  }

  toString(): string {
    const { maxWorkers, running, queued, isShutDown } = this.statistics();
    return `<${nameOfClass(this)}${isShutDown ? ' shut down' : ''} maxWorkers=${maxWorkers} running=${running} queued=${queued}>`;
  }
}

function callOf(fn: (...args: never[]) => unknown, args: readonly unknown[], method: string): Call {
  if (typeof fn !== 'function')
    throw typeError(`a callable object was expected by ${method}, got ${describe(fn)}`, 'NOT_CALLABLE');
  return { work: moduleWork(fn) ?? inlineWork(fn), args };
}

/** A call that can be sent. @throws {TypeError} when an argument cannot */
function packedCall(call: Call, border: Border): PackedCall {
  const packing = pack(call.args, border);
  if ('problem' in packing) throw argumentFailure(call, packing.problem);
  return { work: call.work, args: packing.packed };
}

/** The names of all options; `resourceLimits` is only for threads, `env` and `execArgv` are only for processes. */
const OPTIONS = ['maxWorkers', 'idleTimeout', 'initializer', 'initargs', 'terminate'];

/** The options, given in either form: `(4, { idleTimeout: 1 })` or `({ maxWorkers: 4, idleTimeout: 1 })`. */
function allOptions(
  name: string,
  first: number | PoolExecutorOptions,
  second: unknown,
  ofKind: readonly string[],
): PoolExecutorOptions {
  const options: unknown = isOptions(first) ? first : second;
  const right = `write new ${name}({ maxWorkers: 4, idleTimeout: 10 }) or new ${name}(4, { idleTimeout: 10 })`;
  if (!isOptions(options))
    throw typeError(`${name}: options are one object at the end, got ${describe(options)}; ${right}`);
  const known = [...OPTIONS, ...ofKind];
  for (const key of Object.keys(options)) {
    if (!known.includes(key))
      throw typeError(`${name} has no option ${key}, but ${known.join(', ')}; ${right}`, 'UNKNOWN_OPTION');
  }
  return isOptions(first) ? options : { ...options, maxWorkers: first };
}

function isOptions(value: unknown): value is PoolExecutorOptions {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function seconds(idleTimeout: Duration | null | undefined): number {
  if (idleTimeout === null) return Number.POSITIVE_INFINITY;
  const value = inSeconds(idleTimeout ?? IDLE_TIMEOUT, 'idleTimeout');
  if (value < 0) throw new ValueError(`idleTimeout must not be negative, got ${value}`, { code: 'INVALID_DURATION' });
  return value;
}
