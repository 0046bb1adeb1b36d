import { type Future, getRunningLoop, Runner } from 'asyncio-ts';
import { createConnection, createServer, Protocol, type Transport } from 'asyncio-ts/node';
import { checkAnswer, checkEcho, messageOf, PATTERN, Tally } from './payload.ts';
import { BACKLOG, CONNECTIONS, HOST, MESSAGE, type Program, type Work } from './program.ts';

/** This library's transports and protocols. */

type Coroutine<T> = Generator<unknown, T, unknown>;

class Connected extends Protocol {
  protected transport!: Transport;

  override connectionMade(transport: Transport): void {
    this.transport = transport;
  }
}

class Echo extends Connected {
  override dataReceived(data: Uint8Array): void {
    this.transport.write(data);
  }

  override pauseWriting(): void {
    this.transport.pauseReading();
  }

  override resumeWriting(): void {
    this.transport.resumeReading();
  }
}

class Sink extends Connected {
  readonly #tally = new Tally();

  override dataReceived(data: Uint8Array): void {
    this.#tally.add(data);
  }

  override eofReceived(): boolean {
    this.transport.write(this.#tally.answer());
    this.transport.close();
    return true;
  }
}

const PROTOCOLS: Readonly<Record<Work, () => Protocol>> = {
  echo: () => new Echo(),
  bulk: () => new Sink(),
  idle: () => new Connected(),
};

function serve(work: Work): Promise<number> {
  return new Promise((resolve) => {
    void new Runner().run(function* () {
      const server = yield* createServer(PROTOCOLS[work], HOST, 0, { backlog: BACKLOG });
      resolve(server.sockets[0]!.port);
      yield* server.serveForever();
    });
  });
}

/** One connection's messages, each when the last one is back. */
class EchoClient extends Connected {
  readonly #message: Uint8Array;
  #left = 0;
  #received = 0;
  #done: Future<void> | null = null;

  constructor(message: Uint8Array) {
    super();
    this.#message = message;
  }

  exchange(times: number): Future<void> {
    this.#left = times;
    this.#done = getRunningLoop().createFuture<void>();
    this.transport.write(this.#message);
    return this.#done;
  }

  override dataReceived(data: Uint8Array): void {
    checkEcho(data, this.#message);
    this.#received += data.length;
    if (this.#received < MESSAGE) return;
    this.#received = 0;
    if (--this.#left === 0) this.#done?.setResult();
    else this.transport.write(this.#message);
  }
}

function* connectAll(port: number): Coroutine<EchoClient[]> {
  const clients: EchoClient[] = [];
  for (let i = 0; i < CONNECTIONS; i++) {
    const client = new EchoClient(messageOf(i));
    yield* createConnection(() => client, HOST, port);
    clients.push(client);
  }
  return clients;
}

function* exchangeAll(clients: readonly EchoClient[], count: number): Coroutine<number> {
  const begin = performance.now();
  const exchanges = clients.map((client) => client.exchange(count / CONNECTIONS));
  for (const done of exchanges) yield* done;
  return (performance.now() - begin) * 1e6;
}

class Source extends Connected {
  readonly answered: Future<string> = getRunningLoop().createFuture<string>();
  #left: number;
  #paused = false;
  #answer = '';

  constructor(chunks: number) {
    super();
    this.#left = chunks;
  }

  send(): void {
    while (this.#left > 0 && !this.#paused) {
      this.#left--;
      this.transport.write(PATTERN);
    }
    if (this.#left === 0) this.transport.writeEof();
  }

  override pauseWriting(): void {
    this.#paused = true;
  }

  override resumeWriting(): void {
    this.#paused = false;
    if (this.#left > 0) this.send();
  }

  override dataReceived(data: Uint8Array): void {
    this.#answer += new TextDecoder().decode(data);
  }

  override eofReceived(): void {
    this.answered.setResult(this.#answer);
  }
}

function* sendBulk(port: number, chunks: number): Coroutine<number> {
  const source = new Source(chunks);
  yield* createConnection(() => source, HOST, port);
  const begin = performance.now();
  source.send();
  checkAnswer(yield* source.answered, chunks);
  return (performance.now() - begin) * 1e6;
}

export const program: Program = {
  serve,
  async connect(work, port) {
    const runner = new Runner();
    if (work !== 'echo') return (chunks) => runner.run(() => sendBulk(port, chunks));
    const clients = await runner.run(() => connectAll(port));
    return (count) => runner.run(() => exchangeAll(clients, count));
  },
};
