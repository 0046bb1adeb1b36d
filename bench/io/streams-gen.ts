import { createTask, Runner, type Task } from 'asyncio-ts';
import { openConnection, type StreamPair, type StreamReader, type StreamWriter, startServer } from 'asyncio-ts/node';
import { checkAnswer, checkEcho, messageOf, PATTERN, Tally } from './payload.ts';
import { BACKLOG, CHUNK, CONNECTIONS, HOST, MESSAGE, type Program, type Work } from './program.ts';

/** This library's streams in generator coroutines. */

type Coroutine<T> = Generator<unknown, T, unknown>;

const HANDLERS: Readonly<Record<Work, (reader: StreamReader, writer: StreamWriter) => Coroutine<void>>> = {
  *echo(reader, writer) {
    while (true) {
      const data = yield* reader.read(CHUNK);
      if (data.length === 0) break;
      writer.write(data);
      yield* writer.drain();
    }
    writer.close();
  },
  *bulk(reader, writer) {
    const tally = new Tally();
    while (true) {
      const data = yield* reader.read(CHUNK);
      if (data.length === 0) break;
      tally.add(data);
    }
    writer.write(tally.answer());
    writer.close();
  },
  *idle(reader, writer) {
    yield* reader.read(CHUNK);
    writer.close();
  },
};

function serve(work: Work): Promise<number> {
  return new Promise((resolve) => {
    void new Runner().run(function* () {
      const server = yield* startServer(HANDLERS[work], HOST, 0, { backlog: BACKLOG });
      resolve(server.sockets[0]!.port);
      yield* server.serveForever();
    });
  });
}

function* exchange({ reader, writer }: StreamPair, message: Uint8Array, times: number): Coroutine<void> {
  for (let i = 0; i < times; i++) {
    writer.write(message);
    yield* writer.drain();
    checkEcho(yield* reader.readexactly(MESSAGE), message);
  }
}

function* connectAll(port: number): Coroutine<StreamPair[]> {
  const pairs: StreamPair[] = [];
  for (let i = 0; i < CONNECTIONS; i++) pairs.push(yield* openConnection(HOST, port));
  return pairs;
}

function* exchangeAll(pairs: readonly StreamPair[], count: number): Coroutine<number> {
  const begin = performance.now();
  const tasks: Task<void>[] = [];
  for (const [i, pair] of pairs.entries()) tasks.push(createTask(exchange(pair, messageOf(i), count / CONNECTIONS)));
  for (const task of tasks) yield* task;
  return (performance.now() - begin) * 1e6;
}

function* sendBulk(port: number, chunks: number): Coroutine<number> {
  const { reader, writer } = yield* openConnection(HOST, port);
  const begin = performance.now();
  for (let i = 0; i < chunks; i++) {
    writer.write(PATTERN);
    yield* writer.drain();
  }
  writer.writeEof();
  checkAnswer(new TextDecoder().decode(yield* reader.read()), chunks);
  const end = performance.now();
  writer.close();
  yield* writer.waitClosed();
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
