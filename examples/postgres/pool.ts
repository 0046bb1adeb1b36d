import { Semaphore } from 'asyncio-ts';
import { Connection, type Result } from './connection.ts';
import type { Address } from './startup.ts';
import type { Value } from './values.ts';

/** A few connections for many tasks. A task waits while all connections are in use. */
export class Pool implements AsyncDisposable {
  readonly #address: Address;
  readonly #free: Semaphore;
  readonly #idle: Connection[] = [];
  #isClosed = false;

  /** @param size how many connections at most; they are made when they are needed */
  constructor(address: Address, size: number) {
    this.#address = address;
    this.#free = new Semaphore(size);
  }

  /** Lends a connection to a body. */
  async use<T>(body: (connection: Connection) => Promise<T>): Promise<T> {
    using _ = await this.#free.acquire();
    const connection = this.#idle.pop() ?? (await Connection.open(this.#address));
    try {
      return await body(connection);
    } finally {
      await this.#takeBack(connection);
    }
  }

  async query(sql: string, ...parameters: readonly Value[]): Promise<Result> {
    return await this.use((connection) => connection.query(sql, ...parameters));
  }

  async transaction<T>(body: (connection: Connection) => Promise<T>): Promise<T> {
    return await this.use((connection) => connection.transaction(body));
  }

  /** Takes a connection back, and ends a transaction that the body has left open. */
  async #takeBack(connection: Connection): Promise<void> {
    if (connection.isInTransaction) await connection.execute('ROLLBACK');
    if (connection.isReady && !this.#isClosed) this.#idle.push(connection);
    else await connection[Symbol.asyncDispose]();
  }

  /** Closes the connections. Those in use are closed when they are returned. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#isClosed = true;
    for (const connection of this.#idle.splice(0)) await connection[Symbol.asyncDispose]();
  }
}
