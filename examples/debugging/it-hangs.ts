// Two tasks take two locks, each in its own order: this program never ends. Importing asyncio-ts/inspect draws the report as a tree.

import { gather, Lock, run, sleep } from 'asyncio-ts';
import 'asyncio-ts/inspect';

const accounts = new Lock();
const journal = new Lock();

async function transfer(): Promise<void> {
  using _ = await accounts.acquire();
  await sleep(0.01);
  using __ = await journal.acquire();
}

async function audit(): Promise<void> {
  using _ = await journal.acquire();
  await sleep(0.01);
  using __ = await accounts.acquire();
}

await run(async function main() {
  await gather(transfer, audit);
});
