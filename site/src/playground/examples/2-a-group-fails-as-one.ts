// One task fails: the group cancels the others, waits until they have cleaned up, and throws.
import { ExceptionGroup, run, sleep, taskGroup } from 'asyncio-ts';

async function work(name: string, seconds: number): Promise<void> {
  try {
    await sleep(seconds);
    if (name === 'b') throw new Error('b has failed');
  } finally {
    console.log(`${name} cleans up`);
    await sleep(0.5);
  }
}

await run(async () => {
  try {
    await taskGroup(async (group) => {
      group.createTask(() => work('a', 1), { name: 'a' });
      group.createTask(() => work('b', 2), { name: 'b' });
      group.createTask(() => work('c', 60), { name: 'c' });
    });
  } catch (error) {
    if (!(error instanceof ExceptionGroup)) throw error;
    console.log(error.errors.map(String).join());
  }
});
