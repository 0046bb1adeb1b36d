import { Queue } from 'asyncio-ts';

const queue = new Queue<number>();
setTimeout(() => queue.putNowait(5));
if ((await queue.get()) !== 5) throw new Error('get() waits for the item');
