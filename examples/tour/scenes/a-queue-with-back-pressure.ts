import { gather, Queue, sleep } from 'asyncio-ts';

export const title = 'A queue with back-pressure';
export const caption = 'There is room for two: the producer waits in put() until one was taken.';
export const output = ['put 1', 'put 2', 'put 3', 'got 1', 'put 4', 'got 2', 'got 3', 'got 4'];
export const seconds = 1.2;

const queue = new Queue<number>(2);

// [code]
async function produce() {
  for (const n of [1, 2, 3, 4]) {
    await queue.put(n);
    console.log(`put ${n}`);
  }
}

async function consume() {
  for (let n = 0; n < 4; ) {
    n = await queue.get();
    await sleep(0.3);
    console.log(`got ${n}`);
  }
}
// [/code]

export async function main(): Promise<void> {
  await gather(produce, consume);
}
