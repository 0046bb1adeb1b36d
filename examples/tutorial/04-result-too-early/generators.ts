// Asking a task for its result before it is done throws an error.

import * as asyncio from 'asyncio-ts';

function* do1(): asyncio.Coroutine<string> {
  yield* asyncio.sleep(1);
  return 'do1';
}

/** 1 s. */
export function* main(): asyncio.Coroutine<string[]> {
  const task = asyncio.createTask(do1());
  let tooEarly = 'no error';
  try {
    task.result();
  } catch (error) {
    if (!(error instanceof asyncio.InvalidStateError)) throw error;
    tooEarly = error.name;
    console.log(`too early: ${error}`);
  }
  yield* task;
  console.log('in time:', task.result());
  return [tooEarly, task.result()];
}
