// A group, and a timeout that really stops the work.
// Run it; then slow time down, or go step by step.
import { run, sleep, TimeoutError, taskGroup, timeout } from 'asyncio-ts';

async function download(name: string, seconds: number): Promise<string> {
  try {
    await sleep(seconds); // stands for the network
    return `${name} is here`;
  } finally {
    console.log(`${name}: connection closed`);
  }
}

await run(async () => {
  await taskGroup(async (group) => {
    const small = group.createTask(() => download('small.png', 1), { name: 'small.png' });
    group.createTask(
      async () => {
        try {
          console.log(await timeout(2, () => download('huge.iso', 60)));
        } catch (error) {
          if (!(error instanceof TimeoutError)) throw error;
          console.log('huge.iso took too long');
        }
      },
      { name: 'huge.iso' },
    );
    console.log(await small);
  });
});
