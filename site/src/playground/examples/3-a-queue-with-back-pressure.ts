// A queue of two places: the producer is fast, the consumers are slow, and the producer has to wait for them.
import { Queue, run, sleep, taskGroup } from 'asyncio-ts';

await run(async () => {
  const queue = new Queue<number>(2);
  await taskGroup(async (group) => {
    group.createTask(
      async () => {
        for (let item = 1; item <= 8; item++) await queue.put(item);
        queue.shutdown();
      },
      { name: 'producer' },
    );
    for (const name of ['consumer 1', 'consumer 2']) {
      group.createTask(
        async () => {
          for await (const item of queue) {
            await sleep(0.5);
            console.log(`${name}: item ${item}`);
          }
        },
        { name },
      );
    }
  });
});
