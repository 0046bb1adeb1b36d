/** What the kernel gives to programs. */

export { Context, ContextVar, copyContext, type Token } from './context.ts';
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
export { getRunningLoop } from './current.ts';
export {
  EventLoop,
  type EventLoopOptions,
  type ExceptionContext,
  type ExceptionHandler,
  type TaskFactory,
} from './event-loop.ts';
export type { Executor, ExecutorJob } from './executor.ts';
export { type DoneCallback, Future, isfuture } from './future.ts';
export { type Callback, Handle, TimerHandle } from './handle.ts';
export { type AbortSignalLike, type Host, type Logger, logger, type PlatformAbortSignal, RuntimeHost } from './host.ts';
export { addInstrument, type Instrument } from './instruments.ts';
export { allTasks, currentTask, getEventLoop, newEventLoop, setEventLoop } from './loops.ts';
export type { Registry, TaskReport } from './registry.ts';
export { Runner, type RunnerOptions, type RunOptions, run } from './runner.ts';
export { type CancelRequest, Task, type TaskOptions } from './task.ts';
export { type WrapPromiseOptions, wrapPromise } from './wrap-promise.ts';
