// `ensureFuture` makes a future of whatever can be awaited; `createTask` is `loop.createTask` of the running loop.

import * as asyncio from 'asyncio-ts';

async function do1() {
  await asyncio.sleep(1);
  return 'do1';
}

/** An awaitable object: what `await` calls is its `then`. */
class Parcel implements PromiseLike<string> {
  then<R1 = string, R2 = never>(
    onFulfilled?: ((value: string) => R1 | PromiseLike<R1>) | null,
    onRejected?: ((error: unknown) => R2 | PromiseLike<R2>) | null,
  ): PromiseLike<R1 | R2> {
    return asyncio.sleep(1, 'a parcel').then(onFulfilled, onRejected);
  }
}

/** 1 s. */
export async function main(): Promise<string[]> {
  const loop = asyncio.getRunningLoop();
  const future = loop.createFuture<string>();
  loop.callLater(1, () => future.setResult('a future'));

  const ofCoroutine = asyncio.ensureFuture(do1);
  const ofFuture = asyncio.ensureFuture(future);
  const ofObject = asyncio.ensureFuture(new Parcel());

  // In both cases the loop's task factory makes the task.
  const made: string[] = [];
  loop.setTaskFactory((loop, coro, options) => {
    made.push(String(options.name));
    return new asyncio.Task(coro, { ...options, loop });
  });
  const tasks = [asyncio.createTask(do1, { name: 'createTask' }), loop.createTask(do1, { name: 'loop.createTask' })];

  const log = [
    `a coroutine: ${ofCoroutine instanceof asyncio.Task ? 'a task' : 'no task'}, ${await ofCoroutine}`,
    `a future: ${ofFuture === future ? 'the same' : 'another'}, ${await ofFuture}`,
    `an object: ${asyncio.isfuture(ofObject) ? 'a future' : 'no future'}, ${await ofObject}`,
    `made by the factory: ${made.join(', ')}`,
    `their results: ${(await asyncio.gather(tasks)).join(', ')}`,
  ];
  console.log(log.join('\n'));
  return log;
}
