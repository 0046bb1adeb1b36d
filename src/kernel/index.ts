/**
 * The part of the kernel that programs use. The other door is `lowlevel.ts`, for constructs; `runtime/` is the border
 * to the platform, `engine/` runs code, and the files beside this one have what programs hold. `docs/kernel.md` is a
 * tour.
 */

export {
  type Awaitable,
  type AwaitableCoroutine,
  type AwaitableLike,
  type Coroutine,
  type CoroutineFunction,
  type CoroutineLike,
  type CoroutineObject,
  coroutine,
  iscoroutine,
  iscoroutinefunction,
  type Outcome,
} from './coroutine.ts';
export { Context, ContextVar, copyContext, type Token } from './engine/context.ts';
export {
  EventLoop,
  type EventLoopOptions,
  type ExceptionContext,
  type ExceptionHandler,
  type OnUnretrieved,
  type TaskFactory,
} from './event-loop.ts';
export type { Executor, ExecutorJob } from './executor.ts';
export { type DoneCallback, Future, isfuture } from './future.ts';
export { type Callback, Handle, TimerHandle } from './handle.ts';
export { addInstrument, type Instrument } from './instruments.ts';
export { allTasks, currentTask, getEventLoop, type LoopOption, newEventLoop, setEventLoop } from './loops.ts';
export type { Registry, TaskReport } from './registry.ts';
export { Runner, type RunnerOptions, type RunOptions, run } from './runner.ts';
export { type Host, RuntimeHost } from './runtime/host.ts';
export { type AbortSignalLike, type Logger, logger, type PlatformAbortSignal } from './runtime/platform.ts';
export { type CancelRequest, Task, type TaskOptions } from './task.ts';
export { getRunningLoop } from './thread-loop.ts';
export type { WhyCancelled, WhyOutcome, WhyRequest } from './why.ts';
export { type WrapPromiseOptions, wrapPromise } from './wrap-promise.ts';
