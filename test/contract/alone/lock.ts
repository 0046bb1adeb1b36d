import { Lock } from 'asyncio-ts';

const lock = new Lock();
await lock.acquire();
setTimeout(() => lock.release());
await lock.acquire();
if (!lock.locked()) throw new Error('acquire() waits for the lock');
