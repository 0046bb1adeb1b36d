import { type CoroutineFunction, type CoroutineLike, isAsyncFunction, isGeneratorFunction } from './coroutine.ts';
import { current } from './engine/current.ts';
import { LATE_NAME, type LateName, NO_ASYNC_CONTEXT } from './engine/roles.ts';
import { EventLoop } from './event-loop.ts';
import { isEmptyFrame, lookIntoContexts, newFrameWithout } from './runtime/async-frames.ts';
import { Task } from './task.ts';

/**
 * Makes the task of a handler, of which a server has one for each connection: as `createTask(() => handler(...args))`, but without a function
 * around the handler, and with a name that is put together when somebody asks for it.
 *
 * A generator function is called at once, which runs none of its code but the defaults of its parameters: they are evaluated before there is
 * a task. One that throws is evaluated again in the task, which it may need. If the task called the function, each connection would take 190
 * bytes more.
 *
 * @param otherwise calls the handler, where that is neither an async function nor a generator function
 * @param name kept once it was told. A task factory, and a loop of a class that makes tasks in its own way, get it at once
 */
export function createHandlerTask<A extends unknown[]>(
  loop: EventLoop,
  handler: (...args: A) => unknown,
  args: A,
  otherwise: CoroutineFunction<unknown>,
  name: LateName,
): Task<unknown> {
  const isOurs = loop.getTaskFactory() === null && loop.createTask === EventLoop.prototype.createTask;
  const coroutine = coroutineOf(handler, args) ?? otherwise;
  const task = loop.createTask(coroutine, { name: isOurs ? (name as never) : name[LATE_NAME]() });
  if (typeof coroutine !== 'function' && task instanceof Task) keepAsyncContext(task);
  return task;
}

/** Keeps the async context of who makes the task for async functions that its generator calls, as for a task of a function. */
function keepAsyncContext(task: Task<unknown>): void {
  lookIntoContexts();
  const frame = newFrameWithout(current.storage);
  if (isEmptyFrame(frame)) task._marks |= NO_ASYNC_CONTEXT;
  else task._rareFields().frameOfCalls = frame;
}

function coroutineOf<A extends unknown[]>(handler: (...args: A) => unknown, args: A): CoroutineLike<unknown> | null {
  // Binding makes a smaller object than a function around it would be, and what is bound is still known as an async function.
  if (isAsyncFunction(handler))
    return Function.prototype.bind.call(handler, null, ...args) as CoroutineFunction<unknown>;
  if (!isGeneratorFunction(handler)) return null;
  try {
    return handler(...args) as CoroutineLike<unknown>;
  } catch {
    return null; // a default of a parameter has thrown: perhaps because it needs the task
  }
}
