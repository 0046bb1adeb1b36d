import { run, sleep, taskGroup } from 'asyncio-ts';
import { every } from './every.ts';

let sweeps = 0;

await run(async () => {
  await taskGroup(async (group) => {
    const sweeper = group.createTask(
      () =>
        every(
          0.05,
          async () => {
            sweeps++;
            await sleep(0.01);
            if (sweeps === 2) throw new Error('the disk is full');
          },
          (error) => console.log(String(error)), // Error: the disk is full
        ),
      { name: 'sweep' },
    );
    await sleep(0.28); // the work of the program
    sweeper.cancel(); // a group waits for its tasks, and this one has no end of its own
  });
  console.log(sweeps > 2); // true
});
