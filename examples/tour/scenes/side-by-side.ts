import { gather, sleep } from 'asyncio-ts';

export const title = 'Side by side';
export const caption = 'All three start at once. The tea takes longest, and so does breakfast.';
export const output = ['toast', 'eggs', 'tea'];
export const seconds = 0.9;

// [code]
async function make(what: string, seconds: number): Promise<string> {
  await sleep(seconds);
  console.log(what);
  return what;
}

export async function main() {
  return await gather(
    () => make('toast', 0.3),
    () => make('eggs', 0.6),
    () => make('tea', 0.9),
  );
}
// [/code]
