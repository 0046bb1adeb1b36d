import { asyncTest } from 'asyncio-ts/jest';

asyncTest.only('is the only one of its file', async () => {});

asyncTest('fails as well, and is skipped', async () => {
  throw new Error('it was run');
});
