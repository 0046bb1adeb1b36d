import { sleep, taskGroup } from 'asyncio-ts';

export const title = 'A group that fails as one';
export const caption = 'One upload fails. The group cancels the others, waits for them, and throws.';
export const output = ['disk full', 'a.png: removed', 'c.png: removed', '1 error'];
export const seconds = 0.6;

const NAMES = ['a.png', 'b.png', 'c.png'];

// [code]
async function upload(name: string) {
  try {
    await send(name);
  } finally {
    if (name !== 'b.png') console.log(`${name}: removed`);
  }
}

export async function main() {
  await taskGroup(async (group) => {
    for (const name of NAMES) group.createTask(() => upload(name), { name });
  }).catch(tell);
}
// [/code]

async function send(name: string): Promise<void> {
  await sleep(name === 'b.png' ? 0.5 : 2);
  console.log('disk full');
  throw new Error('disk full');
}

function tell({ errors }: AggregateError): void {
  console.log(`${errors.length} error`);
}
