// What a program may do at the top level of a module in the main thread, where no task runs: the thread's loop turns by itself.
import { createTask, ensureFuture, gather, getEventLoop, sleep, TimeoutError, wait, waitFor } from 'asyncio-ts';

function* generator(name: string) {
  yield* sleep(0.001);
  return name;
}

async function asynchronous(name: string): Promise<string> {
  await sleep(0.001);
  return name;
}

const slept = await sleep(0.001, 'slept');

const task = createTask(() => asynchronous('task'));
const other = createTask(generator('other'));
const results = [await task, await other];

const gathered = await gather(
  () => generator('g'),
  () => asynchronous('a'),
);

const { done } = await wait([createTask(() => generator('x')), ensureFuture(() => asynchronous('y'))]);

let late = 'in time';
try {
  await waitFor(sleep(20), 0.005);
} catch (error) {
  late = error instanceof TimeoutError ? 'late' : String(error);
}

export const found = { slept, results, gathered, done: done.size, late };
export const loop = getEventLoop();
