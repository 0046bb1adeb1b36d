import { wrapPromise } from 'asyncio-ts';

if ((await wrapPromise(Promise.resolve(6))) !== 6) throw new Error('the result is that of the promise');
