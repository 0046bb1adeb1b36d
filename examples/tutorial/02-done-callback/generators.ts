// A new loop that is run by hand. A callback gets the task's result.

import * as asyncio from 'asyncio-ts';

function* do1(): asyncio.Coroutine<string> {
  yield* asyncio.sleep(1);
  return 'do1';
}

/** 1 s. Outside of any loop only promises can be awaited, so this is an async function. */
export async function program(loop = asyncio.newEventLoop()): Promise<string[]> {
  const heard: string[] = [];
  const task = loop.createTask(do1());
  task.addDoneCallback((done) => {
    heard.push(done.result());
    console.log('the callback heard', done.result());
  });
  await loop.runUntilComplete(task);
  loop.close();
  return heard;
}

// This file has no `main`, because `asyncio run` would call it inside a loop, where no other loop may run. The equivalent of Python's
// `if __name__ == '__main__'` runs the program when the file is loaded.
if (process.argv[1] === import.meta.filename) await program();
