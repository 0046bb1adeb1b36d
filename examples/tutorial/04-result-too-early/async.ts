// Asking a task for its result before it is done throws an error.

import * as asyncio from 'asyncio-ts';

async function do1() {
  await asyncio.sleep(1);
  return 'do1';
}

/** 1 s. */
export async function main(): Promise<string[]> {
  const task = asyncio.createTask(do1);
  let tooEarly = 'no error';
  try {
    task.result();
  } catch (error) {
    if (!(error instanceof asyncio.InvalidStateError)) throw error;
    tooEarly = error.name;
    console.log(`too early: ${error}`);
  }
  await task;
  console.log('in time:', task.result());
  return [tooEarly, task.result()];
}
