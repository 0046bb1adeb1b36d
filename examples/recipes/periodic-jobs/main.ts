import { Event, run, taskGroup } from 'asyncio-ts';
import { every } from './every.ts';

let sweeps = 0;
const enough = new Event();

async function sweep(): Promise<void> {
  sweeps++;
  if (sweeps === 2) throw new Error('the disk is full');
  if (sweeps === 4) enough.set();
}

await run(async () => {
  await taskGroup(async (group) => {
    const report = (error: unknown) => console.log(String(error)); // Error: the disk is full
    const sweeper = group.createTask(() => every(0.05, sweep, report), { name: 'sweep' });
    await enough.wait(); // the work of the program
    sweeper.cancel(); // a group waits for its tasks, and this one has no end of its own
  });
  console.log(sweeps); // 4
});
