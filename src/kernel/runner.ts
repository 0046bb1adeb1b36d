import { isCancelledError, KeyboardInterrupt, RuntimeError, withStack } from '../errors/errors.ts';
import type { Duration } from '../internal/duration.ts';
import { checkOptions } from '../internal/options.ts';
import type { AwaitableLike, CoroutineLike } from './coroutine.ts';
import { reportLines } from './debug-awaits.ts';
import { type Context, copyContext } from './engine/context.ts';
import { nameOf } from './engine/request.ts';
import type { Scope } from './engine/roles.ts';
import { hasLines } from './engine/scope.ts';
import { mainCoroutine } from './ensure.ts';
import { EventLoop, type OnUnretrieved, UNRETRIEVED_AFTER } from './event-loop.ts';
import { allTasks, lendThread } from './loops.ts';
import { type AbortSignalLike, afterMicrotasks, exitWithCode } from './runtime/platform.ts';
import { cancelLines, taskOf } from './scopes.ts';
import { isDetached, type Task } from './task.ts';
import { runningLoop } from './thread-loop.ts';

/** How long the default executor may take to end, in seconds. */
const EXECUTOR_SHUTDOWN_TIMEOUT = 300;

/** How long tasks that wait for foreign promises may take to end, in seconds: nobody can make them. */
const FOREIGN_WAIT = 10;

/** The same after a second Ctrl-C. */
const IMPATIENT_WAIT = 0.1;

/** Options of a runner. */
export interface RunnerOptions {
  /** Turns the loop's debug mode on or off. */
  readonly debug?: boolean | null | undefined;
  /** Makes the loop; `newEventLoop` when absent. */
  readonly loopFactory?: (() => EventLoop) | null | undefined;
  /**
   * How long a failed task or future waits for somebody to look at its error before it is reported, in seconds or named units; `0` is the
   * next macrotask, `null` CPython's moment. When absent, what the loop says that `loopFactory` has made, otherwise half a second.
   */
  readonly unretrievedAfter?: Duration | null | undefined;
  /**
   * The signals of the process that end a run as Ctrl-C does: `['SIGINT', 'SIGTERM']` is what services want. The first one cancels the main
   * task; the next one, whichever it is, does not wait. The run rejects with a `KeyboardInterrupt` that names the signal, and a process
   * that nobody catches it in ends with exit code 130 or 143. When absent, Ctrl-C alone, unless the program listens to it itself; `[]` is
   * none.
   */
  readonly signals?: readonly string[] | undefined;
  /** Whether such an error is told to the exception handler, or raised like an unhandled rejection, which ends a process. */
  readonly unretrieved?: OnUnretrieved | undefined;
}

/** Options of one run. */
export interface RunOptions {
  /** The context of the main task; the runner's own when absent. */
  readonly context?: Context | null | undefined;
  /** The name of the main task. */
  readonly name?: string | undefined;
  /** Cancels the main task when it is aborted; the error's `cause` is the signal's reason then. */
  readonly signal?: AbortSignalLike | undefined;
}

const RUNNER_OPTIONS = ['debug', 'loopFactory', 'unretrievedAfter', 'unretrieved', 'signals'] as const;
const RUN_OPTIONS = ['context', 'name', 'signal'] as const;

/**
 * The life of a runner.
 *
 *     CREATED ──first use──▶ OPEN ──close()──▶ CLOSED
 */
type RunnerState = 'created' | 'open' | 'closed';

/**
 * Runs several coroutines one after the other on one loop, and cleans up after them when it is closed.
 *
 * Follows CPython's `asyncio.Runner`.
 *
 * @example
 * await using runner = new Runner({ debug: true });
 * await runner.run(setUp);
 * await runner.run(main);
 */
export class Runner implements AsyncDisposable {
  readonly #options: RunnerOptions;
  readonly #debug: boolean | null;
  readonly #loopFactory: (() => EventLoop) | null;
  #state: RunnerState = 'created';
  #loop: EventLoop | null = null;
  #context: Context | null = null;
  #giveThreadBack: (() => void) | null = null;
  /** The signals that came during the last run. */
  #interrupts: readonly string[] = [];

  constructor(options: RunnerOptions = {}) {
    checkOptions('Runner', options, RUNNER_OPTIONS);
    this.#options = options;
    this.#debug = options.debug ?? null;
    this.#loopFactory = options.loopFactory ?? null;
  }

  /**
   * The runner's loop.
   *
   * @throws {RuntimeError} when the runner is closed
   */
  getLoop(): EventLoop {
    if (this.#state === 'closed') throw new RuntimeError('Runner is closed', { code: 'RUNNER_CLOSED' });
    if (this.#loop === null) {
      if (this.#loopFactory !== null) {
        this.#loop = this.#loopFactory();
      } else {
        this.#loop = new EventLoop();
        this.#giveThreadBack = lendThread(this.#loop);
      }
      this.#setUp(this.#loop);
      this.#context = copyContext();
      this.#state = 'open';
    }
    return this.#loop;
  }

  #setUp(loop: EventLoop): void {
    const { unretrievedAfter, unretrieved } = this.#options;
    if (this.#debug !== null) loop.setDebug(this.#debug);
    if (unretrievedAfter !== undefined) loop.unretrievedAfter = unretrievedAfter;
    else loop._defaultUnretrievedAfter?.(UNRETRIEVED_AFTER); // there is none in what stands in for a loop
    if (unretrieved !== undefined) loop.unretrieved = unretrieved;
  }

  /**
   * Runs a coroutine as the main task, or waits for another awaitable in it: a future or task of the runner's loop, a promise, an
   * object whose iterator yields futures. Ctrl-C cancels it: when it ends by that, the promise rejects with a `KeyboardInterrupt`; a
   * second Ctrl-C does not wait for it.
   *
   * @param main an async function, a generator function, or an awaitable. A promise's work has begun outside the loop, so that it is
   * waited for, and nothing more; debug mode says so
   * @returns a promise of its result
   * @throws {TypeError} (as a rejection) when `main` cannot be awaited, or `options.context` is not a context
   * @throws {RuntimeError} (as a rejection) when the runner is closed, or when a running loop calls it
   */
  async run<T>(main: AwaitableLike<T>, options: RunOptions = {}): Promise<T> {
    checkOptions('Runner.run', options, RUN_OPTIONS);
    if (runningLoop() !== null) {
      throw new RuntimeError('Runner.run() cannot be called from a running event loop: await the coroutine instead', {
        code: 'LOOP_RUNNING',
      });
    }
    const loop = this.getLoop();
    loop._checkCanRun(); // before there is a task that would begin anyway
    const { context, name, signal } = options;
    const task = loop.createTask<T>(mainCoroutine(main, loop), { context: context ?? this.#context, name, signal });
    const interrupts = new Interrupts(loop, this.#options.signals, [], () => {
      if (task.done()) return false;
      loop.callSoonThreadsafe(() => task.cancel());
      return true;
    });
    try {
      return await loop.runUntilComplete<T>(task);
    } catch (error) {
      if (isCancelledError(error)) {
        if (interrupts.came.length > 0 && task.uncancel() === 0) throw interrupts.error();
        if (signal?.aborted === true) error.cause ??= signal.reason;
      }
      throw withStack(error);
    } finally {
      this.#interrupts = interrupts.came;
      interrupts.stop();
    }
  }

  /**
   * Cancels the tasks that are left and waits for them, reports their errors, waits for the default executor, and closes the
   * loop. Closing twice is harmless.
   *
   * Ctrl-C does not keep it from its end, which is a rejection then. The second one does: what is left is not waited for any more. One
   * that came during the last run counts.
   *
   * @throws {KeyboardInterrupt} (as a rejection) after Ctrl-C
   */
  async close(): Promise<void> {
    if (this.#state !== 'open') return;
    this.#state = 'closed';
    const loop = this.#loop!;
    const interrupts = new Interrupts(loop, this.#options.signals, this.#interrupts, () => true);
    try {
      await cancelAllTasks(loop, this.#interrupts.length > 1 ? IMPATIENT_WAIT : FOREIGN_WAIT);
      await finish(loop, 'shutdownAsyncgens', loop.shutdownAsyncgens());
      await finish(loop, 'shutdownDefaultExecutor', loop.shutdownDefaultExecutor(EXECUTOR_SHUTDOWN_TIMEOUT));
      if (interrupts.came.length > this.#interrupts.length) throw interrupts.error();
    } finally {
      interrupts.stop();
      this.#giveThreadBack?.();
      loop.close();
      this.#loop = null;
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** One part of the end of a run, named so that tools can tell it from the program. */
function finish(loop: EventLoop, name: string, part: CoroutineLike<void>): Promise<void> {
  return loop.runUntilComplete(loop.createTask(part, { name }));
}

/**
 * Ctrl-C, or another signal, while a loop runs: the first one may be left to who listens, any other one ends what the loop runs for at
 * once.
 */
class Interrupts {
  /** The signals that came, one after the other. */
  readonly came: string[];
  readonly #before: number;
  readonly #first: () => boolean;
  readonly #loop: EventLoop;
  readonly #unsubscribe: (() => void)[] = [];

  /**
   * @param signals the names of those that count; Ctrl-C alone, where the program does not listen to it itself, when absent
   * @param before those that came before
   * @param first what the first one does; returns whether there was something to do
   */
  constructor(
    loop: EventLoop,
    signals: readonly string[] | undefined,
    before: readonly string[],
    first: () => boolean,
  ) {
    this.#loop = loop;
    this.came = [...before];
    this.#before = before.length;
    this.#first = first;
    if (signals === undefined) this.#subscribe(loop._onInterrupt(() => this.#note('SIGINT')));
    else for (const signal of new Set(signals)) this.#subscribe(loop._onEnding(signal, () => this.#note(signal)));
  }

  #subscribe(unsubscribe: (() => void) | null): void {
    if (unsubscribe !== null) this.#unsubscribe.push(unsubscribe);
  }

  #note(signal: string): void {
    this.came.push(signal);
    if (this.came.length > 1 || !this.#first()) this.#loop._interrupt(interruptBy(signal));
  }

  /** What ends what the loop runs for, in the name of the first signal that came meanwhile. */
  error(): KeyboardInterrupt {
    return interruptBy(this.came[this.#before]!);
  }

  stop(): void {
    for (const unsubscribe of this.#unsubscribe) unsubscribe();
  }
}

function interruptBy(signal: string): KeyboardInterrupt {
  const error = new KeyboardInterrupt(undefined, { signal });
  exitWithCode(error, error.exitCode);
  return error;
}

async function cancelAllTasks(loop: EventLoop, foreignWait: number): Promise<void> {
  const tasks = allTasks(loop);
  const lines = [...loop._linesLeft];
  if (tasks.size === 0 && lines.length === 0) return;
  for (const task of tasks) task.cancel();
  for (const root of lines) cancelLeftLines(root);
  if (tasks.size > 0) await waitForTasks(loop, tasks, foreignWait);
  for (const task of tasks) reportLeftTask(loop, task);
  await waitForLines(loop);
}

/** Functions that a task has started, not awaited and left behind when it ended: told once, since nobody else will see their end. */
function cancelLeftLines(root: Scope): void {
  reportLines(root, `The end of run() has cancelled what ${nameOf(taskOf(root))} had left behind`);
  cancelLines(root, 'the end of run()');
}

/** Lines have time to clean up as tasks have, however long; what is at a promise of somebody else is nothing that could be waited for. */
async function waitForLines(loop: EventLoop): Promise<void> {
  const isOver = (): boolean => ![...loop._linesLeft].some(hasLines);
  if (isOver()) return;
  const over = loop.createFuture<void>();
  const finish = (): void => {
    if (!over.done()) over.setResult(undefined);
  };
  // What has ended its wait may begin another one in the same segment.
  const look = (): void => {
    if (isOver()) finish();
  };
  loop._onNoLineLeft = () => afterMicrotasks(look);
  await loop.runUntilComplete(over);
  loop._onNoLineLeft = null;
}

/** Waits until all are done, or those that are not wait for foreign promises and have had their time. */
async function waitForTasks(loop: EventLoop, tasks: ReadonlySet<Task<unknown>>, foreignWait: number): Promise<void> {
  const over = loop.createFuture<void>();
  const finish = (): void => {
    if (!over.done()) over.setResult(undefined);
  };
  let left = tasks.size;
  for (const task of tasks) {
    task.addDoneCallback(() => {
      if (--left === 0) finish();
    });
  }
  const giveUp = (): void => {
    if ([...tasks].every((task) => task.done() || isDetached(task))) finish();
    else timer = loop.callLater(foreignWait, giveUp);
  };
  let timer = loop.callLater(foreignWait, giveUp);
  await loop.runUntilComplete(over);
  timer.cancel();
}

function reportLeftTask(loop: EventLoop, task: Task<unknown>): void {
  if (!task.done()) {
    loop.callExceptionHandler({
      message: 'Task was destroyed but it is pending! It waits for a promise that is not of this library',
      task,
    });
  } else if (!task.cancelled()) {
    const exception = task.exception();
    if (exception !== null)
      loop.callExceptionHandler({ message: 'unhandled exception during asyncio.run() shutdown', exception, task });
  }
}

/**
 * Runs a program: makes a loop, runs `main` as its main task, and cleans up, whatever happens. The way to start.
 *
 * **Cancellation**: Ctrl-C and `options.signal` cancel the main task; the tasks that it leaves behind are cancelled and waited for.
 * A second Ctrl-C ends the wait for the main task, and a further one the wait for the others; when the first one comes in the clean-up,
 * that goes on to its end, and the next one ends it.
 *
 * Follows CPython's `asyncio.run`.
 *
 * @param main an async function, a generator function, or an awaitable. The call in `run(main())` begins outside the loop: its promise
 * is waited for, and nothing more; debug mode says so
 * @param options `debug`: debug mode on or off; `loopFactory`: makes the loop; `signal`: cancels the main task; `name`: of the main task;
 * `signals`: those of the process that end the run; `unretrievedAfter`, `unretrieved`: when and how errors are told that nobody looks at
 * @returns a promise of what `main` returns
 * @throws {TypeError} (as a rejection) when `main` cannot be awaited, or `options.context` is not a context
 * @throws {RuntimeError} (as a rejection) when a running loop calls it
 * @throws {KeyboardInterrupt} (as a rejection) after Ctrl-C
 * @example
 * await run(async () => {
 *   await sleep(1);
 *   console.log('hello');
 * });
 */
export async function run<T>(main: AwaitableLike<T>, options: RunnerOptions & RunOptions = {}): Promise<T> {
  if (runningLoop() !== null) {
    throw new RuntimeError('asyncio.run() cannot be called from a running event loop: await the coroutine instead', {
      code: 'LOOP_RUNNING',
    });
  }
  const runner = new Runner(options);
  let result: T;
  try {
    result = await runner.run(main, options);
  } catch (error) {
    await runner.close().catch((interrupt: unknown) => {
      // As Python's context of an error: what the interrupt has taken the place of.
      if (interrupt instanceof KeyboardInterrupt) interrupt.cause = error;
      throw interrupt;
    });
    throw error;
  }
  await runner.close();
  return result;
}
