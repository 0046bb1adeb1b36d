import { gather, getRunningLoop, run, TimeoutError, timeout } from 'asyncio-ts';
import { TokenBucket } from './token-bucket.ts';

await run(async () => {
  const bucket = new TokenBucket(50, 10); // 50 requests per second, 10 of them at once
  const loop = getRunningLoop();
  const began = loop.time();
  const send = async (number: number): Promise<number> => {
    await bucket.take();
    return number; // the request goes here
  };
  const sent = await gather(Array.from({ length: 20 }, (_, number) => () => send(number)));
  const seconds = loop.time() - began;
  console.log(sent.length, seconds >= 0.19); // 20 true

  // A caller that cannot wait long sets a deadline.
  const slow = new TokenBucket(0.1, 1);
  await slow.take();
  try {
    await timeout(0.1, () => slow.take());
  } catch (error) {
    console.log(error instanceof TimeoutError); // true
  }
});
