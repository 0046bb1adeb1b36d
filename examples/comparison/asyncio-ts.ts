import { mapConcurrent, run, sleep, TimeoutError, timeout } from 'asyncio-ts';

async function ask(site: string, seconds: number): Promise<string> {
  try {
    await sleep(seconds);
    return `${site} answers`;
  } finally {
    console.log(`${site}: closed`);
  }
}

async function check([site, seconds]: readonly [string, number]): Promise<string> {
  try {
    return await timeout(1, () => ask(site, seconds));
  } catch (error) {
    if (!(error instanceof TimeoutError)) throw error;
    return `${site} is too slow`;
  }
}

const sites = [
  ['a', 0.1],
  ['b', 60],
  ['c', 0.1],
] as const;
await run(async () => {
  const answers = await mapConcurrent(sites, check, { limit: 2 });
  console.log(answers.join(', '));
});
