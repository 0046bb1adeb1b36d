import { isCancelledError, KeyboardInterrupt, RuntimeError, withStack } from '../errors/errors.ts';
import type { Duration } from '../internal/duration.ts';
import { checkCallback, checkOptions } from '../internal/options.ts';
import type { AwaitableLike, CoroutineLike } from './coroutine.ts';
import { reportLines } from './debug-awaits.ts';
import { type Context, copyContext } from './engine/context.ts';
import { isOfLine } from './engine/pending-await.ts';
import { nameOf } from './engine/request.ts';
import type { Scope } from './engine/roles.ts';
import { hasLines } from './engine/scope.ts';
import { mainCoroutine } from './ensure.ts';
import { EventLoop, type OnUnretrieved, UNRETRIEVED_AFTER } from './event-loop.ts';
import { allTasks, lendThread } from './loops.ts';
import { type AbortSignalLike, afterMicrotasks, exitWithCode } from './runtime/platform.ts';
import { cancelLines, cancelTasks, cleanUpsOf, taskOf } from './scopes.ts';
import { tellLasting } from './stuck-runs.ts';
import { isDetached, type Task } from './task.ts';
import { runningLoop } from './thread-loop.ts';

/** How long the default executor may take to end, in seconds. */
const EXECUTOR_SHUTDOWN_TIMEOUT = 300;

/** How long to wait for tasks that wait for foreign promises, in seconds: they cannot be forced to end. */
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
   * How long an error may stay unretrieved before it is reported, in seconds or named units; `0` is the next macrotask,
   * `null` is when CPython reports it. When absent, the setting of the loop from `loopFactory`, otherwise half a
   * second.
   */
  readonly unretrievedAfter?: Duration | null | undefined;
  /**
   * The signals of the process that end a run as Ctrl-C does: services usually need `['SIGINT', 'SIGTERM']`. The first
   * signal cancels the main task; after the next one, of either kind, the run does not wait for it. The run rejects
   * with a `KeyboardInterrupt` that names the signal. If it is not caught, the process ends with exit code 130 or 143.
   * When absent, only Ctrl-C, unless the program listens to it itself; `[]` is none.
   */
  readonly signals?: readonly string[] | undefined;
  /**
   * `false`: a run that cannot end, because nothing is left that could wake its tasks, is not reported. See
   * `EventLoop.reportPending`.
   */
  readonly reportPending?: boolean | undefined;
  /**
   * Whether such an error is reported to the exception handler, or raised like an unhandled rejection, which ends a
   * process.
   */
  readonly unretrieved?: OnUnretrieved | undefined;
}

/** Options of one run. */
export interface RunOptions {
  /** The context of the main task; the runner's own when absent. */
  readonly context?: Context | null | undefined;
  /** The name of the main task. */
  readonly name?: string | undefined;
  /** Cancels the main task when it is aborted; the `cause` of the error is then the signal's reason. */
  readonly signal?: AbortSignalLike | undefined;
}

const RUNNER_OPTIONS = ['debug', 'loopFactory', 'unretrievedAfter', 'unretrieved', 'signals', 'reportPending'] as const;
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
    checkCallback('Runner: loopFactory', options.loopFactory);
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
    const { unretrievedAfter, unretrieved, reportPending } = this.#options;
    if (this.#debug !== null) loop.setDebug(this.#debug);
    if (unretrievedAfter !== undefined) loop.unretrievedAfter = unretrievedAfter;
    // An object that is used in place of a loop does not have it.
    else loop._defaultUnretrievedAfter?.(UNRETRIEVED_AFTER);
    if (unretrieved !== undefined) loop.unretrieved = unretrieved;
    if (reportPending !== undefined) loop.reportPending = reportPending;
  }

  /**
   * Runs a coroutine as the main task, or waits for another awaitable in it: a future or task of the runner's loop, a
   * promise, an object whose iterator yields futures. Ctrl-C cancels it. When the main task has ended because of that,
   * the promise rejects with a `KeyboardInterrupt`. After a second Ctrl-C, this does not wait for the main task.
   *
   * @param main an async function, a generator function, or an awaitable. The work of a promise has begun outside the
   * loop, so it is only waited for; debug mode reports this
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
    loop._checkCanRun(); // check this before making a task, which would otherwise begin
    const { context, name, signal } = options;
    const task = loop.createTask<T>(mainCoroutine(main, loop, 'run'), {
      context: context ?? this.#context,
      name,
      signal,
    });
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
   * Cancels the remaining tasks and waits for them, reports their errors, waits for the default executor, and closes
   * the loop. Closing it twice has no effect.
   *
   * After Ctrl-C it continues to its end, and then rejects. A second Ctrl-C ends it: remaining tasks are not waited for
   * any more. A Ctrl-C during the last run counts as the first one.
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
      await runPart(loop, 'shutdownAsyncgens', loop.shutdownAsyncgens());
      await runPart(loop, 'shutdownDefaultExecutor', loop.shutdownDefaultExecutor(EXECUTOR_SHUTDOWN_TIMEOUT));
      await cancelLateLines(loop);
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

/** Runs one part of the end of a run as a task, with a name by which tools can distinguish it from the program. */
function runPart(loop: EventLoop, name: string, part: CoroutineLike<void>): Promise<void> {
  return loop.runUntilComplete(loop.createTask(part, { name }));
}

/**
 * Handles Ctrl-C, or another signal, while a loop runs: the first signal may be handled by `first`; any later one ends
 * the run of the loop at once.
 */
class Interrupts {
  /** The signals that were received, in order. */
  readonly came: string[];
  readonly #before: number;
  readonly #first: () => boolean;
  readonly #loop: EventLoop;
  readonly #unsubscribe: (() => void)[] = [];

  /**
   * @param signals the names of the signals to handle; when absent, only Ctrl-C, if the program does not listen to it
   * itself
   * @param before signals that were received before
   * @param first called for the first signal; returns whether there was something to do
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

  /** The error that ends the run, with the name of the first signal. */
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

/**
 * How many microtasks lines get to reach their next wait: enough for a few dozen async functions that return each
 * other's promises.
 */
const ARRIVAL = 100;

/**
 * Lets lines that run in microtasks now (they await what is done already) reach their next wait, so that they are
 * cancelled with the others. If such a line reached it in the step of a line that has just received its request, it
 * would be taken for that line, which is cleaning up, and would be waited for without being cancelled. Microtasks only:
 * during a macrotask a virtual clock could advance to the next timer.
 */
async function letLinesArrive(): Promise<void> {
  for (let i = 0; i < ARRIVAL; i++) await null;
}

async function cancelAllTasks(loop: EventLoop, foreignWait: number): Promise<void> {
  await letLinesArrive();
  const tasks = allTasks(loop);
  const lines = [...loop._linesLeft];
  if (tasks.size === 0 && lines.length === 0) return;
  const cleaningUp = new Set(lines.flatMap(cleanUpsOf));
  cancelTasks([...tasks].filter((task) => !cleaningUp.has(task)));
  for (const root of lines) cancelLeftLines(root);
  if (tasks.size > 0) await waitForTasks(loop, tasks, foreignWait);
  for (const task of tasks) reportLeftTask(loop, task);
  await waitForLines(loop);
}

/**
 * Ends functions that a task has started and not awaited, and that still run after its end. They are reported once,
 * because no other code sees their end.
 */
function cancelLeftLines(root: Scope): void {
  reportLines(root, `The end of run() has cancelled what ${nameOf(taskOf(root))} had left behind`);
  cancelLines(root, 'the end of run()');
}

/**
 * Cancels lines that were between two awaits when the others were cancelled, and wait now, because nothing else would
 * end those waits. A task that such a line waits for was made for that await, and ends with it. Lines that come back
 * late, when all their scopes are lost, get the request at their first await; what they await afterwards, to clean up,
 * is waited for.
 */
async function cancelLateLines(loop: EventLoop): Promise<void> {
  for (;;) {
    const late = [...loop._linesLeft].filter(hasLines);
    const cleanUps = new Set([...allTasks(loop)].filter((task) => isOfLine(task) && !isDetached(task)));
    if (late.length === 0 && cleanUps.size === 0) return;
    await letLinesArrive();
    for (const root of late) cancelLeftLines(root);
    // Their lines go on in the microtasks after them, and need the loop for that.
    if (cleanUps.size > 0) await waitForTasks(loop, cleanUps, FOREIGN_WAIT, afterMicrotasks);
    await waitForLines(loop);
  }
}

/**
 * Waits for lines to clean up, however long they take, as for tasks. Lines that wait for foreign promises are not
 * waited for.
 */
async function waitForLines(loop: EventLoop): Promise<void> {
  const isOver = (): boolean => ![...loop._linesLeft].some(hasLines);
  if (isOver()) return;
  const over = loop.createFuture<void>();
  const finish = (): void => {
    if (!over.done()) over.setResult(undefined);
  };
  let isLooking = false;
  // A line that has ended its wait may begin another one in the same segment.
  const look = (): void => {
    isLooking = false;
    if (isOver()) finish();
  };
  loop._onLineStepped = () => {
    if (!isLooking) afterMicrotasks(look);
    isLooking = true;
  };
  await loop.runUntilComplete(over);
  loop._onLineStepped = null;
}

/**
 * Waits until all tasks are done, or until the remaining ones wait for foreign promises and the time limit has passed.
 * @param foreignWait the time limit, in seconds
 * @param then calls `finish` when the tasks are done; at once when absent
 */
async function waitForTasks(
  loop: EventLoop,
  tasks: ReadonlySet<Task<unknown>>,
  foreignWait: number,
  then: (finish: () => void) => void = (finish) => finish(),
): Promise<void> {
  const over = loop.createFuture<void>();
  const finish = (): void => {
    if (!over.done()) over.setResult(undefined);
  };
  let left = tasks.size;
  for (const task of tasks) {
    task.addDoneCallback(() => {
      if (--left === 0) then(finish);
    });
  }
  const giveUp = (): void => {
    if ([...tasks].every((task) => task.done() || isDetached(task))) finish();
    else {
      tellLasting(loop);
      timer = loop.callLater(foreignWait, giveUp);
    }
  };
  let timer = loop.callLater(foreignWait, giveUp);
  await loop.runUntilComplete(over);
  timer.cancel();
}

function reportLeftTask(loop: EventLoop, task: Task<unknown>): void {
  if (!task.done()) {
    loop.callExceptionHandler({
      message: 'Task was destroyed but it is pending! It waits for a promise that this library did not make',
      task,
    });
  } else if (!task.cancelled()) {
    const exception = task.exception();
    if (exception !== null)
      loop.callExceptionHandler({ message: 'unhandled exception during asyncio.run() shutdown', exception, task });
  }
}

/**
 * Runs a program: makes a loop, runs `main` as its main task, and cleans up, whatever happens. Programs start with it.
 *
 * **Cancellation**: Ctrl-C and `options.signal` cancel the main task; remaining tasks are cancelled and waited for. A
 * second Ctrl-C ends the wait for the main task, and a third one the wait for the others. When the first one comes
 * during the clean-up, the clean-up goes on to its end, unless a second one ends it.
 *
 * Follows CPython's `asyncio.run`.
 *
 * @param main an async function, a generator function, or an awaitable. `run(main())` would start the function outside
 * the loop, so that its promise is only waited for; debug mode reports this
 * @param options `debug`: debug mode on or off; `loopFactory`: makes the loop; `signal`: cancels the main task; `name`:
 * of the main task; `signals`: the signals that end the run; `reportPending`: whether a run that cannot end is
 * reported; `unretrievedAfter`, `unretrieved`: when and how errors that were not retrieved are reported
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
    throw new RuntimeError(
      'asyncio.run() cannot be called from a running event loop: await the coroutine instead; write await main()',
      {
        code: 'LOOP_RUNNING',
      },
    );
  }
  checkOptions('run', options, [...RUNNER_OPTIONS, ...RUN_OPTIONS], false);
  const { context, name, signal, ...others } = options;
  const runner = new Runner(others);
  let result: T;
  try {
    result = await runner.run(main, { context, name, signal });
  } catch (error) {
    await runner.close().catch((interrupt: unknown) => {
      // Like `__context__` in Python: the error that the interrupt replaces.
      if (interrupt instanceof KeyboardInterrupt) interrupt.cause = error;
      throw interrupt;
    });
    throw error;
  }
  await runner.close();
  return result;
}
