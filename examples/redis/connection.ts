// One connection to Redis. Commands are sent as they come, without waiting for the replies to those before: replies come in order.

import { createTask, Future, type Task, wait } from 'asyncio-ts';
import { ConnectionError, openConnection, type StreamReader, type StreamWriter } from 'asyncio-ts/node';
import { encode, Push, RedisError, type Reply, readReply } from './resp.ts';

/** The address of Redis, and the version of the protocol. */
export interface Address {
  readonly host?: string;
  readonly port?: number;
  readonly password?: string;
  /** The version of the protocol. */
  readonly protocol?: 2 | 3;
}

/** The connection has ended. Whether commands without a reply were carried out is not known. */
export class ConnectionLost extends Error {
  override get name(): string {
    return 'ConnectionLost';
  }
}

export type Command = readonly [name: string, ...args: (string | number)[]];
type OnPush = (items: readonly Reply[]) => Promise<void>;

/** Without RESP3, messages for which nobody has asked are recognised by their first word. */
const PUSHES = new Set<Reply>(['subscribe', 'unsubscribe', 'message']);

export class Connection implements AsyncDisposable {
  readonly #reader: StreamReader;
  readonly #writer: StreamWriter;
  /** The futures that wait for replies, in the order of the commands. */
  readonly #waiting: Future<Reply>[] = [];
  readonly #onPush: OnPush | null;
  readonly #receiving: Task<void>;
  #isLost = false;

  private constructor(reader: StreamReader, writer: StreamWriter, onPush: OnPush | null) {
    this.#reader = reader;
    this.#writer = writer;
    this.#onPush = onPush;
    this.#receiving = createTask(() => this.#receive(), { name: 'redis replies' });
  }

  /** Connects, and sends HELLO. With `onPush`, the connection is for messages that Redis sends without having been asked. */
  static async open(address: Address, onPush: OnPush | null = null): Promise<Connection> {
    const { host = '127.0.0.1', port = 6379, password, protocol = 3 } = address;
    const [reader, writer] = await openConnection(host, port);
    const connection = new Connection(reader, writer, onPush);
    try {
      if (protocol === 3) await connection.send('HELLO', 3, ...(password ? ['AUTH', 'default', password] : []));
      else if (password) await connection.send('AUTH', password);
      return connection;
    } catch (error) {
      await connection.close();
      throw error;
    }
  }

  get isLost(): boolean {
    return this.#isLost;
  }

  /** Waits for the connection's end. */
  async lost(): Promise<void> {
    await wait([this.#receiving]);
  }

  /** Sends a command at once. The future has its reply. */
  send(...command: Command): Future<Reply> {
    const reply = new Future<Reply>();
    if (this.#isLost) reply.setException(new ConnectionLost('the connection to Redis has ended'));
    else {
      this.#writer.write(encode(command));
      this.#waiting.push(reply);
    }
    return reply;
  }

  /** Sends commands that are answered only by push messages: SUBSCRIBE. */
  async tell(...command: Command): Promise<void> {
    this.#writer.write(encode(command));
    await this.#writer.drain();
  }

  /** Waits while Redis reads more slowly than commands are sent. If the connection is lost, the futures of the replies fail. */
  async drain(): Promise<void> {
    try {
      await this.#writer.drain();
    } catch (error) {
      if (!(error instanceof ConnectionError)) throw error;
    }
  }

  async #receive(): Promise<void> {
    let reason: unknown = null;
    try {
      for (;;) {
        const reply = await readReply(this.#reader);
        if (reply instanceof Push) await this.#onPush?.(reply.items);
        else if (this.#onPush !== null && Array.isArray(reply) && PUSHES.has(reply[0]!)) await this.#onPush(reply);
        else this.#settle(reply);
      }
    } catch (error) {
      reason = error;
    } finally {
      this.#end(reason);
    }
  }

  #end(cause: unknown): void {
    this.#isLost = true;
    this.#writer.close();
    for (const reply of this.#waiting.splice(0))
      if (!reply.done()) reply.setException(new ConnectionLost('the connection to Redis has ended', { cause }));
  }

  /** Gives a reply to the next future. That of a cancelled command is dropped, but it must be taken all the same. */
  #settle(reply: Reply): void {
    const next = this.#waiting.shift();
    if (next === undefined) throw new Error('Redis has replied to nothing');
    if (next.done()) return;
    if (reply instanceof RedisError) next.setException(reply);
    else next.setResult(reply);
  }

  async close(): Promise<void> {
    this.#receiving.cancel();
    this.#end(null);
    await wait([this.#receiving]);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
