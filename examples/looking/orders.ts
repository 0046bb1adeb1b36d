// A program that has come to a standstill, to be looked at: node examples/looking/orders.ts, then asyncio ps, pstree and top.

import { Lock, Queue, run, sleep, taskGroup } from 'asyncio-ts';

const orders = new Queue<string>();
const stock = new Lock();
const ledger = new Lock();

function* ship(order: string) {
  yield* stock.acquire();
  yield* sleep(0.01);
  yield* ledger.acquire();
  console.log(`${order} is shipped`);
}

function* refund(order: string) {
  const reason = { code: 7, text: 'broken' };
  yield* ledger.acquire();
  yield* sleep(0.01);
  yield* stock.acquire();
  console.log(`${order} is refunded: ${reason.text}`);
}

async function receive() {
  for (;;) console.log(await orders.get());
}

async function clock() {
  for (;;) await sleep(3600);
}

await run(async function main() {
  await taskGroup(async (group) => {
    group.createTask(receive, { name: 'receive' });
    group.createTask(ship('A1'), { name: 'ship A1' });
    group.createTask(refund('B2'), { name: 'refund B2' });
    group.createTask(clock, { name: 'clock' });
    console.log(`look at me: ${process.pid}`);
  });
});
