import { createTask, gather, run, sleep, TimeoutError, timeout } from 'asyncio-ts';
import { cached } from './cached.ts';

let asked = 0;

const rate = cached(async (currency: string) => {
  asked++;
  await sleep(0.1); // asks the bank
  return currency === 'EUR' ? 1 : 1.09;
}, 0.5);

await run(async () => {
  // Three callers, one question. The first one cannot wait, which does not concern the others.
  const impatient = createTask(async () => await timeout(0.02, () => rate('USD')));
  console.log(await gather(rate('USD'), rate('USD')), asked); // [ 1.09, 1.09 ] 1
  const error = await impatient.catch((reason: unknown) => reason);
  console.log(error instanceof TimeoutError); // true
  await rate('USD');
  console.log(asked); // 1
  await sleep(0.6);
  await rate('USD');
  console.log(asked); // 2
});
