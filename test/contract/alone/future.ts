import { Future } from 'asyncio-ts';

const future = new Future<number>();
setTimeout(() => future.setResult(3));
if ((await future) !== 3) throw new Error('a future gives its result');
