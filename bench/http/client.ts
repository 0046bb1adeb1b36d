import { connect, type Socket } from 'node:net';

const REQUEST = Buffer.from('GET / HTTP/1.1\r\nhost: localhost\r\n\r\n');

/** Connections that ask again as soon as they are answered. All answers of a server have the same length, so that bytes tell their number. */
export class Client {
  readonly #sockets: readonly Socket[];
  readonly #size: number;

  private constructor(sockets: readonly Socket[], size: number) {
    this.#sockets = sockets;
    this.#size = size;
  }

  /** @throws {Error} when the server does not answer with what it is to answer */
  static async open(port: number, connections: number): Promise<Client> {
    const sockets = await Promise.all(Array.from({ length: connections }, () => opened(port)));
    let size = 0;
    for (const socket of sockets) {
      const answer = await answerOf(socket);
      if (!/^HTTP\/1\.1 200 /.test(answer)) throw new Error(`not what was asked for: ${answer}`);
      if (size !== 0 && answer.length !== size) throw new Error('answers of different lengths');
      size = answer.length;
    }
    return new Client(sockets, size);
  }

  /** Has so many requests answered; gives what that took, in nanoseconds. */
  async ask(requests: number): Promise<number> {
    let asked = 0;
    const began = process.hrtime.bigint();
    await Promise.all(
      this.#sockets.map(
        (socket) =>
          new Promise<void>((resolve, reject) => {
            let left = 0;
            const next = (): void => {
              if (asked === requests) {
                socket.removeAllListeners();
                resolve();
                return;
              }
              asked++;
              left = this.#size;
              socket.write(REQUEST);
            };
            socket.on('data', (chunk) => {
              left -= chunk.length;
              if (left === 0) next();
              else if (left < 0) reject(new Error('an answer is longer than the others'));
            });
            socket.on('close', () => reject(new Error('the server has closed a connection')));
            if (socket.destroyed) reject(new Error('the server has closed a connection'));
            else next();
          }),
      ),
    );
    return Number(process.hrtime.bigint() - began);
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}

function opened(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true }, () => resolve(socket));
    socket.once('error', reject);
  });
}

async function answerOf(socket: Socket): Promise<string> {
  let answer = '';
  socket.write(REQUEST);
  for (;;) {
    const chunk = await new Promise<Buffer>((resolve) => socket.once('data', resolve));
    answer += chunk.toString('latin1');
    if (answer.endsWith('hello')) return answer;
  }
}
