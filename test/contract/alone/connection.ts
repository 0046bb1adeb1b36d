import { openConnection, startServer } from 'asyncio-ts/node';

const server = await startServer(
  async (_reader, writer) => {
    writer.write(new TextEncoder().encode('hello\n'));
    writer.close();
    await writer.waitClosed();
  },
  '127.0.0.1',
  0,
);
const [reader, writer] = await openConnection('127.0.0.1', server.port);
const line = new TextDecoder().decode(await reader.readline());
if (line !== 'hello\n') throw new Error(`the line of the server arrives, not ${JSON.stringify(line)}`);
writer.close();
await writer.waitClosed();
server.close();
await server.waitClosed();
