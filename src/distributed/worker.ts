import { isCancelledError } from '../errors/errors.ts';
import { rethrowIfCancelled } from '../errors/index.ts';
import { typeError } from '../errors/type-error.ts';
import { Context, type ContextVar, Event, sleep, timeout, wrapPromise } from '../index.ts';
import { type EventLoop, type Executor, logger, newWait, release, type Task } from '../kernel/lowlevel.ts';
import { messageOf, pack, packThrown, sentence, unpack } from '../node/border/index.ts';
import { ConcurrentFuture } from '../node/concurrent-future.ts';
import { decode, encode } from './codec.ts';
import type { Delivery, Engine, Holding, Performed, WorkerLink } from './engine.ts';
import { type Answer, type Envelope, LARGEST, readEnvelope, sizeOf, VERSION, writeAnswer } from './envelope.ts';
import { reporter } from './progress.ts';
import { StoreClock } from './store-clock.ts';

/** Seconds between two beats; fewer when the lease is short. */
const BEAT = 1;

type AnyFunction = (...args: readonly unknown[]) => unknown;

/** How a worker works; times in seconds. */
export interface WorkerPlan {
  readonly engine: Engine;
  readonly functions: ReadonlyMap<string, AnyFunction>;
  readonly module: string | null;
  readonly name: string;
  readonly lease: number;
  readonly propagate: ReadonlyMap<string, ContextVar<unknown>>;
  readonly executor: Executor | null;
  readonly extract: ((headers: Readonly<Record<string, string>>, call: () => unknown) => unknown) | null;
}

/** A job that runs here. */
interface Run {
  readonly id: string;
  readonly name: string;
  /** `null` only while it begins. */
  task: Task<Performed> | null;
  /** With which it ends; `null` when it outlives its client. */
  readonly client: string | null;
  /** Whether it may not be started again. */
  readonly isLast: boolean;
  /** Whether the function was called, or may be called by the executor that has it. */
  isBegun: boolean;
  /** What the executor has made of it. */
  queued: ConcurrentFuture<unknown> | null;
  /** Why it was cancelled. */
  end: 'cancelled' | 'late' | 'orphaned' | 'lost' | 'stopped' | null;
}

/** What the engine is told of a job that was not started here. */
const GIVEN_BACK: Performed = { abandoned: true, isStarted: false };

/** Where reports go over an engine that carries none. */
function nowhere(): void {}

/**
 * The outcome of a function that an executor runs. A wait for it ends at once when it is cancelled, although threads cannot be interrupted; a job is
 * over only when its function is, because its client would otherwise be told so, and the next one would come while no thread is free.
 */
async function outcomeOf(job: PromiseLike<unknown>): Promise<unknown> {
  const ended = job instanceof ConcurrentFuture ? job.finally() : Promise.resolve(job);
  const over = ended.then(ignored, ignored);
  try {
    return await job;
  } catch (error) {
    await over;
    throw error;
  }
}

function ignored(): void {}

/** What to tell whose function has returned a generator: nothing of its body has run. */
function adviceFor(value: unknown, name: string): string {
  if (Object.prototype.toString.call(value) !== '[object Generator]') return '';
  return `, and nothing of it has run; write export const ${name} = coroutine(function* (…) { … })`;
}

/** A coroutine that is done. */
function* over(performed: Performed): Generator<never, Performed> {
  return performed;
}

/** The jobs of one worker. */
export class JobRunner {
  readonly #loop: EventLoop;
  readonly #plan: WorkerPlan;
  readonly #clock: StoreClock;
  readonly #runs = new Map<string, Run>();
  /** Cancelled before they came, in order: the message may be faster than the job. */
  readonly #early = new Set<string>();
  #link: WorkerLink | null = null;
  readonly #isLinked = new Event();
  /** Whether nothing is begun any more. */
  #isClosed = false;
  #whenIdle: (() => void)[] = [];
  /** Jobs begin with a copy: nothing of the worker's own context gets into them. */
  readonly #context = new Context();
  #finished = 0;
  /** The functions that have ended since the last sign of life: one that has blocked the loop is over when that is seen. */
  readonly #recent = new Set<string>();
  /** Those of them that have blocked the loop in their first step. */
  readonly #blocking = new Set<string>();

  constructor(loop: EventLoop, plan: WorkerPlan) {
    this.#loop = loop;
    this.#plan = plan;
    this.#clock = new StoreClock(loop, async () => this.#link!.clock());
    // The same function runs over every engine; whoever wants its reports is told where they are asked for.
    this.#context.run(() => reporter.set(nowhere));
  }

  get finished(): number {
    return this.#finished;
  }

  get name(): string {
    return this.#plan.name;
  }

  /** The functions that run, each once: `resize()`. */
  get names(): string[] {
    return [...new Set([...this.#runs.values()].map(({ name }) => `${name}()`))];
  }

  use(link: WorkerLink): void {
    this.#link = link;
    this.#isLinked.set();
  }

  /** Nothing is begun from now on: an engine can still deliver what it has asked for before it knows that the worker ends. What runs goes on. */
  close(): void {
    this.#isClosed = true;
  }

  /** Called by the engine, outside any task. */
  perform(delivery: Delivery): Performed | Promise<Performed> {
    const { id, text, attempt } = delivery;
    const envelope = readEnvelope(text);
    if (envelope === null) {
      const detail = `it has another format than version ${VERSION}, which the worker ${this.#plan.name} reads: run the same major version of asyncio-ts in clients and workers`;
      return this.#answer({ refused: 'version', detail });
    }
    const { attempts = 1, tied } = envelope;
    if (attempt > attempts) return this.#answer({ spent: true });
    if (delivery.isCancelled || this.#early.delete(id)) return this.#answer({ cancelled: true });
    if (this.#isClosed) return GIVEN_BACK;
    const earlier = this.#runs.get(id);
    if (earlier !== undefined) this.#lose(earlier); // otherwise the store would not give it out again
    const run: Run = {
      id,
      name: envelope.name,
      task: null,
      client: tied ?? null,
      isLast: attempt >= attempts,
      isBegun: false,
      queued: null,
      end: null,
    };
    this.#runs.set(id, run);
    const began = this.#loop.time();
    // Started at once: a turn of the loop more would be a tenth of the whole way from a client and back.
    const task = this.#loop.createTask(() => this.#run(run, delivery, envelope), {
      name: `${envelope.name}() ${id}`,
      context: this.#context.copy(),
      eagerStart: true,
    }) as Task<Performed>;
    run.task = task;
    if (this.#loop.time() - began > this.#plan.lease / 4) this.#blocking.add(envelope.name);
    if (task.done()) return this.#over(run, task);
    return new Promise((resolve) => task.addDoneCallback(() => resolve(this.#over(run, task))));
  }

  #over(run: Run, task: Task<Performed>): Performed {
    if (this.#runs.get(run.id) === run) this.#runs.delete(run.id);
    this.#recent.add(run.name);
    const performed = this.#ended(run, task);
    if (this.#runs.size === 0) for (const tell of this.#whenIdle.splice(0)) tell();
    return performed;
  }

  #ended({ end, name, isLast, isBegun }: Run, task: Task<Performed>): Performed {
    if (end === 'lost') return { abandoned: true, isStarted: true };
    // Whoever finishes in spite of the stop is done; otherwise it would be done twice.
    if (end === 'stopped' && (task.cancelled() || task.exception() !== null)) {
      if (!isBegun) return GIVEN_BACK;
      return isLast ? this.#answer({ spent: true, isStopped: true }) : { abandoned: true, isStarted: true };
    }
    this.#finished++;
    if (end === 'orphaned') return this.#answer({ orphaned: true });
    if (end === 'late') return this.#answer({ late: true, isStarted: isBegun });
    if (!task.cancelled() && task.exception() === null) return task.result();
    if (end === 'cancelled') return this.#answer({ cancelled: true });
    const cause = task.cancelled() ? new Error(`${name}() was cancelled in its worker`) : task.exception();
    return this.#answer({ failure: 'thrown', error: encode(packThrown(cause, 'process')) });
  }

  #answer(answer: Answer): { readonly reply: string } {
    return { reply: writeAnswer(answer, this.#plan.name) };
  }

  /** What does not wait for anything is over when this returns: neither a promise nor a turn of the loop is needed for it. */
  #run(run: Run, delivery: Delivery, envelope: Envelope): Promise<Performed> | Generator<never, Performed> {
    const { deadline, tied } = envelope;
    const hasToAsk =
      this.#link === null ||
      tied !== undefined ||
      (deadline !== undefined && !this.#clock.isFresh) ||
      (delivery.held !== undefined && delivery.held <= 0);
    const performed = hasToAsk ? this.#asked(run, delivery, envelope) : this.#begin(run, delivery, envelope);
    return performed instanceof Promise ? performed : over(performed);
  }

  async #asked(run: Run, delivery: Delivery, envelope: Envelope): Promise<Performed> {
    const { deadline, tied } = envelope;
    const since = this.#loop.time();
    if (this.#link === null) await this.#isLinked.wait(); // jobs may come before the engine says that it is ready
    if (tied !== undefined && (await this.#reach(() => this.#link!.lostClients([tied]))).length > 0)
      return this.#answer({ orphaned: true });
    if (deadline !== undefined) await this.#reach(() => this.#clock.compare());
    const holding = await this.#holding(delivery, since);
    if (holding === 'cancelled') return this.#answer({ cancelled: true });
    if (holding === 'lost') {
      logger.warn(
        `the worker ${this.#plan.name} does not start ${run.name}(): it waited for the store until the job counted as lost, or was cancelled`,
      );
      run.end ??= 'lost';
      return { abandoned: true, isStarted: true };
    }
    return await this.#begin(run, delivery, envelope);
  }

  /**
   * Whether a job that had to wait is still this worker's. If its lease has ended in the meantime another worker may have done it, or its client was
   * told that it is cancelled, and then it must not begin.
   */
  async #holding(delivery: Delivery, since: number): Promise<Holding> {
    const { held = Number.POSITIVE_INFINITY } = delivery;
    const isInLoop = this.#plan.engine.features.inLoop === true;
    for (let until = since + held; this.#loop.time() >= until; ) {
      const asked = this.#loop.time();
      const holding = await this.#reach(() => (isInLoop ? delivery.hold!() : wrapPromise(delivery.hold!())));
      if (holding !== 'held') return holding;
      until = asked + this.#plan.lease; // an answer that took longer says nothing about now
    }
    return 'held';
  }

  #begin(run: Run, delivery: Delivery, envelope: Envelope): Performed | Promise<Performed> {
    const { deadline } = envelope;
    const left = deadline === undefined ? Number.POSITIVE_INFINITY : (deadline - this.#clock.now()) / 1_000;
    if (left <= 0) return this.#answer({ late: true, isStarted: false });
    const fn = this.#function(envelope);
    if (fn === undefined) {
      const names = [...this.#plan.functions.keys()].join(', ');
      return this.#answer({ refused: 'name', detail: `the worker ${this.#plan.name} serves ${names}` });
    }
    try {
      const called = this.#call(run, fn, delivery, envelope);
      const isValue = called === null || (typeof called !== 'object' && typeof called !== 'function');
      return isValue ? this.#resulted(called, run.name) : this.#awaited(run, called, left);
    } catch (error) {
      return this.#thrown(run, error);
    }
  }

  async #awaited(run: Run, called: unknown, left: number): Promise<Performed> {
    // Not by `timeout`: a cancellation that comes in addition must not disturb the clean-up, so there is one place for all of them.
    const timer =
      left === Number.POSITIVE_INFINITY
        ? null
        : this.#loop.callLater(left, () => this.#end(run, 'late', 'its deadline has passed'));
    try {
      return this.#resulted(await called, run.name);
    } catch (error) {
      return this.#thrown(run, error);
    } finally {
      timer?.cancel();
    }
  }

  #thrown(run: Run, error: unknown): Performed {
    if (isCancelledError(error) && run.end !== null) throw error;
    return this.#checked({ failure: 'thrown', error: encode(packThrown(error, 'process')) });
  }

  /** Asks the store until it answers: that it is out of reach is no outcome of a job. */
  async #reach<T>(ask: () => Promise<T>): Promise<T> {
    for (;;) {
      try {
        return await ask();
      } catch (error) {
        rethrowIfCancelled(error);
        await sleep(BEAT / 4);
      }
    }
  }

  #function({ module, name }: Envelope): AnyFunction | undefined {
    const own = this.#plan.module;
    return own === null || own === module ? this.#plan.functions.get(name) : undefined;
  }

  #call(run: Run, fn: AnyFunction, delivery: Delivery, { args, vars, trace }: Envelope): unknown {
    const { propagate, executor, extract, engine } = this.#plan;
    for (const [name, value] of Object.entries(vars ?? {})) propagate.get(name)?.set(unpack(decode(value)));
    let number = 0;
    if (engine.features.progress) {
      reporter.set((text) => delivery.progress(`{"n":${(delivery.attempt - 1) * 1e9 + ++number},"value":${text}}`));
    }
    const given = unpack(decode(args)) as readonly unknown[];
    const call = (): unknown => {
      run.isBegun = true;
      if (executor === null) return fn(...given);
      const job: PromiseLike<unknown> = executor.submit(fn, ...given);
      if (job instanceof ConcurrentFuture) run.queued = job;
      return outcomeOf(job);
    };
    return extract === null ? call() : extract(trace ?? {}, call);
  }

  #resulted(value: unknown, name: string): Performed {
    const packing = pack(value, 'process');
    if ('problem' in packing) return this.#notSent(`result${sentence(packing.problem)}${adviceFor(value, name)}`);
    return this.#checked({ value: encode(packing.packed) });
  }

  #notSent(what: string): Performed {
    return this.#answer({
      failure: 'result',
      error: encode(packThrown(typeError(what, 'RESULT_NOT_CLONEABLE'), 'process')),
    });
  }

  #checked(answer: Answer): Performed {
    const performed = this.#answer(answer);
    const size = sizeOf(performed.reply);
    if (size <= LARGEST) return performed;
    return this.#notSent(
      `it takes ${size} bytes, and ${LARGEST} is the most that is sent: put it into a file or a store, and return where it is`,
    );
  }

  /** Asked for by a client. */
  cancel(id: string): void {
    const run = this.#runs.get(id);
    if (run === undefined) {
      this.#early.add(id);
      if (this.#early.size > 10_000) this.#early.delete(this.#early.values().next().value!);
      return;
    }
    this.#end(run, 'cancelled', 'its client has cancelled it');
  }

  #end(run: Run, end: NonNullable<Run['end']>, why: string): void {
    if (run.end !== null) return;
    run.end = end;
    const { queued } = run;
    // One that waits for a thread will not get it: what is known at this moment stays true.
    if (queued?.state === 'pending' && queued.cancel() && queued.cancelled()) run.isBegun = false;
    run.task?.cancel(why);
  }

  #lose(run: Run): void {
    if (run.end !== null) return;
    logger.warn(
      `the worker ${this.#plan.name} has lost ${run.name}(): it gave no sign of life for too long, so the job counts as lost and is ended here`,
    );
    this.#end(run, 'lost', 'its worker counts as lost');
  }

  /** A sign of life each second, and what the store says to it. Never returns. */
  async keep(): Promise<never> {
    const beat = Math.min(BEAT, this.#plan.lease / 3);
    let due = this.#loop.time() + beat;
    let heard = this.#loop.time();
    let isTold = false;
    for (;;) {
      await sleep(Math.max(0, due - this.#loop.time()));
      this.#tellBlocked(this.#loop.time() - due);
      due = this.#loop.time() + beat;
      try {
        await timeout(Math.max(BEAT, this.#plan.lease / 3), () => this.#beat());
        heard = this.#loop.time();
        isTold = false;
      } catch (error) {
        rethrowIfCancelled(error);
        if (isTold || this.#loop.time() - heard < this.#plan.lease / 2) continue;
        isTold = true;
        logger.warn(
          `the worker ${this.#plan.name} cannot reach ${this.#plan.engine.name}, and tries again: ${messageOf(error)}`,
        );
      }
    }
  }

  #tellBlocked(seconds: number): void {
    const certain = [...this.#blocking];
    const possible = [...this.#recent, ...[...this.#runs.values()].map(({ name }) => name)];
    this.#blocking.clear();
    this.#recent.clear();
    if (seconds < this.#plan.lease / 2) return;
    const names = new Set((certain.length > 0 ? certain : possible).map((name) => `${name}()`));
    logger.warn(
      `the loop of the worker ${this.#plan.name} was blocked for ${seconds.toFixed(1)} s${names.size === 0 ? '' : ` while it ran ${[...names].join(', ')}`}; ` +
        `after ${this.#plan.lease} s it counts as lost. Let functions that compute run in threads: serve(url, { executor: new ThreadPoolExecutor() })`,
    );
  }

  async #beat(): Promise<void> {
    const link = this.#link!;
    const { cancelled, lost } = await link.beat([...this.#runs.keys()]);
    for (const id of cancelled) if (this.#runs.has(id)) this.cancel(id);
    for (const id of lost) {
      const run = this.#runs.get(id);
      if (run !== undefined) this.#lose(run);
    }
    const clients = new Set<string>();
    for (const { client, end } of this.#runs.values()) if (client !== null && end === null) clients.add(client);
    if (clients.size === 0) return;
    const gone: ReadonlySet<string | null> = new Set(await link.lostClients([...clients]));
    for (const run of this.#runs.values()) if (gone.has(run.client)) this.#end(run, 'orphaned', 'its client is lost');
  }

  /** Fulfils when no job runs. */
  async idle(): Promise<void> {
    if (this.#runs.size === 0) return;
    const wait = newWait(this.#loop, { operation: 'idle', object: this });
    this.#whenIdle.push(() => release(wait));
    await wait;
  }

  /** Ends what runs; it counts as not done. Returns the names of the functions that were begun. */
  stop(): string[] {
    this.close();
    const runs = [...this.#runs.values()];
    for (const run of runs) this.#end(run, 'stopped', 'its worker stops');
    return runs.filter(({ isBegun }) => isBegun).map(({ name }) => name);
  }
}
