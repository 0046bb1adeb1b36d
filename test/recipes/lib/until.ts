import { sleep } from 'asyncio-ts';

/** Looks again and again whether something of another program has come true, for at most ten seconds. */
export async function until(what: string, isTrue: () => Promise<boolean> | boolean): Promise<void> {
  for (let attempt = 0; attempt < 500; attempt++) {
    if (await isTrue()) return;
    await sleep(0.02);
  }
  throw new Error(`${what}: it has not come true within ten seconds`);
}
