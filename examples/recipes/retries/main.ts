import { run, sleep, TimeoutError, timeout } from 'asyncio-ts';
import { retry } from './retry.ts';

let calls = 0;

async function price(): Promise<number> {
  calls++;
  await sleep(calls === 1 ? 60 : 0.01); // the first call is far too slow
  if (calls < 4) throw new Error('503 Service Unavailable');
  return 42;
}

await run(async () => {
  // Thirty seconds for all attempts together, half a second for each.
  const value = await timeout(30, () => retry(() => timeout(0.5, price), { first: 0.02 }));
  console.log(value, calls); // 42 4

  // An error that will not go away is not worth a second attempt.
  const retryIf = (error: unknown): boolean => !(error instanceof RangeError);
  const wrong = async (): Promise<never> => {
    calls++;
    throw new RangeError('404 Not Found');
  };
  console.log(await retry(wrong, { retryIf }).catch(String), calls); // RangeError: 404 Not Found 5

  // The deadline of all of them ends it, whatever it is doing.
  try {
    await timeout(0.2, () => retry(() => sleep(60)));
  } catch (error) {
    console.log(error instanceof TimeoutError); // true
  }
});
