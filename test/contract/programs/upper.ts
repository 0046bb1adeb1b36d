// Reads lines from the standard input and writes them in capitals, with the loop's own streams.
import { forEach, getRunningLoop, run } from 'asyncio-ts';
import { connectReadPipe, connectWritePipe, StreamReader, StreamReaderProtocol, StreamWriter } from 'asyncio-ts/node';

await run(async () => {
  const loop = getRunningLoop();
  const reader = new StreamReader();
  await connectReadPipe(() => new StreamReaderProtocol(reader), process.stdin);
  const [transport, protocol] = await connectWritePipe(
    () => new StreamReaderProtocol(new StreamReader()),
    process.stdout,
  );
  const writer = new StreamWriter(transport, protocol, null, loop);
  await forEach(reader.lines(), async (line) => {
    writer.write(`${line.toUpperCase()}\n`);
    await writer.drain();
  });
  writer.close();
  await writer.waitClosed();
});
