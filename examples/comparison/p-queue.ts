import { setTimeout } from 'node:timers/promises';
import PQueue from 'p-queue';

async function ask(site: string, seconds: number, signal: AbortSignal): Promise<string> {
  try {
    await setTimeout(seconds * 1_000, undefined, { signal });
    return `${site} answers`;
  } finally {
    console.log(`${site}: closed`);
  }
}

async function check([site, seconds]: readonly [string, number]): Promise<string> {
  // The option `timeout` of the queue would end the wait, and not the work.
  const signal = AbortSignal.timeout(1_000);
  try {
    return await ask(site, seconds, signal);
  } catch (error) {
    if (!signal.aborted) throw error;
    return `${site} is too slow`;
  }
}

const sites = [
  ['a', 0.1],
  ['b', 60],
  ['c', 0.1],
] as const;
const queue = new PQueue({ concurrency: 2 });
const answers = await queue.addAll(sites.map((site) => () => check(site)));
console.log(answers.join(', '));
