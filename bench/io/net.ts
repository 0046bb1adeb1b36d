import { type AddressInfo, createConnection, createServer, type Socket } from 'node:net';
import { checkAnswer, checkEcho, messageOf, PATTERN, Tally } from './payload.ts';
import { BACKLOG, CONNECTIONS, type Exchange, HOST, MESSAGE, type Program, type Work } from './program.ts';

/** `node:net` with callbacks: what the ratios refer to. It keeps to back-pressure, as a careful program does. */

const HANDLERS: Readonly<Record<Work, (socket: Socket) => void>> = {
  echo(socket) {
    socket.on('data', (chunk: Uint8Array) => {
      if (socket.write(chunk)) return;
      socket.pause();
      socket.once('drain', () => socket.resume());
    });
    socket.on('end', () => socket.end());
  },
  bulk(socket) {
    const tally = new Tally();
    socket.on('data', (chunk: Uint8Array) => tally.add(chunk));
    socket.on('end', () => socket.end(tally.answer()));
  },
  idle(socket) {
    socket.on('data', () => {});
    socket.on('end', () => socket.end());
  },
};

function serve(work: Work): Promise<number> {
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    socket.on('error', () => {});
    HANDLERS[work](socket);
  });
  return new Promise((resolve) => {
    server.listen({ port: 0, host: HOST, backlog: BACKLOG }, () => resolve((server.address() as AddressInfo).port));
  });
}

/** A connection that is there. */
export function connected(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = createConnection({ port, host: HOST, noDelay: true }, () => resolve(socket));
    socket.on('error', reject);
  });
}

/** One connection's messages, each when the last one is back. */
class EchoClient {
  readonly #socket: Socket;
  readonly #message: Uint8Array;
  #left = 0;
  #received = 0;
  #done: () => void = () => {};

  constructor(socket: Socket, message: Uint8Array) {
    this.#socket = socket;
    this.#message = message;
    socket.on('data', (chunk: Uint8Array) => this.#onData(chunk));
  }

  exchange(times: number): Promise<void> {
    this.#left = times;
    this.#socket.write(this.#message);
    return new Promise((resolve) => {
      this.#done = resolve;
    });
  }

  #onData(chunk: Uint8Array): void {
    checkEcho(chunk, this.#message);
    this.#received += chunk.length;
    if (this.#received < MESSAGE) return;
    this.#received = 0;
    if (--this.#left === 0) this.#done();
    else this.#socket.write(this.#message);
  }
}

async function connectForEcho(port: number): Promise<Exchange> {
  const clients: EchoClient[] = [];
  for (let i = 0; i < CONNECTIONS; i++) clients.push(new EchoClient(await connected(port), messageOf(i)));
  return async (count) => {
    const begin = performance.now();
    await Promise.all(clients.map((client) => client.exchange(count / CONNECTIONS)));
    return (performance.now() - begin) * 1e6;
  };
}

async function sendBulk(port: number, chunks: number): Promise<number> {
  const socket = await connected(port);
  const begin = performance.now();
  const answer = answerOf(socket);
  writeAll(socket, chunks);
  checkAnswer(await answer, chunks);
  return (performance.now() - begin) * 1e6;
}

function writeAll(socket: Socket, chunks: number): void {
  let left = chunks;
  const write = () => {
    while (left > 0) {
      left--;
      if (!socket.write(PATTERN)) break;
    }
    if (left > 0) socket.once('drain', write);
    else socket.end();
  };
  write();
}

function answerOf(socket: Socket): Promise<string> {
  return new Promise((resolve) => {
    let answer = '';
    socket.on('data', (chunk) => {
      answer += chunk.toString();
    });
    socket.on('end', () => resolve(answer));
  });
}

export const program: Program = {
  serve,
  connect: async (work, port) => (work === 'echo' ? await connectForEcho(port) : (chunks) => sendBulk(port, chunks)),
};
