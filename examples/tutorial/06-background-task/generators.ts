// A task to which the program keeps no reference runs to its end: the loop holds it, so it is not garbage collected.

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import * as asyncio from 'asyncio-ts';

setFlagsFromString('--expose-gc');
const collectGarbage: () => void = runInNewContext('gc');

/** 1 s. */
export function* main(): asyncio.Coroutine<string[]> {
  const log: string[] = [];
  let signal: WeakRef<asyncio.Future<void>> | undefined;

  function* background(): asyncio.Coroutine<void> {
    log.push('begins');
    // Only this task refers to this future, so without the loop both would be garbage collected.
    const future = new asyncio.Future<void>();
    signal = new WeakRef(future);
    yield* future;
    log.push('ends');
  }

  asyncio.createTask(background());
  for (let i = 0; i < 4; i++) {
    yield* asyncio.sleep(0.25);
    collectGarbage();
  }
  log.push(signal?.deref() === undefined ? 'was collected' : 'was kept');
  signal?.deref()?.setResult();
  yield* asyncio.sleep(0); // the task is woken in this iteration of the loop,
  yield* asyncio.sleep(0); // and has run in this one
  console.log(`the background task ${log.join(', ')}`);
  return log;
}
