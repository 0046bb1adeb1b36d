import { createTask, Runner, type Task } from 'asyncio-ts';
import { openConnection, type StreamPair, type StreamReader, type StreamWriter, startServer } from 'asyncio-ts/node';
import { checkAnswer, checkEcho, messageOf, PATTERN, Tally } from './payload.ts';
import { BACKLOG, CHUNK, CONNECTIONS, HOST, MESSAGE, type Program, type Work } from './program.ts';

/** This library's streams in async functions. */

const HANDLERS: Readonly<Record<Work, (reader: StreamReader, writer: StreamWriter) => Promise<void>>> = {
  async echo(reader, writer) {
    while (true) {
      const data = await reader.read(CHUNK);
      if (data.length === 0) break;
      writer.write(data);
      await writer.drain();
    }
    writer.close();
  },
  async bulk(reader, writer) {
    const tally = new Tally();
    while (true) {
      const data = await reader.read(CHUNK);
      if (data.length === 0) break;
      tally.add(data);
    }
    writer.write(tally.answer());
    writer.close();
  },
  async idle(reader, writer) {
    await reader.read(CHUNK);
    writer.close();
  },
};

function serve(work: Work): Promise<number> {
  return new Promise((resolve) => {
    void new Runner().run(async () => {
      const server = await startServer(HANDLERS[work], HOST, 0, { backlog: BACKLOG });
      resolve(server.sockets[0]!.port);
      await server.serveForever();
    });
  });
}

async function exchange({ reader, writer }: StreamPair, message: Uint8Array, times: number): Promise<void> {
  for (let i = 0; i < times; i++) {
    writer.write(message);
    await writer.drain();
    checkEcho(await reader.readexactly(MESSAGE), message);
  }
}

async function connectAll(port: number): Promise<StreamPair[]> {
  const pairs: StreamPair[] = [];
  for (let i = 0; i < CONNECTIONS; i++) pairs.push(await openConnection(HOST, port));
  return pairs;
}

async function exchangeAll(pairs: readonly StreamPair[], count: number): Promise<number> {
  const begin = performance.now();
  const tasks: Task<void>[] = [];
  for (const [i, pair] of pairs.entries())
    tasks.push(createTask(() => exchange(pair, messageOf(i), count / CONNECTIONS)));
  for (const task of tasks) await task;
  return (performance.now() - begin) * 1e6;
}

async function sendBulk(port: number, chunks: number): Promise<number> {
  const { reader, writer } = await openConnection(HOST, port);
  const begin = performance.now();
  for (let i = 0; i < chunks; i++) {
    writer.write(PATTERN);
    await writer.drain();
  }
  writer.writeEof();
  checkAnswer(new TextDecoder().decode(await reader.read()), chunks);
  const end = performance.now();
  writer.close();
  await writer.waitClosed();
  return (end - begin) * 1e6;
}

export const program: Program = {
  serve,
  async connect(work, port) {
    const runner = new Runner();
    if (work !== 'echo') return (chunks) => runner.run(() => sendBulk(port, chunks));
    const pairs = await runner.run(() => connectAll(port));
    return (count) => runner.run(() => exchangeAll(pairs, count));
  },
};
