// A client of Redis that connects again when the connection is lost.

import { gather, Lock } from 'asyncio-ts';
import { type Backoff, patiently } from './backoff.ts';
import { type Address, type Command, Connection } from './connection.ts';
import type { Reply } from './resp.ts';
import { Subscription } from './subscription.ts';

export type { Address, Command } from './connection.ts';
export { ConnectionLost } from './connection.ts';
export { RedisError, type Reply } from './resp.ts';
export type { Message } from './subscription.ts';

export interface RedisOptions extends Address {
  readonly backoff?: Backoff;
}

/**
 * Commands of many tasks share one connection. A command that is under way when the connection is lost fails, because nobody knows
 * whether it was carried out; the next one connects again.
 */
export class Redis implements AsyncDisposable {
  readonly #options: RedisOptions;
  readonly #connecting = new Lock();
  #connection: Connection;

  private constructor(connection: Connection, options: RedisOptions) {
    this.#connection = connection;
    this.#options = options;
  }

  /** Connects. Fails at once when there is no Redis. */
  static async connect(options: RedisOptions = {}): Promise<Redis> {
    return new Redis(await Connection.open(options), options);
  }

  /** Sends a command; gives its reply. */
  async send(...command: Command): Promise<Reply> {
    const connection = await this.#connected();
    const reply = connection.send(...command);
    try {
      await connection.drain();
      return await reply;
    } finally {
      reply.cancel(); // harmless when it has come
    }
  }

  /** Sends commands together; gives their replies. Of several that fail, the first one's error is thrown. */
  async pipeline(commands: readonly Command[]): Promise<Reply[]> {
    const connection = await this.#connected();
    const replies = await gather(
      commands.map((command) => connection.send(...command)),
      { returnExceptions: true },
    );
    for (const reply of replies) if (reply instanceof Error) throw reply;
    return replies as Reply[];
  }

  /** Messages of some channels, from now on. */
  async subscribe(...channels: readonly string[]): Promise<Subscription> {
    return await Subscription.begin(channels, this.#options);
  }

  async #connected(): Promise<Connection> {
    if (!this.#connection.isLost) return this.#connection;
    // If several tasks find no connection, only one of them connects.
    using _ = await this.#connecting.acquire();
    if (this.#connection.isLost)
      this.#connection = await patiently(() => Connection.open(this.#options), this.#options.backoff ?? {});
    return this.#connection;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection.close();
  }
}
