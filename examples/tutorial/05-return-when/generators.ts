// `wait` returns when all are done, when the first one is, or when the first one has failed.

import * as asyncio from 'asyncio-ts';

function* quick(): asyncio.Coroutine<void> {
  yield* asyncio.sleep(1);
}

function* failing(): asyncio.Coroutine<void> {
  yield* asyncio.sleep(2);
  throw new Error('failed after 2 s');
}

function* slow(): asyncio.Coroutine<void> {
  yield* asyncio.sleep(3);
}

interface Names {
  done: string[];
  pending: string[];
}

const names = (tasks: Set<asyncio.Task<void>>) => [...tasks].map((task) => task.getName());

function* waitUntil(returnWhen: asyncio.ReturnWhen): asyncio.Coroutine<Names> {
  const tasks = [quick, failing, slow].map((fn) => asyncio.createTask(fn(), { name: fn.name }));
  const { done, pending } = yield* asyncio.wait(tasks, { returnWhen });
  console.log(`${returnWhen}: done ${names(done)}; pending ${names(pending)}`);
  // The other tasks would continue to run. The code that starts tasks should end them and look at their errors.
  for (const task of pending) task.cancel();
  yield* asyncio.gather(tasks, { returnExceptions: true });
  return { done: names(done), pending: names(pending) };
}

/** 1 s. */
export function* firstCompleted(): asyncio.Coroutine<Names> {
  return yield* waitUntil(asyncio.FIRST_COMPLETED);
}

/** 2 s. */
export function* firstException(): asyncio.Coroutine<Names> {
  return yield* waitUntil(asyncio.FIRST_EXCEPTION);
}

/** 3 s. */
export function* allCompleted(): asyncio.Coroutine<Names> {
  return yield* waitUntil(asyncio.ALL_COMPLETED);
}

export function* main(): asyncio.Coroutine<void> {
  yield* firstCompleted();
  yield* firstException();
  yield* allCompleted();
}
