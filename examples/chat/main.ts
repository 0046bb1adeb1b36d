// A chat server. After Ctrl-C, all members get a farewell.
//
//     node examples/chat/main.ts --port 7000
//     nc localhost 7000

import process from 'node:process';
import { parseArgs } from 'node:util';
import { Event, KeyboardInterrupt, run } from 'asyncio-ts';
import { startServer } from 'asyncio-ts/node';
import { Chat, LONGEST_LINE } from './chat.ts';

/** How long the farewell may take, in seconds. */
const DEADLINE = 5;

const { values } = parseArgs({
  options: {
    host: { type: 'string', default: '127.0.0.1' },
    port: { type: 'string', default: '7000' },
    idle: { type: 'string', default: '600' },
  },
});

async function main(): Promise<void> {
  const chat = new Chat({ idle: Number(values.idle), log: console.log });
  const server = await startServer(chat.handle, values.host, Number(values.port), { limit: LONGEST_LINE });
  console.log(`listening on ${server.sockets.join(', ')}`);
  try {
    await new Event().wait();
  } finally {
    chat.close('*** The server is shut down. Good bye.');
    const { cut } = await server.shutdown(DEADLINE);
    console.log(`connections cut: ${cut}`);
  }
}

try {
  await run(main);
} catch (error) {
  if (!(error instanceof KeyboardInterrupt)) throw error;
  process.exitCode = 130;
}
