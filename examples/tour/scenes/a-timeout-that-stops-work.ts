import { createTask, sleep, timeout } from 'asyncio-ts';

export const title = 'A timeout that stops the work';
export const caption = 'At the deadline the search is cancelled: its finally runs, nothing goes on.';
export const output = ['page 1', 'page 2', 'search closed', 'timed out after 0.8 s'];
export const seconds = 1.1;

// [code]
async function search() {
  try {
    for (let page = 1; ; page++) await read(page);
  } finally {
    console.log('search closed');
  }
}

export async function main() {
  await timeout(0.8, () => createTask(search)).catch(tell);
  await sleep(0.3); // no further page comes
}
// [/code]

async function read(page: number): Promise<void> {
  await sleep(0.3);
  console.log(`page ${page}`);
}

function tell(error: Error): void {
  console.log(error.message);
}
