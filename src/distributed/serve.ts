import { hostname } from 'node:os';
import process from 'node:process';
import { RuntimeError, rethrowIfCancelled } from '../errors/index.ts';
import { typeError } from '../errors/type-error.ts';
import { type ContextVar, createTask, Event, FIRST_COMPLETED, shield, timeout, wait } from '../index.ts';
import { describe } from '../internal/describe.ts';
import type { Duration } from '../internal/duration.ts';
import { checkCallback } from '../internal/options.ts';
import { CONCURRENCY, checkWholeNumber } from '../internal/whole-number.ts';
import { type Executor, getRunningLoop, logger } from '../kernel/lowlevel.ts';
import { messageOf } from '../node/border/index.ts';
import { moduleFunctions } from '../node/executors/module-functions.ts';
import { checkEngine, checkNeeded, checkVariables, notNegative, positive } from './checks.ts';
import { type Engine, Refusal, type WorkerLink, type WorkerSettings } from './engine.ts';
import { JobRunner, type WorkerPlan } from './worker.ts';
import { closed, workerLinkOf } from './wrapped-links.ts';

/** Options of `serve`. */
export interface ServeOptions {
  /** The way from the clients: `bullmq(…)`, `nats(…)`, or a `MemoryEngine` in tests. */
  readonly engine: Engine;
  /** The name of the queue, the same as in `DistributedExecutor`. */
  readonly queue: string;
  /** How many jobs run at the same time; 1 when absent. For functions that mostly wait, many. */
  readonly concurrency?: number | undefined;
  /**
   * Where the functions run: a `ThreadPoolExecutor` for those that compute, so that they do not block the loop. `work` is then the address of
   * the module. Without it, they run in this loop. A function that has begun in a thread is not interrupted, unless the executor is one
   * `with({ terminate: true })`: a cancelled job keeps its place until its function has ended. Context variables and reports stay in this loop.
   */
  readonly executor?: Executor | undefined;
  /** The name that clients use for the module, as in `moduleFunctions('app:work')`; any when absent. */
  readonly module?: string | undefined;
  /** How long this worker counts as alive after its last sign; 10 seconds when absent. Its jobs are lost after that. */
  readonly lease?: Duration | undefined;
  /** How long jobs that run may take after SIGTERM before they are cancelled, and given to another worker if they may be; 30 seconds when absent. */
  readonly drain?: Duration | undefined;
  /** The signals that drain the worker; `['SIGTERM']` when absent, none with `[]`. */
  readonly signals?: readonly string[] | undefined;
  /** Context variables that jobs bring along, by their names; the same as in `DistributedExecutor`. */
  readonly propagate?: readonly ContextVar<unknown>[] | undefined;
  /**
   * Called around each job with the headers of its client's `inject`: with OpenTelemetry
   * `(headers, call) => context.with(propagation.extract(context.active(), headers), call)`. Returns what `call` returns.
   */
  readonly extract?: ((headers: Readonly<Record<string, string>>, call: () => unknown) => unknown) | undefined;
  /** Drains the worker when it is set. */
  readonly stop?: Event | undefined;
  /** Called when it takes jobs. */
  readonly onReady?: ((worker: string) => void) | undefined;
}

/** How a worker has ended. */
export interface ServeReport {
  readonly worker: string;
  /** How many jobs it has answered. */
  readonly finished: number;
  /** The functions that it had to give up, because they took longer than `drain`. */
  readonly abandoned: readonly string[];
}

const OPTIONS = [
  'engine',
  'queue',
  'concurrency',
  'executor',
  'module',
  'lease',
  'drain',
  'signals',
  'propagate',
  'extract',
  'stop',
  'onReady',
] as const;

/** How long what was cancelled may clean up, in seconds. */
const CLEAN_UP = 5;

let made = 0;

/**
 * Serves functions to the clients of a queue, until a signal or `stop` drains it: it takes no more jobs then, finishes those that run, and returns.
 *
 * Each job is a task of its own, which is cancelled when its client asks for it, at its deadline, and when the worker stops. A function that
 * blocks the loop for longer than `lease` is lost, because nobody can tell it from a dead machine.
 *
 * **Cancellation**: jobs that run are cancelled, and count as not done: another worker starts them again if they have retries left.
 *
 * @param work the functions by name, such as a module (`import * as work`), or the address of a module
 * @returns what it has done
 * @throws {TypeError} when an option is wrong, or there is no function in `work`
 * @throws {RuntimeError} when the store cannot be reached at the start
 * @example
 * const engine = new MemoryEngine();
 * const stop = new Event();
 * const worker = createTask(() => serve({ hello: (name: string) => `hello ${name}` }, { engine, queue: 'greetings', stop }));
 * await using pool = new DistributedExecutor({ engine, queue: 'greetings' });
 * const { hello } = moduleFunctions<{ hello(name: string): string }>('app:greetings');
 * console.log(await pool.submit(hello, 'ada')); // hello ada
 * stop.set();
 * console.log((await worker).finished); // 1
 */
export async function serve(work: object | URL | string, options: ServeOptions): Promise<ServeReport> {
  checkNeeded('serve', options, OPTIONS, 'serve(work, { engine, queue })');
  const {
    engine,
    queue,
    concurrency = 1,
    signals = ['SIGTERM'],
    propagate = [],
    extract = null,
    executor = null,
  } = options;
  checkEngine('serve', engine, queue);
  checkVariables('serve', propagate);
  checkCallback('serve: extract', extract);
  checkCallback('serve: onReady', options.onReady);
  checkSignals(signals);
  checkStop(options.stop);
  checkExecutor(executor);
  checkWholeNumber('serve: concurrency', concurrency, CONCURRENCY);
  const lease = positive(options.lease ?? 10, 'serve: lease');
  const drain = notNegative(options.drain ?? 30, 'serve: drain');
  const functions = await functionsOf(work, executor);
  const name = `${hostname()}:${process.pid}/${++made}`;
  const variables = new Map(propagate.map((variable) => [variable.name, variable]));
  const module = options.module === undefined ? null : moduleNamed(options.module);
  const plan: WorkerPlan = { engine, functions, module, name, lease, propagate: variables, executor, extract };
  const stop = options.stop ?? new Event();
  const loop = getRunningLoop();
  const runner = new JobRunner(loop, plan);
  let abandoned: string[] = [];
  const heard: string[] = [];
  try {
    // Before a job can come: a signal that cannot be handled is an error of the call.
    for (const signal of signals) {
      loop.addSignalHandler(signal, () => stop.set());
      heard.push(signal);
    }
    const link = await connected(engine, queue, {
      offer: { worker: name, module, names: [...functions.keys()] },
      concurrency,
      lease,
      perform: (delivery) => runner.perform(delivery),
      cancel: (id) => runner.cancel(id),
    });
    runner.use(link);
    const beats = createTask(() => runner.keep(), { name: `${name}: beats` });
    try {
      options.onReady?.(name);
      const asked = createTask(() => stop.wait(), { name: `${name}: stop` });
      try {
        await wait([asked, beats], { returnWhen: FIRST_COMPLETED });
      } finally {
        asked.cancel();
      }
      runner.close();
      await link.pause();
      try {
        await timeout(drain, () => runner.idle());
      } catch (error) {
        rethrowIfCancelled(error);
      }
    } finally {
      abandoned = runner.stop();
      await shield(end(runner, link, beats, engine));
    }
  } finally {
    runner.stop(); // a job may have come before the engine had failed
    for (const signal of heard) loop.removeSignalHandler(signal);
  }
  return { worker: name, finished: runner.finished, abandoned };
}

/** What clients of stores throw has often neither a useful message nor a stack. */
async function connected(engine: Engine, queue: string, settings: WorkerSettings): Promise<WorkerLink> {
  try {
    return workerLinkOf(engine, await engine.openWorker(queue, settings));
  } catch (error) {
    rethrowIfCancelled(error);
    if (error instanceof RuntimeError || error instanceof TypeError) throw error;
    throw new RuntimeError(
      `serve: the worker of the queue '${queue}' has no connection over ${engine.name}, so it serves nothing: ${messageOf(error)}`,
      { code: error instanceof Refusal ? error.code : 'STORE_UNREACHABLE', cause: error },
    );
  }
}

/** What was cancelled cleans up, while the worker still gives signs of life. */
async function end(
  runner: JobRunner,
  link: Awaited<ReturnType<Engine['openWorker']>>,
  beats: { cancel(): boolean },
  engine: Engine,
): Promise<void> {
  try {
    await timeout(CLEAN_UP, async () => {
      await link.pause();
      await runner.idle();
    });
  } catch (error) {
    rethrowIfCancelled(error);
    const { names } = runner;
    if (names.length > 0) {
      const whose = names.length === 1 ? 'it has' : 'they have';
      logger.warn(
        `the worker ${runner.name} ends although ${names.join(', ')} may still run: ${whose} not ended ${CLEAN_UP} s after the cancellation`,
      );
    }
  } finally {
    beats.cancel();
    await closed(link, `a worker of ${engine.name}`);
  }
}

/** Whatever else it is would end the worker at once, because the wait for it fails. */
function checkStop(stop: unknown): void {
  const { wait: waits, isSet } = (stop ?? {}) as Partial<Event>;
  if (stop === undefined || (typeof waits === 'function' && typeof isSet === 'function')) return;
  throw typeError(
    `serve: stop is an Event, got ${describe(stop)}; write stop: new Event(), and stop.set() where the worker is to end`,
    'INVALID_STOP',
  );
}

/** A text would be taken for the letters of it. */
function checkSignals(signals: unknown): void {
  if (Array.isArray(signals)) return;
  throw typeError(`serve: signals is a list, got ${describe(signals)}; write signals: ['SIGTERM']`, 'INVALID_SIGNALS');
}

function checkExecutor(executor: unknown): void {
  if (executor === null || typeof (executor as Partial<Executor>).submit === 'function') return;
  throw typeError(
    `serve: executor has a method submit, got ${describe(executor)}; write executor: new ThreadPoolExecutor()`,
    'INVALID_EXECUTOR',
  );
}

/** As `moduleFunctions` gives it to clients, which writes addresses in their usual form. */
function moduleNamed(module: string): string {
  if (typeof module === 'string' && URL.canParse(module)) return new URL(module).href;
  throw typeError(
    `serve: module is a name with a scheme, the same as in moduleFunctions, got ${describe(module)}; write module: 'app:work'`,
    'INVALID_MODULE',
  );
}

type AnyFunction = (...args: readonly unknown[]) => unknown;

async function functionsOf(work: object | URL | string, executor: Executor | null): Promise<Map<string, AnyFunction>> {
  const isAddress = typeof work === 'string' || work instanceof URL;
  if (!isAddress && (typeof work !== 'object' || work === null)) {
    throw typeError(
      `serve: the functions are required, such as a module, got ${describe(work)}; ` +
        "write import * as work from './work.ts', and serve(work, { engine, queue })",
      'NO_WORK',
    );
  }
  if (!isAddress && executor !== null) {
    throw typeError(
      "serve: with an executor, give the address of the module, so that its threads can load it: serve(new URL('./work.ts', import.meta.url), { executor })",
      'NO_WORK',
    );
  }
  const module = isAddress ? await loaded(work) : (work as Readonly<Record<string, unknown>>);
  const named = isAddress ? moduleFunctions<Record<string, AnyFunction>>(work) : null;
  const functions = new Map<string, AnyFunction>();
  for (const [name, fn] of Object.entries(module)) {
    if (typeof fn !== 'function') continue;
    functions.set(name, (executor === null || named === null ? fn : named[name]) as AnyFunction);
  }
  if (functions.size === 0)
    throw typeError(
      `serve: there is no function in ${isAddress ? String(work) : 'work'}; write export function resize() {} there`,
      'NO_WORK',
    );
  return functions;
}

async function loaded(url: URL | string): Promise<Readonly<Record<string, unknown>>> {
  if (!URL.canParse(String(url))) {
    throw typeError(
      `serve: the address of the module is absolute, got ${describe(url)}; write new URL(${describe(url)}, import.meta.url)`,
      'MODULE_NOT_LOADED',
    );
  }
  try {
    return (await import(String(url))) as Readonly<Record<string, unknown>>;
  } catch (error) {
    throw new RuntimeError(`serve: the module ${String(url)} cannot be loaded: ${messageOf(error)}`, {
      code: 'MODULE_NOT_LOADED',
      cause: error,
    });
  }
}
