// `ensureFuture` makes a future of whatever can be awaited; `createTask` is `loop.createTask` of the running loop.

import * as asyncio from 'asyncio-ts';

function* do1(): asyncio.Coroutine<string> {
  yield* asyncio.sleep(1);
  return 'do1';
}

/** An awaitable object: what `yield*` calls is its iterator. */
class Parcel {
  *[Symbol.iterator](): asyncio.Coroutine<string> {
    return yield* asyncio.sleep(1, 'a parcel');
  }
}

/** 1 s. */
export function* main(): asyncio.Coroutine<string[]> {
  const loop = asyncio.getRunningLoop();
  const future = loop.createFuture<string>();
  loop.callLater(1, () => future.setResult('a future'));

  const ofCoroutine = asyncio.ensureFuture(do1());
  const ofFuture = asyncio.ensureFuture(future);
  const ofObject = asyncio.ensureFuture(new Parcel());

  // In both cases the loop's task factory makes the task.
  const made: string[] = [];
  loop.setTaskFactory((loop, coro, options) => {
    made.push(String(options.name));
    return new asyncio.Task(coro, { ...options, loop });
  });
  const tasks = [
    asyncio.createTask(do1(), { name: 'createTask' }),
    loop.createTask(do1(), { name: 'loop.createTask' }),
  ];

  const log = [
    `a coroutine: ${ofCoroutine instanceof asyncio.Task ? 'a task' : 'no task'}, ${yield* ofCoroutine}`,
    `a future: ${ofFuture === future ? 'the same' : 'another'}, ${yield* ofFuture}`,
    `an object: ${asyncio.isfuture(ofObject) ? 'a future' : 'no future'}, ${yield* ofObject}`,
    `made by the factory: ${made.join(', ')}`,
    `their results: ${(yield* asyncio.gather(tasks)).join(', ')}`,
  ];
  console.log(log.join('\n'));
  return log;
}
