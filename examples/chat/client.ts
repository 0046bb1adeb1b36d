// A client for systems without nc: sends what is typed, and shows what is received.
//
//     node examples/chat/client.ts --port 7000

import process from 'node:process';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { createTask, FIRST_COMPLETED, KeyboardInterrupt, on, run, wait } from 'asyncio-ts';
import { openConnection, type StreamReader, type StreamWriter } from 'asyncio-ts/node';

const { values } = parseArgs({
  options: { host: { type: 'string', default: '127.0.0.1' }, port: { type: 'string', default: '7000' } },
});

async function show(reader: StreamReader): Promise<void> {
  for await (const line of reader.lines()) console.log(line);
}

async function type(writer: StreamWriter): Promise<void> {
  const input = createInterface({ input: process.stdin });
  try {
    for await (const [line] of on(input, 'line', { close: ['close'] })) {
      writer.write(`${line}\n`);
      await writer.drain();
    }
  } finally {
    input.close();
  }
  writer.writeEof();
}

/** Ends when the server closes the connection. After the end of the input, the remaining lines of the server are shown. */
async function main(): Promise<void> {
  const [reader, writer] = await openConnection(values.host, Number(values.port));
  await using _ = writer;
  const showing = createTask(() => show(reader), { name: 'show' });
  const typing = createTask(() => type(writer), { name: 'type' });
  try {
    await wait([showing, typing], { returnWhen: FIRST_COMPLETED });
    await showing;
  } finally {
    typing.cancel();
    showing.cancel();
    await wait([showing, typing]);
  }
}

try {
  await run(main);
} catch (error) {
  if (!(error instanceof KeyboardInterrupt)) throw error;
  process.exitCode = 130;
}
