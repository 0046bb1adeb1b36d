import { type CoroutineFunction, type CoroutineLike, isAsyncFunction, isGeneratorFunction } from './coroutine.ts';
import { current } from './engine/current.ts';
import { LATE_NAME, type LateName, NO_ASYNC_CONTEXT } from './engine/roles.ts';
import { EventLoop } from './event-loop.ts';
import { isEmptyFrame, lookIntoContexts, newFrameWithout } from './runtime/async-frames.ts';
import { Task } from './task.ts';

/**
 * Makes the task of a handler. A server has one for each connection, so it is small: as
 * `createTask(() => handler(...args))`, but without a function around the handler, and with a name that is put together
 * when it is first read.
 *
 * A generator function is called at once, because a task of the generator is 190 bytes smaller than a task of the
 * function. That runs none of its code except the default values of its parameters, which are evaluated before there is
 * a task. If one of them throws, it may need the task: then the task calls the function.
 *
 * @param otherwise calls the handler: used when it is neither an async function nor a generator function, or when
 * calling it has thrown
 * @param name put together once, when it is first read. A task factory, and a loop whose class overrides `createTask`,
 * get the text
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

/**
 * Keeps the async context of the caller for async functions that the task's generator calls, as the task of a function
 * does.
 */
function keepAsyncContext(task: Task<unknown>): void {
  lookIntoContexts();
  const frame = newFrameWithout(current.storage);
  if (isEmptyFrame(frame)) task._marks |= NO_ASYNC_CONTEXT;
  else task._rareFields().frameOfCalls = frame;
}

function coroutineOf<A extends unknown[]>(handler: (...args: A) => unknown, args: A): CoroutineLike<unknown> | null {
  // A bound function is smaller than a closure, and can still be recognised as an async function.
  if (isAsyncFunction(handler))
    return Function.prototype.bind.call(handler, null, ...args) as CoroutineFunction<unknown>;
  if (!isGeneratorFunction(handler)) return null;
  try {
    return handler(...args) as CoroutineLike<unknown>;
  } catch {
    return null; // the default value of a parameter has thrown, perhaps because it needs the task
  }
}
