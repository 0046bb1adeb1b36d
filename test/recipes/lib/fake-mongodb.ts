import type { AddressInfo } from 'node:net';
import { createServer, type Server, type Socket } from 'node:net';
import { once } from 'asyncio-ts';
import { BSON } from 'mongodb';

const OP_MSG = 2013;
const HEADER = 16;
const CURSOR = BSON.Long.fromNumber(77);

/**
 * As much of MongoDB's protocol as `hello` and `find` need. A `find` of `{ slow: true }`, and what is
 * asked of the cursor of `{ many: true }`, is answered by `answer()` only. It is no MongoDB: it
 * shows what the driver does to its connections, and not what a server makes of it.
 */
export class FakeMongodb implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #slow = new Map<() => void, Socket>();
  /** What was asked about cursors that have more. */
  readonly commands: string[] = [];
  /** How many connections have asked for documents. */
  readonly used = new Set<Socket>();

  private constructor(server: Server) {
    this.#server = server;
    server.on('connection', (socket) => this.#serve(socket));
  }

  static async start(): Promise<FakeMongodb> {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new FakeMongodb(server);
  }

  get url(): string {
    return `mongodb://127.0.0.1:${(this.#server.address() as AddressInfo).port}/?directConnection=true`;
  }

  /** How many slow queries wait on connections that are open. */
  get waiting(): number {
    return this.#slow.size;
  }

  /** Answers the slow queries. */
  answer(): void {
    for (const reply of this.#slow.keys()) reply();
    this.#slow.clear();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    let input = Buffer.alloc(0);
    socket.on('error', () => {});
    socket.on('data', (data: Buffer) => {
      input = Buffer.concat([input, data]);
      while (input.length >= 4 && input.length >= input.readInt32LE(0)) {
        const length = input.readInt32LE(0);
        this.#handle(socket, input.subarray(0, length));
        input = input.subarray(length);
      }
    });
    socket.on('close', () => {
      this.#sockets.delete(socket);
      for (const [reply, of] of this.#slow) if (of === socket) this.#slow.delete(reply);
    });
  }

  #handle(socket: Socket, message: Buffer): void {
    if (message.readInt32LE(12) !== OP_MSG) throw new Error('only OP_MSG is known: give the client `serverApi`');
    const command = BSON.deserialize(message.subarray(HEADER + 5));
    const id = message.readInt32LE(4);
    const reply = (document: BSON.Document): void => {
      if (!socket.destroyed) socket.write(messageOf(id, { ok: 1, ...document }));
    };
    if ('find' in command) {
      this.used.add(socket);
      const id = command['filter']?.many === true ? CURSOR : BSON.Long.ZERO;
      const found = (): void => reply({ cursor: { id, ns: 'town.people', firstBatch: [{ _id: 1, name: 'Ada' }] } });
      if (command['filter']?.slow === true) this.#slow.set(found, socket);
      else found();
    } else if ('getMore' in command) {
      this.commands.push('getMore');
      this.#slow.set(() => reply({ cursor: { id: CURSOR, ns: 'town.people', nextBatch: [{ _id: 3 }] } }), socket);
    } else if ('killCursors' in command) {
      this.commands.push('killCursors');
      reply({ cursorsKilled: command['cursors'], cursorsNotFound: [], cursorsAlive: [], cursorsUnknown: [] });
    } else {
      reply({
        isWritablePrimary: true,
        helloOk: true,
        maxBsonObjectSize: 16_777_216,
        minWireVersion: 0,
        maxWireVersion: 25,
      });
    }
  }
}

function messageOf(responseTo: number, document: BSON.Document): Buffer {
  const body = BSON.serialize(document);
  const message = Buffer.alloc(HEADER + 5 + body.length);
  message.writeInt32LE(message.length, 0);
  message.writeInt32LE(1, 4);
  message.writeInt32LE(responseTo, 8);
  message.writeInt32LE(OP_MSG, 12);
  message.set(body, HEADER + 5);
  return message;
}
