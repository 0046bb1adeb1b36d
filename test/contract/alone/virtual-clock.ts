import { VirtualClock } from 'asyncio-ts/testing';

const clock = new VirtualClock();
const task = clock.start(async () => 7);
await clock.advance(1);
if (task.result() !== 7 || clock.time() !== 1) throw new Error('a task of the clock runs, and the clock moves');
await clock.close();
