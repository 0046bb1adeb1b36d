// Two tasks wait for each other's lock. In simulated time a standstill ends at once, with the reason.
import { Lock, sleep, taskGroup } from 'asyncio-ts';
import { runVirtual } from 'asyncio-ts/testing';

const left = new Lock();
const right = new Lock();

async function takeBoth(first: Lock, second: Lock): Promise<void> {
  using _first = await first.acquire();
  await sleep(1);
  using _second = await second.acquire();
}

await runVirtual(async () => {
  await taskGroup(async (group) => {
    group.createTask(() => takeBoth(left, right), { name: 'left-handed' });
    group.createTask(() => takeBoth(right, left), { name: 'right-handed' });
  });
});
