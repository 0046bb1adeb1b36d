// PostgreSQL by `pg`, for code whose work can be cancelled: the query is then cancelled on the server, and its connection is handed
// back only when it is over.
import { CancelledError, shield, wait, wrapPromise } from 'asyncio-ts';
import pg from 'pg';

export type Row = Record<string, unknown>;

/** Runs a statement on one connection. */
export type Query = (sql: string, ...values: unknown[]) => Promise<Row[]>;

/** How long to wait for the end of a query before it is cancelled again, in seconds. */
const PATIENCE = 0.05;

export class Database {
  readonly pool: pg.Pool;
  /** Connections for cancelling: the others may all be busy with what is to be cancelled. */
  readonly #cancelling: pg.Pool;
  /** Connections whose state nobody knows: they are closed instead of handed back. */
  readonly #lost = new WeakSet<pg.PoolClient>();

  constructor(connectionString: string, connections = 10) {
    // Connections stay open, because to open one takes longer than most queries.
    this.pool = new pg.Pool({ connectionString, max: connections, idleTimeoutMillis: 0 });
    this.#cancelling = new pg.Pool({ connectionString, max: 2, idleTimeoutMillis: 0 });
    // An idle connection that breaks is replaced; without a listener the error would end the process.
    this.pool.on('error', (error) => console.error(`database: ${error.message}`));
    this.#cancelling.on('error', (error) => console.error(`database: ${error.message}`));
  }

  /** Runs a statement on a connection of the pool. */
  readonly query: Query = (sql, ...values) => this.#withClient((client) => this.#run(client, sql, values));

  /** Runs statements in a transaction, which is rolled back when they fail or are cancelled. */
  transaction<T>(body: (query: Query) => Promise<T>): Promise<T> {
    return this.#withClient(async (client) => {
      const query: Query = (sql, ...values) => this.#run(client, sql, values);
      await query('BEGIN');
      try {
        const result = await body(query);
        await query('COMMIT');
        return result;
      } catch (error) {
        // A second cancellation does not stop it: the connection would go back to the pool within the transaction.
        await shield(() => this.#surely(client, async () => client.query('ROLLBACK')));
        throw error;
      }
    });
  }

  async close(): Promise<void> {
    await Promise.all([this.pool.end(), this.#cancelling.end()]);
  }

  async #withClient<T>(body: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    // Whoever is cancelled while it waits for a connection gets none; the one that comes later goes back to the pool.
    const client = await wrapPromise(this.pool.connect(), { onLate: (late) => late.release() });
    try {
      return await body(client);
    } finally {
      client.release(this.#lost.has(client));
    }
  }

  async #run(client: pg.PoolClient, sql: string, values: unknown[]): Promise<Row[]> {
    const result = client.query<Row>(sql, values);
    try {
      return (await wrapPromise(result)).rows;
    } catch (error) {
      if (error instanceof CancelledError) await shield(() => this.#surely(client, () => this.#cancel(client, result)));
      throw error;
    }
  }

  /** Cancels the query that a connection runs, and waits until it is over: with an error, or with a result that came first. */
  async #cancel(client: pg.PoolClient, result: Promise<unknown>): Promise<void> {
    const { processID } = client as pg.PoolClient & { readonly processID: number };
    const over = wrapPromise(result.catch(() => {}));
    do {
      await this.#cancelling.query('SELECT pg_cancel_backend($1)', [processID]);
      // PostgreSQL drops a request that comes before the query does, which is under way on another connection.
      await wait([over], { timeout: PATIENCE });
    } while (!over.done());
  }

  async #surely(client: pg.PoolClient, cleanUp: () => Promise<unknown>): Promise<void> {
    try {
      await cleanUp();
    } catch (error) {
      this.#lost.add(client);
      console.error(`database: a connection is closed, because its work could not be ended: ${error}`);
    }
  }
}
