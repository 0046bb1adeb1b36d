import pg from 'pg';
import type { Server } from './servers.ts';

/** What the server says to somebody who takes no part. */
export class Observer implements AsyncDisposable {
  readonly #client: pg.Client;

  private constructor(client: pg.Client) {
    this.#client = client;
  }

  static async of({ env }: Server): Promise<Observer> {
    const client = new pg.Client({
      host: env['PGHOST'],
      port: Number(env['PGPORT']),
      user: env['PGUSER'],
      database: env['PGDATABASE'],
    });
    await client.connect();
    return new Observer(client);
  }

  /** The first column of the rows. */
  async ask(sql: string): Promise<unknown[]> {
    const { rows } = await this.#client.query<unknown[]>({ text: sql, rowMode: 'array' });
    return rows.map(([value]) => value);
  }

  /** How many statements with this text run. */
  async running(text: string): Promise<number> {
    const [count] = await this.ask(
      `SELECT count(*)::int FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%${text}%' AND pid <> pg_backend_pid()`,
    );
    return count as number;
  }

  /** How many connections are in a transaction that is not at its end. */
  async open(): Promise<number> {
    const [count] = await this.ask(
      "SELECT count(*)::int FROM pg_stat_activity WHERE state LIKE 'idle in transaction%' AND pid <> pg_backend_pid()",
    );
    return count as number;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client.end();
  }
}

/** A function whose statement goes on for half a second after it was cancelled. */
export const STUBBORN = `
  CREATE OR REPLACE FUNCTION stubborn() RETURNS void LANGUAGE plpgsql AS $$
  BEGIN
    PERFORM pg_sleep(60);
  EXCEPTION WHEN query_canceled THEN
    PERFORM pg_sleep(0.5);
  END $$`;
