// `wait` returns when all are done, when the first one is, or when the first one has failed.

import * as asyncio from 'asyncio-ts';

async function quick() {
  await asyncio.sleep(1);
}

async function failing() {
  await asyncio.sleep(2);
  throw new Error('failed after 2 s');
}

async function slow() {
  await asyncio.sleep(3);
}

interface Names {
  done: string[];
  pending: string[];
}

const names = (tasks: Set<asyncio.Task<void>>) => [...tasks].map((task) => task.getName());

async function waitUntil(returnWhen: asyncio.ReturnWhen): Promise<Names> {
  const tasks = [quick, failing, slow].map((fn) => asyncio.createTask(fn, { name: fn.name }));
  const { done, pending } = await asyncio.wait(tasks, { returnWhen });
  console.log(`${returnWhen}: done ${names(done)}; pending ${names(pending)}`);
  // The other tasks would continue to run. The code that starts tasks should end them and look at their errors.
  for (const task of pending) task.cancel();
  await asyncio.gather(tasks, { returnExceptions: true });
  return { done: names(done), pending: names(pending) };
}

/** 1 s. */
export async function firstCompleted(): Promise<Names> {
  return await waitUntil(asyncio.FIRST_COMPLETED);
}

/** 2 s. */
export async function firstException(): Promise<Names> {
  return await waitUntil(asyncio.FIRST_EXCEPTION);
}

/** 3 s. */
export async function allCompleted(): Promise<Names> {
  return await waitUntil(asyncio.ALL_COMPLETED);
}

export async function main(): Promise<void> {
  await firstCompleted();
  await firstException();
  await allCompleted();
}
