import { CancelledError, KeyboardInterrupt, RuntimeError, ValueError } from '../errors/errors.ts';
import { describe } from '../internal/describe.ts';
import { type CoroutineLike, iscoroutine } from './coroutine.ts';
import { type Context, copyContext } from './engine/context.ts';
import { EventLoop } from './event-loop.ts';
import { allTasks, lendThread } from './loops.ts';
import type { AbortSignalLike } from './runtime/platform.ts';
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
  readonly #debug: boolean | null;
  readonly #loopFactory: (() => EventLoop) | null;
  #state: RunnerState = 'created';
  #loop: EventLoop | null = null;
  #context: Context | null = null;
  #giveThreadBack: (() => void) | null = null;
  /** How long `close()` waits for tasks that it cannot end. */
  #foreignWait = FOREIGN_WAIT;

  constructor(options: RunnerOptions = {}) {
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
      if (this.#debug !== null) this.#loop.setDebug(this.#debug);
      this.#context = copyContext();
      this.#state = 'open';
    }
    return this.#loop;
  }

  /**
   * Runs a coroutine as the main task. Ctrl-C cancels it: when it ends by that, the promise rejects with a
   * `KeyboardInterrupt`; a second Ctrl-C does not wait for it.
   *
   * @returns a promise of its result
   * @throws {ValueError} (as a rejection) when `coro` is no coroutine
   * @throws {RuntimeError} (as a rejection) when the runner is closed, or when a running loop calls it
   */
  async run<T>(coro: CoroutineLike<T>, options: RunOptions = {}): Promise<T> {
    if (typeof coro !== 'function' && !iscoroutine(coro)) throw notACoroutine(coro);
    if (runningLoop() !== null) {
      throw new RuntimeError('Runner.run() cannot be called from a running event loop: await the coroutine instead', {
        code: 'LOOP_RUNNING',
      });
    }
    const loop = this.getLoop();
    loop._checkCanRun(); // before there is a task that would begin all the same
    const { context, name, signal } = options;
    const task = loop.createTask<T>(coro, { context: context ?? this.#context, name, signal });
    const interrupts = new Interrupts(loop, task);
    try {
      return await loop.runUntilComplete<T>(task);
    } catch (error) {
      if (error instanceof CancelledError) {
        if (interrupts.ended(task)) throw new KeyboardInterrupt();
        if (signal?.aborted === true) error.cause ??= signal.reason;
      }
      throw error;
    } finally {
      if (interrupts.isImpatient) this.#foreignWait = IMPATIENT_WAIT;
      interrupts.stop();
    }
  }

  /**
   * Cancels the tasks that are left and waits for them, reports their errors, waits for the default executor, and closes the
   * loop. Closing twice is harmless.
   */
  async close(): Promise<void> {
    if (this.#state !== 'open') return;
    this.#state = 'closed';
    const loop = this.#loop!;
    try {
      await cancelAllTasks(loop, this.#foreignWait);
      await finish(loop, 'shutdownAsyncgens', loop.shutdownAsyncgens());
      await finish(loop, 'shutdownDefaultExecutor', loop.shutdownDefaultExecutor(EXECUTOR_SHUTDOWN_TIMEOUT));
    } finally {
      this.#giveThreadBack?.();
      loop.close();
      this.#loop = null;
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function notACoroutine(value: unknown): ValueError {
  const isPromise = typeof value === 'object' && value !== null && 'then' in value;
  const fix = isPromise ? ': its work has begun outside the loop; write run(main), not run(main())' : '';
  return new ValueError(`a coroutine was expected, got ${describe(value)}${fix}`, { code: 'NOT_A_COROUTINE' });
}

/** One part of the end of a run, named so that tools can tell it from the program. */
function finish(loop: EventLoop, name: string, part: CoroutineLike<void>): Promise<void> {
  return loop.runUntilComplete(loop.createTask(part, { name }));
}

/** Ctrl-C during a run: the first one cancels the main task, the next one ends the run at once. */
class Interrupts {
  #count = 0;
  readonly #unsubscribe: (() => void) | null;

  constructor(loop: EventLoop, task: Task<unknown>) {
    this.#unsubscribe = loop._onInterrupt(() => {
      this.#count++;
      if (this.#count === 1 && !task.done()) loop.callSoonThreadsafe(() => task.cancel());
      else loop._interrupt(new KeyboardInterrupt());
    });
  }

  /** Whether Ctrl-C came again, before the main task had ended. */
  get isImpatient(): boolean {
    return this.#count > 1;
  }

  /** Whether the task ended because of Ctrl-C, and of nobody else's request. */
  ended(task: Task<unknown>): boolean {
    return this.#count > 0 && task.uncancel() === 0;
  }

  stop(): void {
    this.#unsubscribe?.();
  }
}

async function cancelAllTasks(loop: EventLoop, foreignWait: number): Promise<void> {
  const tasks = allTasks(loop);
  if (tasks.size === 0) return;
  for (const task of tasks) task.cancel();
  await waitForTasks(loop, tasks, foreignWait);
  for (const task of tasks) reportLeftTask(loop, task);
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
 *
 * Follows CPython's `asyncio.run`.
 *
 * @param main an async function, a generator function, or a coroutine
 * @param options `debug`: debug mode on or off; `loopFactory`: makes the loop; `signal`: cancels the main task; `name`: of the main task
 * @returns a promise of what `main` returns
 * @throws {ValueError} (as a rejection) when `main` is no coroutine
 * @throws {RuntimeError} (as a rejection) when a running loop calls it
 * @throws {KeyboardInterrupt} (as a rejection) after Ctrl-C
 * @example
 * await run(async () => {
 *   await sleep(1);
 *   console.log('hello');
 * });
 */
export async function run<T>(main: CoroutineLike<T>, options: RunnerOptions & RunOptions = {}): Promise<T> {
  if (typeof main !== 'function' && !iscoroutine(main)) throw notACoroutine(main);
  if (runningLoop() !== null) {
    throw new RuntimeError('asyncio.run() cannot be called from a running event loop: await the coroutine instead', {
      code: 'LOOP_RUNNING',
    });
  }
  const runner = new Runner(options);
  try {
    return await runner.run(main, options);
  } finally {
    await runner.close();
  }
}
