// A module that awaits, at its top level, what nothing can end: Node ends the process with exit code 13.

import { createTask, Event } from 'asyncio-ts';
import 'asyncio-ts/inspect';

const configured = new Event();

async function serve(): Promise<void> {
  await configured.wait(); // nothing ever sets it
}

await createTask(serve);
