import { createTask, sleep } from 'asyncio-ts';

export const title = 'A download that is cancelled and cleans up';
export const caption = 'cancel() ends it where it waits. Its clean-up may wait, and is waited for.';
export const output = ['part 1', 'part 2', 'deleting the file', 'deleted', 'the user has left'];
export const seconds = 1;

// [code]
async function download() {
  try {
    for (let part = 1; ; part++) await save(part);
  } finally {
    await deleteFile();
  }
}

export async function main() {
  const task = createTask(download);
  await sleep(0.7);
  task.cancel('the user has left');
  await task.catch(tell);
}
// [/code]

async function save(part: number): Promise<void> {
  await sleep(0.3);
  console.log(`part ${part}`);
}

async function deleteFile(): Promise<void> {
  console.log('deleting the file');
  await sleep(0.3);
  console.log('deleted');
}

function tell(error: Error): void {
  console.log(error.message);
}
