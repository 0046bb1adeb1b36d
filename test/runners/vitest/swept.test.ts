import { Lock, sleep } from 'asyncio-ts';
import { asyncTest } from 'asyncio-ts/vitest';

asyncTest('passes, and copes with each cancellation', async () => {
  const lock = new Lock();
  using _ = await lock.acquire();
  await sleep(1);
});

asyncTest('passes, unless it is swept', async () => {
  const lock = new Lock();
  await lock.acquire();
  await sleep(1);
  lock.release();
});
