import { setTimeout } from 'node:timers/promises';

async function ask(site: string, seconds: number, signal: AbortSignal): Promise<string> {
  try {
    await setTimeout(seconds * 1_000, undefined, { signal });
    return `${site} answers`;
  } finally {
    console.log(`${site}: closed`);
  }
}

async function check(site: string, seconds: number, whole: AbortSignal): Promise<string> {
  const deadline = AbortSignal.timeout(1_000);
  try {
    return await ask(site, seconds, AbortSignal.any([deadline, whole]));
  } catch (error) {
    if (!deadline.aborted || whole.aborted) throw error;
    return `${site} is too slow`;
  }
}

const sites = [
  ['a', 0.1],
  ['b', 60],
  ['c', 0.1],
] as const;
const controller = new AbortController();
const answers: string[] = [];
const rest = sites.entries();

async function worker(): Promise<void> {
  try {
    for (const [index, [site, seconds]] of rest) answers[index] = await check(site, seconds, controller.signal);
  } catch (error) {
    controller.abort(error); // or the other worker would go on
    throw error;
  }
}

const outcomes = await Promise.allSettled([worker(), worker()]); // `all` would not wait for the clean-up of the other one
const failed = outcomes.find((outcome) => outcome.status === 'rejected');
if (failed !== undefined) throw failed.reason;
console.log(answers.join(', '));
