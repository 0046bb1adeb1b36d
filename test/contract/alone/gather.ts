import { gather } from 'asyncio-ts';

const results = await gather(
  async () => 1,
  async () => 2,
);
if (results.join() !== '1,2') throw new Error('gather() gives all results');
