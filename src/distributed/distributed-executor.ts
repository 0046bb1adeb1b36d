import { RuntimeError, rethrowIfCancelled } from '../errors/index.ts';
import { QueueFull } from '../errors/sync-errors.ts';
import { typeError } from '../errors/type-error.ts';
import { Context, type ContextVar, mapConcurrent } from '../index.ts';
import { describe, describeFunction } from '../internal/describe.ts';
import type { Duration } from '../internal/duration.ts';
import { inspectAsText } from '../internal/inspection.ts';
import { checkCallback, checkOptions } from '../internal/options.ts';
import { checkWholeNumber } from '../internal/whole-number.ts';
import { type Executor, getRunningLoop, runningLoop } from '../kernel/lowlevel.ts';
import { type AwaitablePromise, awaitablePromise } from '../node/awaitable-promise.ts';
import { pack } from '../node/border/index.ts';
import { argumentFailure } from '../node/executors/failures.ts';
import { moduleWork } from '../node/executors/module-functions.ts';
import type { ExecutorShutdownOptions, ExecutorStatistics } from '../node/executors/pool-executor.ts';
import type { ModuleWork } from '../node/executors/work.ts';
import { randomUUID } from '../node/late.ts';
import { deadlineAround, earliest } from '../tasks/deadline-around.ts';
import { checkEngine, checkNeeded, checkVariables, notNegative, positive } from './checks.ts';
import { Client } from './client.ts';
import type { ClientCounts } from './client-counts.ts';
import { type Coded, encode } from './codec.ts';
import type { Engine } from './engine.ts';
import { type Envelope, sizeOf, VERSION } from './envelope.ts';
import { DistributedJob, type Itinerary } from './job.ts';

/** What `with` can change for the jobs that are submitted through it. */
export interface DistributedJobOptions {
  /**
   * How many times a job is started again when its worker is lost; 0 when absent: it is then started once at the most. With 1 or more, the
   * function must be idempotent: a lost worker may have done all of its work. What the function throws is a result, and is not tried again.
   */
  readonly retries?: number | undefined;
  /**
   * Names the work: jobs of one function and key are one job, for all clients of the queue. Who submits it while it is under way, or for as long as
   * the store keeps its result (an hour over bullmq), gets that outcome; a failure is not kept. Over NATS, where nothing is stored, it is one job
   * for all callers of this executor.
   *
   * A cancellation, or a deadline, of one of those who wait ends only its wait; that of the last one ends the work. The retries are those of the
   * first. `onClientLoss: 'cancel'` cannot be combined with it.
   */
  readonly key?: string | undefined;
  /**
   * How long from `submit` until the end; `null` for no limit but that of the scope around the call, which counts in any case. A worker does not
   * start a job that is late, and cancels one at its deadline.
   */
  readonly deadline?: Duration | null | undefined;
  /** How long a cancellation waits for the worker's answer; 5 seconds when absent. */
  readonly grace?: Duration | undefined;
  /** What becomes of a job whose client is lost: `finish` (when absent) or `cancel`, once its `lease` is over. */
  readonly onClientLoss?: 'finish' | 'cancel' | undefined;
}

/** Options of a `DistributedExecutor`. */
export interface DistributedExecutorOptions extends DistributedJobOptions {
  /** The way to the workers: `bullmq(…)`, `nats(…)`, or a `MemoryEngine` in tests. */
  readonly engine: Engine;
  /** The name of the queue, the same as in `serve`. */
  readonly queue: string;
  /** How many jobs of this client may be in the store; 1,000 when absent. More wait here, in order, unsent. */
  readonly maxPending?: number | undefined;
  /** How many jobs of all clients may wait in the store for a worker; no limit when absent. Beyond it, jobs wait here. Approximate: clients do not agree. */
  readonly maxQueued?: number | undefined;
  /** How long the store may be out of reach before jobs fail with `StoreLost`; 60 seconds when absent. */
  readonly patience?: Duration | undefined;
  /** How long this client counts as alive after its last sign, for `onClientLoss`; 30 seconds when absent. */
  readonly lease?: Duration | undefined;
  /** Context variables whose values travel with the job, when they have one. `serve` needs the same, by name. */
  readonly propagate?: readonly ContextVar<unknown>[] | undefined;
  /** Called for each job, to add headers for tracing: with OpenTelemetry `(headers) => propagation.inject(context.active(), headers)`. */
  readonly inject?: ((headers: Record<string, string>) => void) | undefined;
}

/** The state of a `DistributedExecutor`. `maxWorkers` is its `maxPending`, and `workers` are those that it knows of. */
export interface DistributedStatistics extends ExecutorStatistics, Readonly<ClientCounts> {}

/** Submits jobs with options of its own: what `with` of a `DistributedExecutor` returns. */
export interface DistributedSubmitter extends Executor {
  /** As `submit` of the executor. */
  submit<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): DistributedJob<Awaited<R>>;
  /** As `submitNowait` of the executor. */
  submitNowait<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): DistributedJob<Awaited<R>>;
}

const JOB_OPTIONS = ['retries', 'key', 'deadline', 'grace', 'onClientLoss'] as const;
const OPTIONS = [
  ...JOB_OPTIONS,
  'engine',
  'queue',
  'maxPending',
  'maxQueued',
  'patience',
  'lease',
  'propagate',
  'inject',
] as const;

/** Options of jobs, checked; times in seconds. */
interface JobSettings {
  readonly retries: number;
  readonly key: string | undefined;
  readonly deadline: number | null;
  readonly grace: number;
  readonly tied: boolean;
}

/**
 * Runs functions on other machines, by workers that `serve` the same queue: the same `submit`, jobs and errors as `ThreadPoolExecutor`. What is
 * promised about losses depends on the engine; see docs/distributed.md.
 *
 * Functions are named with `moduleFunctions('app:work')`: inline functions are refused, because a text would run without its version of the
 * program. Arguments and results are copied, as between processes, and take 1 MiB at the most.
 *
 * It belongs to the loop in which the first job is submitted, and is closed with `shutdown`, or by `await using`.
 *
 * @example
 * const work = { double: async (n: number) => n * 2 };
 * const engine = new MemoryEngine();
 * const functions = moduleFunctions<typeof work>('app:work');
 * const worker = createTask(() => serve(work, { engine, queue: 'numbers', concurrency: 2 }));
 * await using pool = new DistributedExecutor({ engine, queue: 'numbers' });
 * console.log(await pool.submit(functions.double, 21)); // 42
 * worker.cancel();
 */
export class DistributedExecutor implements Executor, AsyncDisposable {
  static {
    inspectAsText(DistributedExecutor.prototype);
  }

  readonly #engine: Engine;
  readonly #queue: string;
  readonly #settings: { maxPending: number; maxQueued: number; patience: number; lease: number };
  readonly #defaults: JobSettings;
  readonly #propagate: readonly ContextVar<unknown>[];
  readonly #inject: ((headers: Record<string, string>) => void) | undefined;
  readonly #id = randomUUID();
  /** Made at the first job, for the loop that runs then. */
  #client: Client | null = null;
  #over: Promise<void> | null = null;

  /**
   * @throws {TypeError} when an option is unknown or of the wrong kind
   * @throws {ValueError} when a number is not possible
   */
  constructor(options: DistributedExecutorOptions) {
    checkNeeded('new DistributedExecutor', options, OPTIONS, 'new DistributedExecutor({ engine, queue })');
    const { engine, queue, maxPending = 1_000, maxQueued = Number.POSITIVE_INFINITY, propagate = [], inject } = options;
    checkEngine('new DistributedExecutor', engine, queue);
    checkVariables('new DistributedExecutor', propagate);
    checkCallback('new DistributedExecutor: inject', inject);
    const infinite = { least: 1, orInfinity: true, of: 'jobs' };
    this.#engine = engine;
    this.#queue = queue;
    this.#settings = {
      maxPending: checkWholeNumber('new DistributedExecutor: maxPending', maxPending, infinite),
      maxQueued: checkWholeNumber('new DistributedExecutor: maxQueued', maxQueued, infinite),
      patience: positive(options.patience ?? 60, 'new DistributedExecutor: patience'),
      lease: positive(options.lease ?? 30, 'new DistributedExecutor: lease'),
    };
    this.#propagate = propagate;
    this.#inject = inject;
    this.#defaults = jobSettings('new DistributedExecutor', options, {
      retries: 0,
      key: undefined,
      deadline: null,
      grace: 5,
      tied: false,
    });
  }

  /**
   * Runs a function in a worker of the queue: one from `moduleFunctions`. A job for which there is no place (`maxPending`, `maxQueued`) waits here.
   *
   * **Order**: jobs are sent in the order in which they were submitted; which begins first is up to the workers.
   *
   * **Cancellation**: of the last task that awaits the job cancels it, and waits until its worker has answered, for `grace` seconds at most.
   *
   * @returns the job. It rejects with what the function throws; with a `TypeError` when an argument or the result cannot be sent; with a
   * `WorkerLost` when its worker is lost, and no retries are left; with a `TimeoutError` at its deadline; with a `NotServed` when no worker
   * serves the function; with a `StoreLost` when the store is out of reach for too long, or has lost the job
   * @throws {TypeError} for functions that are not of `moduleFunctions`
   * @throws {RuntimeError} when it is shut down, or no loop runs
   */
  submit<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): DistributedJob<Awaited<R>> {
    return this.#submit(fn, args, this.#defaults);
  }

  /**
   * As `submit`, for callers that rather do without than wait.
   *
   * @throws {QueueFull} when the job would have to wait here: for a place, by what is known of the store, or for the clean-up of an earlier job of
   * its `key` that is being cancelled
   */
  submitNowait<A extends unknown[], R>(fn: (...args: A) => R, ...args: A): DistributedJob<Awaited<R>> {
    return this.#submitNowait(fn, args, this.#defaults);
  }

  /**
   * Calls a function for each item, in workers, and gives the results in the order of the items, each as soon as it is there. Takes as many items
   * ahead as `maxPending` allows; results that were not taken count.
   *
   * **Cancellation**: leaving the loop over the results, or cancelling its task, cancels the jobs that are under way, and waits until they are over.
   *
   * @throws what the function throws, at the item's turn; the jobs after it are cancelled
   */
  async *map<T, R>(fn: (item: T) => R, items: Iterable<T> | AsyncIterable<T>): AsyncGenerator<Awaited<R>> {
    const call = async (item: T): Promise<Outcome<Awaited<R>>> => {
      try {
        return { value: await this.submit(fn, item) };
      } catch (error) {
        rethrowIfCancelled(error);
        return { error }; // told at its turn: the results before it are not lost
      }
    };
    for await (const outcome of mapConcurrent(items, call, { limit: this.#settings.maxPending })) {
      if ('error' in outcome) throw outcome.error;
      yield outcome.value;
    }
  }

  /**
   * Returns an executor that submits jobs to this one with other options.
   *
   * @example
   * const work = { resize: (name: string, width: number) => `${name} at ${width}` };
   * const engine = new MemoryEngine();
   * const functions = moduleFunctions<typeof work>('app:work');
   * const worker = createTask(() => serve(work, { engine, queue: 'images' }));
   * await using pool = new DistributedExecutor({ engine, queue: 'images' });
   * const resized = pool.with({ retries: 3, key: 'a.png@200', deadline: 60 }).submit(functions.resize, 'a.png', 200);
   * console.log(await resized); // a.png at 200
   * worker.cancel();
   */
  with(options: DistributedJobOptions): DistributedSubmitter {
    checkOptions('with', options, JOB_OPTIONS);
    const settings = jobSettings('with', options ?? {}, this.#defaults);
    return {
      submit: (fn, ...args) => this.#submit(fn, args, settings),
      submitNowait: (fn, ...args) => this.#submitNowait(fn, args, settings),
      shutdown: () => this.shutdown(),
    };
  }

  #submitNowait<A extends unknown[], R>(
    fn: (...args: A) => R,
    args: A,
    settings: JobSettings,
  ): DistributedJob<Awaited<R>> {
    return this.#submit(fn, args, settings, (client, itinerary) => {
      if (client.hasToWaitFor(itinerary)) {
        throw new QueueFull(
          `submitNowait: an earlier job of the key ${JSON.stringify(settings.key)} is being cancelled, and the next one begins when its ` +
            'clean-up is over; submit() would wait',
        );
      }
      if (!client.isFullFor(itinerary)) return;
      const { maxPending, maxQueued } = this.#settings;
      throw new QueueFull(
        `submitNowait: the queue '${this.#queue}' is full: ${client.outstanding} jobs of this client are outstanding ` +
          `(maxPending ${maxPending}, maxQueued ${maxQueued}); submit() would wait`,
      );
    });
  }

  #submit<A extends unknown[], R>(
    fn: (...args: A) => R,
    args: A,
    settings: JobSettings,
    check?: (client: Client, itinerary: Omit<Itinerary, 'text'>) => void,
  ): DistributedJob<Awaited<R>> {
    if (this.#over !== null) {
      throw new RuntimeError(`cannot schedule new futures after shutdown: ${this} does not accept more work`, {
        code: 'EXECUTOR_SHUT_DOWN',
      });
    }
    const work = namedWork(fn);
    const client = this.#clientHere();
    const itinerary = this.#itinerary(client, work, settings);
    check?.(client, itinerary);
    let content: Content;
    try {
      content = this.#content(work, args);
    } catch (error) {
      const job = new DistributedJob<Awaited<R>>(client, { ...itinerary, text: () => '' });
      job.fail(error);
      return job;
    }
    const text = (now: number): string => {
      const { deadline } = content;
      const until = deadline === null ? undefined : Math.round(now + (deadline - client.loop.time()) * 1_000);
      const envelope: Envelope = {
        v: VERSION,
        ...content.envelope,
        ...this.#header(itinerary, settings),
        deadline: until,
      };
      return JSON.stringify(envelope);
    };
    // The work of a key belongs to all who wait for it: the deadline of one ends its wait, and the work when nobody else waits.
    if (itinerary.key === null) content = { ...content, deadline: earliest(itinerary.deadline, deadlineAround()) };
    const job = new DistributedJob<Awaited<R>>(client, { ...itinerary, text });
    client.add(job as DistributedJob<unknown>);
    return job;
  }

  #clientHere(): Client {
    const loop = runningLoop() ?? getRunningLoop();
    this.#client ??= new Client(loop, this.#engine, this.#queue, this.#id, this.#settings);
    if (this.#client.loop !== loop) {
      throw new RuntimeError(`${this} belongs to another loop: make one for each run()`, { code: 'OTHER_LOOP' });
    }
    return this.#client;
  }

  #itinerary(client: Client, work: ModuleWork, settings: JobSettings): Omit<Itinerary, 'text'> {
    const { retries, grace, deadline } = settings;
    const key = settings.key === undefined ? null : `${work.url} ${work.exportName} ${settings.key}`;
    return {
      id: client.idOf(key),
      work,
      attempts: retries + 1,
      key,
      grace,
      deadline: deadline === null ? null : client.loop.time() + deadline,
    };
  }

  #header({ work, attempts }: Omit<Itinerary, 'text'>, { tied }: JobSettings) {
    return {
      module: work.url,
      name: work.exportName,
      attempts: attempts === 1 ? undefined : attempts,
      tied: tied ? this.#id : undefined,
    };
  }

  /** What is read when the job is submitted. @throws {TypeError} when an argument, or a variable, cannot be sent */
  #content(work: ModuleWork, args: readonly unknown[]): Content {
    const packing = pack(args, 'process');
    if ('problem' in packing) throw argumentFailure({ work, args }, packing.problem);
    const coded = encode(packing.packed);
    let vars: Record<string, Coded> | undefined;
    for (const variable of this.#propagate) {
      const value = variable.get(undefined);
      if (value === undefined) continue;
      const packed = pack(value, 'process');
      if ('problem' in packed) {
        throw typeError(
          `the value of ${variable} cannot be sent to a worker: take it out of propagate`,
          'ARGUMENT_NOT_CLONEABLE',
        );
      }
      vars ??= {};
      vars[variable.name] = encode(packed.packed);
    }
    const trace: Record<string, string> | undefined = this.#inject === undefined ? undefined : {};
    if (trace !== undefined) this.#inject?.(trace);
    return { envelope: { args: coded, vars, trace }, deadline: null };
  }

  /**
   * Accepts no more jobs. Waits until those that were submitted have an outcome, then closes its connections. Workers go on.
   *
   * **Cancellation**: ends the wait; the executor shuts down anyway.
   *
   * @param wait `false`: the promise does not wait for the end; or all options
   * @param options `cancelFutures`: jobs that no worker has begun are cancelled
   */
  shutdown(
    wait: boolean | ExecutorShutdownOptions = {},
    options: ExecutorShutdownOptions = {},
  ): AwaitablePromise<void> {
    const all = typeof wait === 'boolean' ? { ...options, wait } : wait;
    checkOptions('shutdown', all, ['wait', 'cancelFutures']);
    return awaitablePromise(this.#shutdown(all), { operation: 'shutdown', object: this, isExternal: false });
  }

  async #shutdown({ wait = true, cancelFutures = false }: ExecutorShutdownOptions): Promise<void> {
    const client = this.#client;
    this.#over ??= client === null ? Promise.resolve() : this.#closing(client);
    if (cancelFutures) client?.cancelWaiting();
    if (wait) await this.#over;
  }

  /** A task of its own: whoever waits may give up. */
  async #closing(client: Client): Promise<void> {
    const task = client.loop.createTask(
      async () => {
        await client.empty();
        await client.close();
      },
      { name: `${this.#queue}: shutdown`, context: new Context() },
    );
    await new Promise<void>((resolve, reject) => task.then(() => resolve(), reject));
  }

  [Symbol.asyncDispose](): AwaitablePromise<void> {
    return this.shutdown();
  }

  /** The current state, for tools: `lost`, `unacknowledged` and `reconciled` are what to alarm on. */
  statistics(): DistributedStatistics {
    const client = this.#client;
    const running = client?.running ?? 0;
    const { finished = 0, lost = 0, unacknowledged = 0, reconciled = 0 } = client?.counts ?? {};
    const { peakRunning = 0, peakQueued = 0 } = client?.counts ?? {};
    return {
      maxWorkers: this.#settings.maxPending,
      workers: client?.workers ?? 0,
      running,
      peakRunning,
      peakQueued,
      queued: (client?.outstanding ?? 0) - running,
      finished,
      lost,
      unacknowledged,
      reconciled,
      isShutDown: this.#over !== null,
    };
  }

  toString(): string {
    const { running, queued, isShutDown } = this.statistics();
    return `<DistributedExecutor${isShutDown ? ' shut down' : ''} engine=${this.#engine.name} queue=${this.#queue} running=${running} queued=${queued}>`;
  }
}

/** Of one item. */
type Outcome<T> = { readonly value: T } | { readonly error: unknown };

/** A call, and when it has to be over on the loop's clock. */
interface Content {
  readonly envelope: Pick<Envelope, 'args' | 'vars' | 'trace'>;
  readonly deadline: number | null;
}

function namedWork(fn: unknown): ModuleWork {
  if (typeof fn !== 'function') {
    // As a call: submit(work.resize('a.png')).
    const right = fn instanceof Promise ? '; write submit(work.resize, argument): the worker is to make the call' : '';
    throw typeError(`a callable object was expected by submit, got ${describe(fn)}${right}`, 'NOT_CALLABLE');
  }
  const work = moduleWork(fn);
  if (work !== undefined) return work;
  throw typeError(
    `${describeFunction(fn as () => unknown)} cannot be sent to another machine: only functions with a name there can, because an inline function has no module there. ` +
      "Write const work = moduleFunctions<typeof import('./work.ts')>('app:work'), export the function from work.ts, and submit work.name",
    'FUNCTION_WITHOUT_NAME',
  );
}

function jobSettings(call: string, options: DistributedJobOptions, before: JobSettings): JobSettings {
  const { retries, key, deadline, grace, onClientLoss } = options;
  if (key !== undefined && (typeof key !== 'string' || key === '' || sizeOf(key) > 200)) {
    throw typeError(`${call}: key is a text of 1 to 200 bytes, got ${describe(key)}`, 'INVALID_KEY');
  }
  if (onClientLoss !== undefined && onClientLoss !== 'finish' && onClientLoss !== 'cancel') {
    throw typeError(
      `${call}: onClientLoss is 'finish' or 'cancel', got ${describe(onClientLoss)}`,
      'INVALID_ON_CLIENT_LOSS',
    );
  }
  const tied = onClientLoss === undefined ? before.tied : onClientLoss === 'cancel';
  if (tied && (key ?? before.key) !== undefined) {
    throw typeError(
      `${call}: key and onClientLoss: 'cancel' exclude each other, because a job with a key belongs to all clients that wait for it; ` +
        "write with({ key, onClientLoss: 'finish' })",
      'INVALID_KEY',
    );
  }
  return {
    retries:
      retries === undefined
        ? before.retries
        : checkWholeNumber(`${call}: retries`, retries, { least: 0, of: 'starts' }),
    key: key ?? before.key,
    deadline:
      deadline === undefined ? before.deadline : deadline === null ? null : positive(deadline, `${call}: deadline`),
    grace: grace === undefined ? before.grace : notNegative(grace, `${call}: grace`),
    tied,
  };
}
