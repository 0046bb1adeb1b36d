// What the services do: products with a stock, orders that take from it.
import { ContextVar, currentTask, sleep, wrapPromise } from 'asyncio-ts';
import type { Redis } from 'ioredis';
import type { Database, Row } from './database.ts';

/** Of each request: its id, for log lines and answers. */
export const requestId = new ContextVar('request id', { default: '-' });

export class SoldOut extends Error {}

const SECONDS_IN_CACHE = 60;

export class Shop {
  readonly #database: Database;
  readonly #cache: Redis;

  constructor(database: Database, cache: Redis) {
    this.#database = database;
    this.#cache = cache;
  }

  async createTables(): Promise<void> {
    await this.#database.query(`CREATE TABLE IF NOT EXISTS products (
      id int PRIMARY KEY, name text NOT NULL, stock int NOT NULL CHECK (stock >= 0))`);
    await this.#database.query(`CREATE TABLE IF NOT EXISTS orders (
      id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, product int NOT NULL REFERENCES products, quantity int NOT NULL)`);
    await this.#database.query(
      "INSERT INTO products VALUES (1, 'chair', 1000000), (2, 'lamp', 3) ON CONFLICT (id) DO NOTHING",
    );
  }

  /** A product, from the cache where it is; `null` when there is none. */
  async product(id: number): Promise<Row | null> {
    const cached = await wrapPromise(this.#cache.get(`product:${id}`));
    if (cached !== null) return JSON.parse(cached) as Row;
    const [row] = await this.#database.query('SELECT id, name, stock FROM products WHERE id = $1', id);
    if (row === undefined) return null;
    await wrapPromise(this.#cache.set(`product:${id}`, JSON.stringify(row), 'EX', SECONDS_IN_CACHE));
    return row;
  }

  /**
   * Takes from the stock and writes an order, both or neither.
   *
   * @throws {SoldOut} when there is not enough
   */
  async order(product: number, quantity: number): Promise<Row> {
    const order = await this.#database.transaction(async (query) => {
      const taken = await query(
        'UPDATE products SET stock = stock - $2 WHERE id = $1 AND stock >= $2 RETURNING id',
        product,
        quantity,
      );
      if (taken.length === 0) throw new SoldOut(`there are not ${quantity} of product ${product}`);
      const [row] = await query(
        'INSERT INTO orders (product, quantity) VALUES ($1, $2) RETURNING *',
        product,
        quantity,
      );
      return row!;
    });
    await wrapPromise(this.#cache.del(`product:${product}`));
    return order;
  }

  /** A query that takes long. */
  async report(seconds: number): Promise<Row> {
    const [row] = await this.#database.query('SELECT count(*)::int AS orders, pg_sleep($1) FROM orders', seconds);
    return { orders: row!['orders'], task: currentTask()!.getName(), id: requestId.get() };
  }

  /** How many orders there are, again and again, as server-sent events. */
  async *events(seconds: number): AsyncGenerator<string> {
    for (;;) {
      const [row] = await this.#database.query('SELECT count(*)::int AS orders FROM orders');
      yield `data: ${JSON.stringify(row)}\n\n`;
      await sleep(seconds);
    }
  }
}
