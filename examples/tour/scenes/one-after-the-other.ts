import { sleep } from 'asyncio-ts';

export const title = 'One after the other';
export const caption = 'The same breakfast with an await for each: one task, which waits three times.';
export const output = ['toast', 'eggs', 'tea'];
export const seconds = 1.2;

// [code]
async function make(what: string, seconds: number): Promise<string> {
  await sleep(seconds);
  console.log(what);
  return what;
}

export async function main() {
  await make('toast', 0.2);
  await make('eggs', 0.4);
  return await make('tea', 0.6);
}
// [/code]
